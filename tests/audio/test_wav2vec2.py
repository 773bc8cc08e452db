"""wav2vec 2.0 and HuBERT: long sound without joints, video rates, old and new names."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.audio import wav2vec2
from lipkit.audio.wav2vec2 import Wav2Vec2Encoder
from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.weights import find


def test_long_sound_has_no_joints(small_wav2vec2: Any, minute: np.ndarray) -> None:
    data = Wav2Vec2Encoder(small_wav2vec2).encode(minute).data
    assert data.shape == (3499, 2, 16)
    change = np.abs(np.diff(data, axis=0)).mean(axis=2)
    shared = np.vstack([change[1245:1505], change[2495:2755]])
    rest = np.vstack([change[100:1200], change[1550:2450]])
    assert (shared.max(axis=0) <= 1.05 * rest.max(axis=0)).all()


def test_a_cut_of_long_sound_is_like_the_whole(small_wav2vec2: Any, minute: np.ndarray) -> None:
    encoder = Wav2Vec2Encoder(small_wav2vec2)
    whole, cut = encoder.encode(minute).data, encoder.encode(minute[7 * 16000 :]).data
    ours, theirs = whole[350 + 100 : 3300], cut[100 : 3300 - 350]
    # not equal: the first convolution is normed over a window, and attention looks far
    assert np.abs(ours - theirs).mean() < 0.1 * ours.std()


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("length", [1, 641, 16000, 31 * 16000 + 7])
def test_a_step_for_every_frame(small_wav2vec2: Any, fps: Fraction, length: int) -> None:
    encoder = Wav2Vec2Encoder(small_wav2vec2, fps=fps)
    wave = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    features = encoder.encode(wave)
    assert features.rate == fps
    assert len(features.data) == -int(-length * fps // 16000)
    assert np.isfinite(features.data).all()


def test_chunks_give_what_the_whole_gives(small_wav2vec2: Any, minute: np.ndarray) -> None:
    encoder = Wav2Vec2Encoder(small_wav2vec2, fps=Fraction(25))
    chunks = np.array_split(minute, 17)
    streamed = np.concatenate(list(encoder.stream(lambda: chunks)))
    np.testing.assert_allclose(streamed, encoder.encode(minute).data, atol=1e-4)


def test_loudness_does_not_matter_unless_asked(small_wav2vec2: Any, minute: np.ndarray) -> None:
    wave = minute[:16000]
    even = Wav2Vec2Encoder(small_wav2vec2)
    whisper = wave * 1e-3
    np.testing.assert_allclose(even.encode(wave).data, even.encode(whisper).data, atol=1e-2)
    raw = Wav2Vec2Encoder(small_wav2vec2, normalise=False)
    assert np.abs(raw.encode(wave).data - raw.encode(whisper).data).max() > 0.1


@pytest.mark.parametrize("kind", ["base", "large"])
def test_layers_are_the_hidden_states_of_transformers(
    small_wav2vec2: Any, minute: np.ndarray, kind: str
) -> None:
    network, wave = small_wav2vec2, minute[:16000]
    if kind == "large":  # norms before the blocks, and one after the last
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        shape = network.config.to_dict() | {"do_stable_layer_norm": True, "conv_bias": True}
        network = Wav2Vec2Model(Wav2Vec2Config(**shape | {"feat_extract_norm": "layer"})).eval()
    ours = Wav2Vec2Encoder(network, layers="0,1,2", normalise=False).encode(wave).data
    with torch.inference_mode():
        result = network(torch.from_numpy(wave)[None], output_hidden_states=True)
    states = [*result.hidden_states[:2], result.last_hidden_state]
    theirs = torch.stack(states, dim=2)[0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_hallo_fills_up_whole_clips() -> None:
    assert wav2vec2.filled(16000, Fraction(25), 12) == (36, 11 * 640)
    assert wav2vec2.filled(16000 * 12, Fraction(25), 12) == (300, 0)
    assert wav2vec2.filled(4480, Fraction(25), 1) == (8, 0)  # 7 frames, and a rounding error


def test_places_between_steps_are_interpolated() -> None:
    steps = torch.arange(5.0)[None, :, None]
    places = torch.tensor([0.0, 0.25, 3.5, 4.0], dtype=torch.float64)
    assert wav2vec2.interpolated(steps, places).flatten().tolist() == [0, 0.25, 3.5, 4]
    spread = wav2vec2.spread(5, 9)
    between = wav2vec2.interpolated(steps, torch.from_numpy(spread))
    torch.testing.assert_close(between, wav2vec2.linear_interpolation(steps, 9))


def test_mirroring_gives_two_steps_a_frame() -> None:
    for frames in (1, 5, 12):
        sound = torch.randn(2, 640 * frames)
        assert wav2vec2.convolved(wav2vec2.mirrored(sound).shape[1]) == 2 * frames


@pytest.mark.parametrize("prefix", ["", "wav2vec2."])
def test_old_and_new_names_give_the_same_network(small_wav2vec2: Any, prefix: str) -> None:
    own = small_wav2vec2.state_dict()
    old = {
        prefix
        + name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in own.items()
    }
    old |= {"lm_head.weight": torch.zeros(1), f"{prefix}masked_spec_embed": torch.zeros(1)}
    config = small_wav2vec2.config.to_dict()
    tensors, kept = wav2vec2.adopt(Checkpoint(old, config, Path("x")))
    assert tensors.keys() == own.keys()
    network = wav2vec2.build(kept)
    network.load_state_dict(tensors, assign=True)


def test_full_size_hubert_is_filled_from_the_names_of_its_file() -> None:
    network = wav2vec2.build({"model_type": "hubert"})
    official = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in network.state_dict().items()
    }
    official["masked_spec_embed"] = torch.empty(768, device="meta")
    tensors, _ = wav2vec2.adopt(Checkpoint(official, {}, Path("x")), find("hubert-base"))
    assert tensors.keys() == network.state_dict().keys()
    assert len(official) == len(tensors) + 1


def test_weights_of_another_size_are_refused(small_wav2vec2: Any) -> None:
    state, config = dict(small_wav2vec2.state_dict()), small_wav2vec2.config.to_dict()
    with pytest.raises(WeightsError, match="2 blocks of width 16"):
        wav2vec2.adopt(Checkpoint(state, config, Path("x")), find("wav2vec2-base-960h"))
