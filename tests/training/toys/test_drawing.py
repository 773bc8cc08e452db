"""Cartoons are drawn smoothly, at any size, and their landmarks and masks lie where they should."""

import time

import numpy as np
import pytest

from lipkit.faces.landmarks import SCHEMES, semantic
from lipkit.training.toys.drawing import LABELS, draw, draw_frames, draw_labelled
from lipkit.training.toys.identities import identity
from lipkit.training.toys.landmarks import points_of
from lipkit.training.toys.motion import State

OPEN = State(aperture=0.4, yaw=12, roll=-6, x=0.05)


def mask(person, state, label, size=128):
    return draw_labelled(identity(person), state, (size, size))[1][..., LABELS.index(label)] / 255


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (256, 256)])
def test_any_size(size):
    picture = draw(identity(1), OPEN, size)
    assert picture.shape == (*size, 3)
    assert picture.std() > 20


def test_sizes_show_the_same_picture():
    large, small = (draw(identity(2), OPEN, (n, n)).astype(float) for n in (256, 64))
    shrunk = large.reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 3


def test_labels_do_not_change_the_picture():
    plain = draw(identity(3), OPEN, (96, 96))
    assert np.array_equal(plain, draw_labelled(identity(3), OPEN, (96, 96))[0])


def test_people_differ_and_stay_themselves():
    heads = [draw(identity(k), State(), (32, 32)).astype(float) for k in range(12)]
    apart = [np.abs(a - b).mean() for i, a in enumerate(heads) for b in heads[:i]]
    assert min(apart) > 8
    assert np.array_equal(heads[4], draw(identity(4), State(), (32, 32)))


def test_edges_move_smoothly():
    """A head that drifts by a tenth of a pixel changes the picture by about as much each time."""
    motion = np.stack([State(x=0.003 * k).row() for k in range(30)])
    frames = draw_frames(7, motion, 64).astype(float)
    change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    assert change.max() < 1.6 * change.min()


def test_the_mouth_opens_in_proportion():
    areas = [mask(5, State(aperture=a), "mouth").sum() for a in (0.0, 0.1, 0.2, 0.4)]
    assert areas[0] == 0
    assert areas[2] / areas[1] == pytest.approx(2, rel=0.1)
    assert areas[3] / areas[2] == pytest.approx(2, rel=0.1)


def test_closed_lids_hide_the_eyes():
    shown = mask(6, State(), "eyes").sum()
    assert mask(6, State(blink_left=1, blink_right=1), "eyes").sum() < 0.03 * shown


def test_masks_lie_within_each_other():
    face, lips, mouth = (mask(8, OPEN, label) for label in ("face", "lips", "mouth"))
    assert (mouth <= lips + 1 / 255).all()
    assert (lips <= face + 1 / 255).all()
    assert 0.02 < mouth.sum() / face.sum() < 0.3


@pytest.mark.parametrize("person", range(4))
def test_landmarks_lie_on_what_they_name(person):
    size = 256
    points = points_of(person, OPEN.row()[None], size)[0]
    assert points.shape == (SCHEMES["dlib68"].count, 2)
    parts = semantic(points, "dlib68")
    for label, part in (("mouth", "inner_lips"), ("eyes", "left_eye"), ("lips", "outer_lips")):
        cover = mask(person, OPEN, label, size)
        rows, columns = np.nonzero(cover > 0.5)
        if part == "left_eye":
            keep = columns < parts["nose_tip"][0, 0]
            rows, columns = rows[keep], columns[keep]
        low, high = parts[part].min(0), parts[part].max(0)
        assert low == pytest.approx((columns.min(), rows.min()), abs=5), label
        assert high == pytest.approx((columns.max(), rows.max()), abs=5), label


def test_turning_moves_the_nose_by_the_sign_of_faces_mesh():
    tip = {
        yaw: points_of(3, State(yaw=yaw).row()[None], 128)[0, 30, 0] for yaw in (-20.0, 0.0, 20.0)
    }
    assert tip[20.0] < tip[0.0] < tip[-20.0]


def test_it_is_fast():
    motion = np.stack([State(aperture=0.01 * k, yaw=k - 20).row() for k in range(40)])
    draw_frames(9, motion[:2], 64)
    started = time.process_time()
    draw_frames(9, motion, 64)
    assert 40 / (time.process_time() - started) > 150  # 300 and more where the core is quiet
