"""Offset, distance and confidence of embeddings that are known."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.metrics.offsets import REACH, align, distances

RANDOM = np.random.default_rng(7)
VOICE = RANDOM.normal(size=(140, 24)).astype(np.float32)


def shifted(k: int, count: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Lips and a voice that is heard k frames before they move."""
    first = 20
    return VOICE[first : first + count], VOICE[first + k : first + k + count]


@pytest.mark.parametrize("k", range(-REACH, REACH + 1))
def test_shifting_the_voice_by_k_frames_shifts_the_offset_by_k(k: int) -> None:
    found = align(*shifted(k))
    assert found.offset == k
    assert found.confidence > 3


def test_in_sync_the_distance_is_that_of_the_epsilon() -> None:
    found = align(VOICE, VOICE)
    assert found.distance == pytest.approx(1e-6 * np.sqrt(24), rel=1e-3)
    assert found.confidence == pytest.approx(float(np.median(found.means)), abs=1e-4)


def test_beyond_its_ends_the_voice_is_zero() -> None:
    lips, voice = shifted(0, 20)
    found = distances(lips, voice, 3)
    assert found.shape == (20, 7)
    assert found[0, 0] == pytest.approx(float(np.linalg.norm(lips[0] + 1e-6)), rel=1e-6)
    assert found[-1, -1] == pytest.approx(float(np.linalg.norm(lips[-1] + 1e-6)), rel=1e-6)
    assert found[5, 5] == pytest.approx(float(np.linalg.norm(lips[5] - voice[7] + 1e-6)), rel=1e-6)


def test_of_equal_shifts_the_largest_offset_counts() -> None:
    still = np.zeros((60, 8), np.float32)
    found = align(still, still)
    assert (found.offset, found.index, found.confidence) == (REACH, 0, 0.0)


def test_frames_keep_their_own_confidence() -> None:
    lips, voice = shifted(0)
    voice = voice.copy()
    voice[40:60] = VOICE[119:139]  # other words in the middle
    found = align(lips, voice)
    assert found.offset == 0
    assert found.smooth_frames[45:55].max() < found.confidence < found.smooth_frames[10:30].min()
    assert len(found.frames) == len(found.smooth_frames) == 100
