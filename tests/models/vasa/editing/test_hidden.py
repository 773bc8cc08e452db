"""Mouths behind hands and microphones."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.editing.clip import study_clip
from lipkit.models.vasa.editing.hidden import hidden_frames, hidden_looks, looks, plausible

COUNT = 40
COVERED = slice(20, 30)


@pytest.fixture(scope="module")
def long_clip(clip):
    """The clip several times over."""
    rows = np.arange(COUNT) % len(clip.track)
    track = replace(
        clip.track,
        points=clip.track.points[rows],
        valid=np.ones(COUNT, bool),
        shot=np.zeros(COUNT, int),
    )
    return replace(clip, frames=clip.frames[rows], track=track)


def with_hand(clip, colour):
    """The clip with an ellipse of ``colour`` over the mouth for some frames."""
    frames = clip.frames.copy()
    for frame, points in zip(frames[COVERED], clip.track.points[COVERED], strict=True):
        unit = float(mesh.face_frame(points.astype(float)).unit)
        middle = tuple(int(v) for v in points[13, :2])
        cv2.ellipse(frame, middle, (int(0.5 * unit), int(0.3 * unit)), 0, 0, 360, colour, -1)
    return replace(clip, frames=frames)


def test_an_uncovered_mouth_is_edited_throughout(long_clip):
    study = study_clip(long_clip.track, long_clip.read)
    assert study.weight == pytest.approx(np.ones(COUNT))


@pytest.mark.parametrize("colour", [(40, 40, 42), (90, 140, 210)])
def test_frames_with_something_before_the_mouth_stay_as_they_are(long_clip, colour):
    study = study_clip(long_clip.track, with_hand(long_clip, colour).read)
    assert not study.weight[COVERED].any()
    assert study.weight[5] == pytest.approx(1)


def test_few_looks_know_no_usual_colour():
    assert not hidden_looks(np.eye(3)).any()


def test_frames_between_looks_count_as_hidden_beside_a_hidden_one():
    tints = {row: np.zeros(3) for row in range(0, 50, 5)} | {20: np.full(3, 2.0)}
    assert np.flatnonzero(hidden_frames(tints, 50)).tolist() == list(range(16, 25))


def test_looks_are_few_in_long_clips():
    valid = np.ones(100_000, bool)
    valid[:10] = False
    found = looks(valid, 25.0)
    assert len(found) <= 600
    assert found[0] == 10


def test_lips_torn_apart_are_implausible(clip):
    torn = clip.track.points[:2].copy()
    torn[1, list(mesh.LOWER_LIP), 1] += 100
    assert plausible(torn).tolist() == [True, False]
