"""What cartoons say sounds like their lips, and follows from its seed."""

from itertools import pairwise

import numpy as np
import pytest

from lipkit.audio.mel import SPEECH64, log_mel
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.performance import SHAPES, lips, perform
from lipkit.training.toys.synthesis import NOISES, VOICED, speak
from lipkit.training.toys.utterances import CODAS, ONSETS, VOWELS, Voice, utter
from lipkit.training.voices.visemes import NAMES, SILENCE, Segment

PLAIN = Voice(pitch=120, melody=2, tract=1, breath=0.02, tilt=0.4, speed=1, level=0.7, room=-70)


def said(*phones, each=0.2):
    return [Segment(k * each, (k + 1) * each, p, 0.0) for k, p in enumerate(phones)]


def spectrum(phone, voice=PLAIN):
    wave = speak(said(phone, each=0.4), voice, np.random.default_rng(0))[1600:4800]
    return np.abs(np.fft.rfft(wave * np.hanning(len(wave)))), 16000 / len(wave)


def test_phones_fill_the_time_without_gaps():
    for seed in range(20):
        segments = utter(np.random.default_rng(seed), 4.0)
        assert segments[0].start == 0
        assert segments[-1].end == 4.0
        assert segments[0].phone == segments[-1].phone == SILENCE
        assert all(a.end == b.start for a, b in pairwise(segments))


def test_every_phone_can_be_said_and_shown():
    assert set(VOWELS) | set(ONSETS) | set(CODAS) <= set(VOICED)
    assert set(SHAPES) == set(NAMES)


@pytest.mark.parametrize(("phone", "formants"), [("a", (750, 1200)), ("i", (280, 2250))])
def test_vowels_resound_at_their_formants(phone, formants):
    level, step = spectrum(phone)
    level = np.convolve(level, np.ones(13) / 13, "same")  # over the harmonics
    for formant in formants:
        band = slice(int((formant - 300) / step), int((formant + 300) / step))
        peak = (band.start + level[max(1, band.start) : band.stop].argmax()) * step
        assert peak == pytest.approx(formant, abs=160)


def test_throats_shift_the_formants():
    centres = []
    for tract in (0.9, 1.2):
        level, step = spectrum("i", Voice(**{**vars(PLAIN), "tract": tract}))
        frequency = np.arange(len(level)) * step
        high = (frequency > 1500) & (frequency < 3500)
        centres.append((level * frequency)[high].sum() / level[high].sum())
    assert centres[1] > 1.15 * centres[0]


def test_fricatives_hiss_in_their_bands():
    for phone in ("s", "ʃ"):
        level, step = spectrum(phone)
        assert level.argmax() * step == pytest.approx(NOISES[phone][0], rel=0.2)


def test_closures_and_pauses_are_quiet():
    wave = speak(said("a", "p", "a", SILENCE), PLAIN, np.random.default_rng(0))
    power = [np.square(part).mean() for part in np.split(wave, 4)]
    held = np.square(wave[3600:5800]).mean()  # of the p, before its burst
    assert held < 0.02 * power[0]
    assert power[3] < 0.02 * power[0]


def test_lips_close_for_p_and_round_for_o():
    shape = lips(said("a", "p", "a", "o", "i", each=0.24), 30)
    assert shape[9, 0] < 0.02
    assert shape[3, 0] > 0.3
    assert shape[21, 2] > 0.6 > 0.2 > shape[3, 2]
    assert shape[27, 1] > 0.05 > shape[21, 1]


def test_long_silence_shuts_the_mouth():
    segments = [Segment(0, 0.5, "a"), Segment(0.5, 2.0, SILENCE)]
    assert lips(segments, 50)[25:, 0].max() < 0.01


def test_everything_follows_from_the_seed():
    def made(seed):
        rng = np.random.default_rng(seed)
        voice = Voice.random(rng)
        segments = utter(rng, 2.0, voice.speed)
        return speak(segments, voice, rng), perform(segments, 50, rng)

    for a, b in zip(made(3), made(3), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(made(3)[0], made(4)[0])


def test_sound_determines_the_mouth():
    """A linear reading of the spectrogram of unknown voices finds the lips, and only their own."""

    def example(seed):
        rng = np.random.default_rng(seed)
        voice = Voice.random(rng)
        segments = utter(rng, 3.0, voice.speed)
        mel = log_mel(speak(segments, voice, rng), SPEECH64)
        mel = mel.reshape(len(mel) // 2, 2, 32, 2).mean((1, 3))
        mel = np.pad(mel - mel.mean(), ((6, 8), (0, 0)))
        heard = np.stack([mel[2 * k : 2 * k + 14].ravel() for k in range(75)])
        return heard, perform(segments, 75, rng)[:, INDEX["aperture"]]

    heard, lips_ = (np.concatenate(part) for part in zip(*map(example, range(60)), strict=True))
    mean = heard.mean(0)
    centred = heard - mean
    slopes = np.linalg.solve(
        centred.T @ centred + 300 * np.eye(len(mean)), centred.T @ (lips_ - lips_.mean())
    )
    others = [example(seed) for seed in range(1000, 1008)]
    guessed = [(mel - mean) @ slopes for mel, _ in others]
    own = [np.corrcoef(g, t)[0, 1] for g, (_, t) in zip(guessed, others, strict=True)]
    swapped = [np.corrcoef(g, others[k - 1][1])[0, 1] for k, g in enumerate(guessed)]
    assert np.mean(own) > 0.7
    assert np.mean(swapped) < 0.2
