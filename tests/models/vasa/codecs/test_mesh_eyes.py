from __future__ import annotations

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa.codecs.mesh.eyeball import eyeball_shift, iris_turn
from lipkit.models.vasa.codecs.mesh.lids import lid_slide
from tests.models.vasa.codecs.conftest import drawn


def tracked(portrait, crop: np.ndarray) -> np.ndarray:
    frame = portrait.paste(crop[None])[0]
    return MediapipeTracker(still=True).detect(frame[None])[0][0].points.astype(float)


def test_a_blink_closes_the_eyes_for_a_tracker(portrait) -> None:
    opened = mesh.eye_opening(tracked(portrait, drawn(portrait)))
    shut = mesh.eye_opening(tracked(portrait, drawn(portrait, blink_left=1.0, blink_right=1.0)))
    assert (shut / opened).mean() < 0.3


def test_a_blink_changes_the_eyes_alone(portrait) -> None:
    change = np.abs(drawn(portrait, blink_left=1.0).astype(int) - drawn(portrait)).max(-1)
    eye = portrait.eyes[0].box
    assert change[eye.slices].max() > 40
    change[eye.slices] = 0
    assert change.max() == 0


@pytest.mark.parametrize("gaze", [{"gaze_x": 12.0}, {"gaze_y": 10.0}])
def test_a_gaze_moves_the_irises_its_way(portrait, gaze) -> None:
    axis = 0 if "gaze_x" in gaze else 1
    ((name, angle),) = gaze.items()
    ahead = mesh.gaze(tracked(portrait, drawn(portrait, **{name: -angle})))
    aside = mesh.gaze(tracked(portrait, drawn(portrait, **{name: angle})))
    assert (aside - ahead)[:, axis].mean() > 0.008


def test_a_gaze_leaves_the_lids_alone(portrait) -> None:
    change = np.abs(drawn(portrait, gaze_x=10.0).astype(int) - drawn(portrait)).max(-1)
    for eye in portrait.eyes:
        opening = np.zeros(change.shape, bool)
        opening[eye.source.slices] = eye.eyeball.opening > 0.01
        box = np.zeros_like(opening)
        box[eye.box.slices] = True
        assert change[box & opening].max() > 20
        assert change[box & ~opening].max() <= 2


def test_lids_at_rest_do_not_slide(portrait) -> None:
    for eye in portrait.eyes:
        for lid in eye.lids:
            slide, stretch = lid_slide(lid, 0.0)
            np.testing.assert_allclose(slide, 0, atol=1e-3)
            np.testing.assert_allclose(stretch, 1, atol=1e-3)


def test_a_closing_lid_is_continuous_and_comes_from_above(portrait) -> None:
    upper = portrait.eyes[0].lids[1]
    slide, _ = lid_slide(upper, 1.0)
    assert slide.max() <= 1e-3
    assert slide.min() < -0.08 * portrait.shape.unit
    columns = slide[:, :: max(1, slide.shape[1] // 8)]
    assert np.abs(np.diff(columns, axis=0)).max() < 1.01


def test_a_turned_iris_moves_whole_and_the_rest_of_the_ball_stays(portrait) -> None:
    ball = portrait.eyes[0].eyeball
    turn = iris_turn(portrait.shape, 10.0, 0.0)
    assert turn is not None
    assert turn[0] > 0
    at = np.stack([ball.iris + turn, ball.iris + turn + [10 * ball.radius, 0]])[None]
    came = eyeball_shift(ball, at.astype(np.float32), turn)[0]
    np.testing.assert_allclose(came[0], ball.iris, atol=1e-3)
    np.testing.assert_allclose(came[1], at[0, 1], atol=1e-3)
    assert iris_turn(portrait.shape, 0.0, 0.0) is None
