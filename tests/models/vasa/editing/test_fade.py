"""Where and how far frames are edited."""

import numpy as np
import pytest

from lipkit.models.vasa.editing.fade import stretches, weights

COUNT = 100
NOBODY, CUT = slice(40, 50), 70


def weighted(good=None, yaw=0.0, shot=None, fps=25.0):
    good = np.ones(COUNT, bool) if good is None else good
    shot = np.zeros(COUNT, int) if shot is None else shot
    return weights(good, shot, np.full(COUNT, yaw) if np.isscalar(yaw) else yaw, fps)


def test_a_clip_is_edited_to_its_ends():
    assert weighted() == pytest.approx(np.ones(COUNT))


def test_faces_come_and_go_softly():
    good = np.ones(COUNT, bool)
    good[NOBODY] = False
    found = weighted(good)
    assert not found[NOBODY].any()
    assert 0 < found[39] < found[38] < 1
    assert np.abs(np.diff(found)).max() < 0.5


def test_a_cut_needs_no_fade():
    shot = (np.arange(COUNT) >= CUT).astype(int)
    found = weighted(shot=shot)
    assert found[CUT - 5 : CUT + 5] == pytest.approx(1)


def test_a_face_missing_behind_a_cut_fades_nothing_before_it():
    good = np.arange(COUNT) < CUT
    found = weighted(good, shot=(~good).astype(int))
    assert found[CUT - 1] == pytest.approx(1)
    assert not found[CUT:].any()


@pytest.mark.parametrize(("yaw", "low", "high"), [(20, 1, 1), (-30, 0.2, 0.8), (36, 0, 0)])
def test_turned_faces_fade_to_the_original(yaw, low, high):
    assert low <= weighted(yaw=float(yaw))[50] <= high


def test_a_tremble_of_the_pose_does_not_flicker():
    yaw = 30 + 2 * (-1.0) ** np.arange(COUNT)
    assert np.abs(np.diff(weighted(yaw=yaw)[10:-10])).max() < 0.1


def test_stretches_split_at_cuts_and_gaps():
    valid = np.ones(10, bool)
    valid[3] = False
    assert stretches(valid, np.array([0] * 6 + [1] * 4)) == [(0, 3), (4, 6), (6, 10)]
