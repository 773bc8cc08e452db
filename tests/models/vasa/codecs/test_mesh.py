from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa.codecs.mesh import MESH_LAYOUT, MeshCodec
from lipkit.models.vasa.codecs.mesh.portrait import check_face, crop_box
from tests.models.vasa.codecs.conftest import drawn, moved


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int)).mean(-1)


def random_motion(portrait, frames: int) -> np.ndarray:
    random = np.random.default_rng(3)
    motion = np.repeat(moved(portrait), frames, 0)
    scales = {"aperture": 0.2, "width": 0.05, "blink_left": 1, "yaw": 8, "roll": 5, "gaze_x": 9}
    for name, scale in scales.items():
        motion[:, MESH_LAYOUT.index(name)] = random.uniform(0, scale, frames)
    return motion


def test_rest_is_the_photo(portrait) -> None:
    np.testing.assert_array_equal(drawn(portrait), portrait.image)


def test_rest_of_a_closed_mouth_is_the_photo_bit_for_bit(codec, portrait) -> None:
    closed = drawn(portrait, aperture=0.0, jaw=0.0)
    again = codec.encode_appearance(portrait.paste(closed[None])[0])
    assert again.shape.gap < 0.03
    np.testing.assert_array_equal(drawn(again), again.image)


def test_nothing_moves_outside_the_crop_nor_at_its_border(codec, portrait, astronaut) -> None:
    crops = next(codec.render(portrait, random_motion(portrait, 4)))
    frames = portrait.paste(crops)
    assert frames.shape == (4, *astronaut.shape)
    rows, columns = portrait.crop.slices
    outside = np.ones(astronaut.shape[:2], bool)
    outside[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1] = False
    assert (frames[:, outside] == astronaut[outside]).all()
    assert difference(crops[0], crops[1]).max() > 30


def test_frames_depend_on_their_own_motion_alone(codec, portrait) -> None:
    motion = random_motion(portrait, 20)
    chunks = list(codec.render(portrait, motion))
    assert [len(chunk) for chunk in chunks] == [16, 4]
    apart = np.stack([next(codec.render(portrait, row[None]))[0] for row in motion[::-1]])[::-1]
    np.testing.assert_array_equal(np.concatenate(chunks), apart)
    threaded = np.concatenate(list(MeshCodec(threads=2).render(portrait, motion)))
    np.testing.assert_array_equal(np.concatenate(chunks), threaded)


def test_matrix_takes_the_picture_to_the_crop(portrait, astronaut) -> None:
    size = (portrait.size, portrait.size)
    cut = cv2.warpAffine(astronaut, portrait.matrix, size, flags=cv2.INTER_NEAREST)
    np.testing.assert_array_equal(cut, portrait.image)


def test_tracked_again_the_face_does_what_it_was_told(codec, portrait) -> None:
    aperture = np.array([0, 0, 0.05, 0.1, 0.15, 0.2, 0.25])
    yaw = np.array([6, -6, 4, -4, 2, -2, 0])
    motion = np.repeat(moved(portrait), len(yaw), 0)
    for name, values in {"aperture": aperture, "jaw": 0.44 * aperture, "yaw": yaw}.items():
        motion[:, MESH_LAYOUT.index(name)] = values
    frames = portrait.paste(next(codec.render(portrait, motion)))
    found = MediapipeTracker(max_faces=1).detect(frames)
    points = np.stack([faces[0].points for faces in found]).astype(float)
    seen = mesh.aperture(points)
    assert np.corrcoef(seen, aperture)[0, 1] > 0.97
    assert 0.85 < np.polyfit(aperture, seen, 1)[0] < 1.2
    assert seen[:2].max() < 0.02
    turned = mesh.euler(mesh.face_frame(points).rotation)[:, 0]
    assert np.corrcoef(turned, yaw)[0, 1] > 0.97
    assert 0.8 < np.polyfit(yaw, turned, 1)[0] < 1.2


def test_motion_of_rendered_frames_is_the_motion_they_were_rendered_from(codec, portrait) -> None:
    motion = np.repeat(moved(portrait), 6, 0)
    motion[:, MESH_LAYOUT.index("yaw")] = [0, 5, 0, -5, 2, 0]
    motion[:, MESH_LAYOUT.index("blink_left")] = [0, 0, 0, 0, 1, 0]
    motion[:, MESH_LAYOUT.index("blink_right")] = [0, 0, 0, 0, 1, 0]
    found = codec.encode_motion(portrait.paste(next(codec.render(portrait, motion))))
    assert found.shape == motion.shape
    yaw = found[:, MESH_LAYOUT.index("yaw")]
    np.testing.assert_allclose(yaw, [0, 5, 0, -5, 2, 0], atol=1.5)
    blink = found[:, MESH_LAYOUT.index("blink_left")]
    assert blink[4] > 0.6
    assert np.delete(blink, 4).max() < 0.3


def test_motion_of_frames_without_a_face_is_refused(codec) -> None:
    with pytest.raises(BadInput, match="no face"):
        codec.encode_motion(np.zeros((2, 64, 64, 3), np.uint8))


def test_a_large_crop_is_reduced_and_pasted_back_without_a_seam(astronaut) -> None:
    portrait = MeshCodec(size=160).encode_appearance(astronaut)
    assert portrait.size == 160
    assert portrait.crop.width > 160
    frame = portrait.paste(drawn(portrait, yaw=6.0)[None])[0]
    rows, columns = portrait.crop.slices
    outside = np.ones(astronaut.shape[:2], bool)
    outside[rows, columns] = False
    assert (frame[outside] == astronaut[outside]).all()
    border = difference(frame, astronaut)[rows, columns]
    assert border[0].max() == border[:, 0].max() == 0
    assert border.max() > 20


def test_a_narrow_picture_has_no_seam_across_it(astronaut) -> None:
    narrow = np.ascontiguousarray(astronaut[:, 150:300])
    portrait = MeshCodec().encode_appearance(narrow)
    assert portrait.crop.width == 150
    crop = drawn(portrait, aperture=0.3, jaw=0.13, yaw=8.0, y=0.1)
    border = difference(crop, portrait.image)
    inner = [row for row, edge in ((0, portrait.crop.y0), (-1, 512 - portrait.crop.y1)) if edge]
    assert inner
    assert border[inner].max() == 0


def test_a_chosen_face_is_the_one_that_moves(astronaut) -> None:
    two = np.concatenate([astronaut, astronaut[:, ::-1]], 1)
    faces = MediapipeTracker(still=True).detect(two[None])[0]
    right = max(faces, key=lambda face: face.box[0])
    portrait = MeshCodec().encode_appearance(two, face=right)
    assert portrait.crop.x0 > astronaut.shape[1]


def test_alpha_is_the_matte(astronaut) -> None:
    alpha = np.zeros(astronaut.shape[:2], np.uint8)
    alpha[:, 60:400] = 255
    portrait = MeshCodec().encode_appearance(astronaut, alpha=alpha)
    covered = portrait.cutout.alpha > 0.5
    assert covered.mean() > 0.9


@pytest.mark.parametrize("shape", [(64, 64, 3), (300, 200, 3)])
def test_a_picture_without_a_face_is_refused(codec, shape) -> None:
    with pytest.raises(BadInput, match="no face in the portrait"):
        codec.encode_appearance(np.full(shape, 90, np.uint8))


def test_small_and_turned_faces_are_refused(portrait) -> None:
    points = portrait.shape.points
    with pytest.raises(BadInput, match="too small"):
        check_face(points * 0.2)
    turned = (points - points.mean(0)) @ mesh.rotation(np.array([50.0, 0, 0])).T
    with pytest.raises(BadInput, match="turned"):
        check_face(turned)


def test_the_crop_stays_in_the_picture(portrait) -> None:
    points = portrait.shape.points
    for width, height in ((300, 200), (120, 500), (4000, 4000)):
        box = crop_box(points, width, height)
        assert box.width == box.height
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height


def test_a_face_cut_off_by_the_picture_still_moves(astronaut) -> None:
    close = np.ascontiguousarray(astronaut[60:215, 160:290])
    portrait = MeshCodec().encode_appearance(close)
    frame = drawn(portrait, aperture=0.2, yaw=5.0, blink_left=1.0, gaze_x=5.0)
    assert difference(frame, portrait.image).max() > 30


def test_gains_stay_where_no_face_is_found_again(portrait, monkeypatch) -> None:
    from lipkit.models.vasa.codecs.mesh import calibration

    blind = SimpleNamespace(detect=lambda frames: [[] for _ in frames])
    monkeypatch.setattr(calibration, "MediapipeTracker", lambda max_faces: blind)
    before = replace(portrait)
    assert calibration.calibrated(before) is before
