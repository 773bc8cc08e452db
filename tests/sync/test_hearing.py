"""Windows of a voice for the frames of a model's clock."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipkit.audio import windows
from lipkit.protocols import Features
from lipkit.sync.hearing import encoder_of, windows_of

VOICE = Features(
    np.arange(1, 100 * 5 * 3 + 1, dtype=np.float32).reshape(100, 5, 3), Fraction(50), "whisper-tiny"
)


def test_windows_are_latentsyncs() -> None:
    rows = windows.latentsync_rows(len(VOICE.data), 25)
    for first, count in ((0, 16), (32, 20)):
        found = windows_of(VOICE, 25, first, count, (4, 5))
        expected = windows.cut(VOICE.data, rows[first : first + count])
        assert (found.data[: len(expected)] == expected).all()
        assert (found.rate, found.encoder) == (25, "whisper-tiny")


def test_windows_are_musetalks() -> None:
    expected = windows.musetalk_chunks(VOICE.data, 32000, 25)
    found = windows_of(VOICE, 25, 0, len(expected), (4, 5), 0.0)
    assert (found.data == expected).all()


@pytest.mark.parametrize("fill", [None, -4.0])
def test_windows_join_and_nothing_lies_beyond_the_ends(fill: float | None) -> None:
    whole = windows_of(VOICE, 25, -3, 60, (4, 5), fill).data
    parts = [windows_of(VOICE, 25, first, 10, (4, 5), fill).data for first in range(-3, 57, 10)]
    assert (whole == np.concatenate(parts)).all()
    start, end = VOICE.data[0], VOICE.data[-1]
    for window, step in ((whole[0], start), (whole[-1], end)):
        expected = np.tile(step, (10, 1)) if fill is None else np.full((50, 3), fill)
        assert (window == expected).all()


def test_an_encoder_is_loaded_once() -> None:
    assert encoder_of("mel-wav2lip") is encoder_of("mel-wav2lip")
