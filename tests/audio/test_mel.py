"""Mel spectrograms: the filters are the known ones, streaming changes nothing, ends hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank

from lipkit.audio import mel

SPECS = {
    "whisper": mel.WHISPER,
    "syncnet": mel.SYNCNET,
    "wav2lip": replace(mel.SYNCNET, padding="reflect"),
    "speech64": mel.SPEECH64,
}
WAVE = np.random.default_rng(0).standard_normal(20000).astype(np.float32) * 0.1


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_filters_are_the_ones_that_transformers_makes(spec: mel.MelSpec) -> None:
    theirs = mel_filter_bank(
        num_frequency_bins=spec.fft // 2 + 1,
        num_mel_filters=spec.bands,
        min_frequency=spec.fmin,
        max_frequency=spec.fmax,
        sampling_rate=spec.rate,
        norm=spec.norm,
        mel_scale=spec.scale,
    )
    np.testing.assert_allclose(mel.filter_bank(spec), theirs.T, atol=1e-6)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 9000), max_size=8), length=st.integers(0, 9000))
def test_chunks_give_what_the_whole_gives(spec: mel.MelSpec, cuts: list[int], length: int) -> None:
    wave = WAVE[:length]
    chunks = np.split(wave, sorted(min(cut, length) for cut in cuts))
    pieces = mel.gathered(mel.spectra(chunks, spec), spec.bands)
    np.testing.assert_allclose(pieces, mel.mel_power(wave, spec), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("length", [1, 159, 160, 161, 399, 400, 12345])
def test_the_number_of_frames_is_as_promised(spec: mel.MelSpec, length: int) -> None:
    assert mel.mel_power(WAVE[:length], spec).shape == (spec.count(length), spec.bands)


@pytest.mark.parametrize("hertz", [220, 1000, 4000])
def test_a_tone_lights_the_band_that_it_lies_in(hertz: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    spec = mel.SPEECH64
    ends = mel.hertz_to_mel(np.array([spec.fmin, spec.fmax, hertz]), spec.scale)
    expected = (ends[2] - ends[0]) / (ends[1] - ends[0]) * (spec.bands + 1) - 1
    loudest = mel.mel_power(tone, spec)[50].argmax()
    assert abs(loudest - expected) <= 1


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_scales_invert(scale: str) -> None:
    hertz = np.array([0.0, 55.0, 999.0, 1000.0, 7600.0])
    there = mel.hertz_to_mel(hertz, scale)
    np.testing.assert_allclose(mel.mel_to_hertz(there, scale), hertz, atol=1e-9)


def test_silence_has_finite_logarithms() -> None:
    for spec in SPECS.values():
        assert np.isfinite(mel.log_mel(np.zeros(3200, np.float32), spec)).all()


def test_the_encoder_streams_what_it_encodes() -> None:
    encoder = mel.MelEncoder()
    whole = encoder.encode(WAVE)
    pieces = list(encoder.stream(lambda: np.array_split(WAVE, 7)))
    assert whole.data.shape == (125, 1, 80)
    np.testing.assert_allclose(np.concatenate(pieces), whole.data, atol=1e-5)


def test_whispers_floor_belongs_to_the_whole_sound() -> None:
    quiet_then_loud = np.concatenate([WAVE[:8000] * 1e-4, WAVE[:8000] * 10])
    logs = mel.log_mel(quiet_then_loud, mel.WHISPER)
    np.testing.assert_allclose(logs[:20].max(), logs.max() - 2.0, atol=1e-5)  # 8 / 4 below
