"""From frames to geometry to crops, with a tracker that sees red squares."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces.geometry import Geometry
from lipkit.faces.survey import Crop, Survey, Wish, crops, locate, missing, survey, whole_frame
from lipkit.faces.warping import transform
from lipkit.protocols import Face

SHAPE = np.array([[0.31, 0.4], [0.69, 0.4], [0.5, 0.6], [0.35, 0.77], [0.65, 0.77]], np.float32)


class RedSquares:
    """Sees the red and the blue square of a frame as faces of five points."""

    name = "squares"
    scheme = "five"

    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def detect(self, frames: np.ndarray) -> list[list[Face]]:
        return [[face for channel in (0, 2) for face in self.seen(f, channel)] for f in frames]

    def seen(self, frame: np.ndarray, channel: int) -> Iterator[Face]:
        mask = (frame[..., channel] > 200) & (frame[..., 1] < 50)
        if mask.any():
            y, x = np.nonzero(mask)
            box = np.array([x.min(), y.min(), x.max(), y.max()], np.float32)
            yield Face(box, box[:2] + SHAPE * (box[2:] - box[:2]), 0.8)


def frame(place: int, red: float | None, blue: float | None = None) -> np.ndarray:
    """Place number ``place`` (72, 128, 3) with squares at x."""
    rng = np.random.default_rng(place)
    out = np.repeat(np.repeat(rng.integers(60, 190, (6, 8, 3)), 12, 0), 16, 1).astype(np.uint8)
    for x, side, colour in ((red, 20, (255, 0, 0)), (blue, 30, (0, 0, 255))):
        if x is not None:
            out[20 : 20 + side, round(x) : round(x) + side] = colour
    return out


def look(
    frames: list[np.ndarray], choice: str = "largest", chunk: int = 5
) -> tuple[Survey, RedSquares]:
    tracker = RedSquares()
    parts = (np.stack(frames[i : i + chunk]) for i in range(0, len(frames), chunk))
    return survey(parts, tracker, Wish(choice)), tracker


def place(found: Survey, size: int = 64, **more: object) -> Geometry:
    count = len(found.shot)
    return locate(
        found,
        Crop("square", size, **more),
        Wish(),
        scheme="five",
        times=[Fraction(i, 25) for i in range(count)],
        frame_size=(128, 72),
    )


@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_cuts_reset_the_track_in_any_chunks(chunk: int) -> None:
    frames = [frame(1, 10 + i) for i in range(12)] + [frame(2, 90 - i) for i in range(9)]
    found, tracker = look(frames, chunk=chunk)
    assert found.shot.tolist() == [0] * 12 + [1] * 9
    assert tracker.resets == 2
    assert found.path.box[:, 0].tolist() == [10 + i for i in range(12)] + [90 - i for i in range(9)]


def test_the_choice_holds_while_others_come_and_go() -> None:
    frames = [frame(1, 20, 80 if 5 <= i < 15 else None) for i in range(30)]
    assert (look(frames, "left")[0].path.box[:, 0] == 20).all()
    assert look(frames, "right")[0].path.box[10, 0] == 80
    assert look(frames)[0].most_faces == 2


def test_short_gaps_are_filled_and_long_ones_told() -> None:
    hidden = {5, 6, 7, *range(15, 40)}
    found, _ = look([frame(1, None if i in hidden else 10 + i) for i in range(50)])
    assert missing(found.path.valid) == [(15, 39)]
    assert found.path.box[5:8, 0] == pytest.approx([15, 16, 17])


@pytest.mark.parametrize(("on_missing", "kept"), [("pass", False), ("hold", True)])
def test_frames_without_the_face_keep_its_place(on_missing: str, kept: bool) -> None:
    found, _ = look([frame(1, None if 15 <= i < 40 else 50) for i in range(50)])
    geometry = place(found, on_missing=on_missing)
    assert geometry.valid[15:40].all() == kept
    np.testing.assert_allclose(geometry.matrix, geometry.matrix[:1].repeat(50, 0), atol=1e-3)


def test_a_shot_without_a_face_shows_the_whole_picture() -> None:
    found, _ = look([frame(1, 30)] * 6 + [frame(2, None)] * 20 + [frame(1, 80)] * 6)
    geometry = place(found)
    assert geometry.valid.tolist() == [True] * 6 + [False] * 20 + [True] * 6
    np.testing.assert_allclose(geometry.matrix[10], whole_frame((128, 72), 64))
    assert np.isfinite(geometry.matrix).all()


def test_the_whole_picture_is_its_largest_centred_square() -> None:
    corners = np.array([[28 - 0.5, -0.5], [100 - 0.5, 72 - 0.5]])
    found = transform(corners, whole_frame((128, 72), 36))
    assert found == pytest.approx(np.array([[-0.5, -0.5], [35.5, 35.5]]))


def test_crops_hold_the_face_still_while_it_moves() -> None:
    frames = [frame(1, 10 + 2 * i) for i in range(30)]
    geometry = place(look(frames)[0])
    cut = np.concatenate(
        list(crops((np.stack(frames[i : i + 7]) for i in range(0, 30, 7)), geometry))
    )
    assert cut.shape == (30, 64, 64, 3)
    red = (cut[..., 0] > 200) & (cut[..., 1] < 80)
    centres = np.array([np.argwhere(mask).mean(0) for mask in red])
    assert centres.std(0).max() < 0.3


def test_landmarks_seen_on_smaller_frames_fit_the_full_ones() -> None:
    found, _ = look([frame(1, 40)] * 5)
    times = [Fraction(i, 25) for i in range(5)]
    more = {"scheme": "five", "times": times, "frame_size": (384, 216)}
    large = locate(found, Crop("square", 64), Wish(), seen_size=(128, 72), **more)
    assert large.box[0] + 0.5 == pytest.approx(3 * (found.path.box[0] + 0.5))
    np.testing.assert_allclose(large.points + 0.5, 3 * (found.path.points + 0.5), rtol=1e-5)


def test_more_frames_than_geometry_are_refused() -> None:
    geometry = place(look([frame(1, 40)] * 3)[0])
    with pytest.raises(BadInput, match="more than the 3 frames"):
        list(crops([np.stack([frame(1, 40)] * 4)], geometry))


def test_a_video_without_frames_is_refused() -> None:
    with pytest.raises(BadInput, match="no frames"):
        survey([], RedSquares(), Wish())
