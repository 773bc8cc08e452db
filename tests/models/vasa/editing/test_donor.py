"""Open mouths lent to other frames."""

from dataclasses import replace

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.warp import Box, polygon_mask
from lipkit.models.vasa.editing import skull
from lipkit.models.vasa.editing.donor import Patch, inner_outline, lend, skin_light, unwrap
from lipkit.models.vasa.editing.lips import Articulation, Lips, moved
from lipkit.models.vasa.editing.lower import LowerFace


@pytest.fixture(scope="module")
def mouth(astronaut, face):
    """The astronaut with a wide open, striped mouth: image, landmarks, mean face."""
    local = mesh.to_local(face.astype(float))
    pose = mesh.face_frame(face.astype(float))
    _, target = moved(Lips(face.astype(float), pose), Articulation.of(local), 0.3, 0.0, 0.0)
    points = np.concatenate([target, face[:, 2:]], 1)
    image = astronaut.astype(np.float32)
    stripes = np.where(np.arange(image.shape[1]) // 3 % 2, 230.0, 190.0)
    inside = polygon_mask(image.shape[:2], inner_outline(points))[..., None]
    return image + inside * (stripes[None, :, None] - image), points, local


def lent(donor, patch, points, local, image, aperture):
    pose = skull.pose_at(skull.skull_poses(points[None], local), 0)
    box = Box(0, 0, image.shape[1], image.shape[0])
    light = skin_light(image, points, float(pose.unit))
    return lend(donor, patch, Lips(points, pose), aperture, light, box)


def donor_of(image, points, local):
    pose = skull.pose_at(skull.skull_poses(points[None], local), 0)
    patch = Patch(local[13] + np.array([0, 0, 0.03]), float(pose.unit))
    box = Box(0, 0, image.shape[1], image.shape[0])
    return unwrap(LowerFace(box, image, points, pose), patch), patch


def middle(points):
    """Mask of the very inside of the mouth."""
    outline = inner_outline(points)
    return polygon_mask((512, 512), outline.mean(0) + 0.5 * (outline - outline.mean(0))) > 0.9


def test_a_mouth_lent_to_its_own_frame_is_the_same(mouth):
    image, points, local = mouth
    donor, patch = donor_of(image, points, local)
    again = lent(donor, patch, points, local, image, donor.aperture)
    inside = middle(points)
    assert np.abs(again - image)[inside].mean() < 8


def test_teeth_tilt_with_the_head(mouth, turned):
    image, points, local = mouth
    donor, patch = donor_of(image, points, local)
    rolled, there = turned(image, points, by=15)
    again = lent(donor, patch, there, local, rolled, donor.aperture)
    inside = middle(there)
    assert np.abs(again - rolled)[inside].mean() < 10


def test_darker_light_darkens_the_mouth(mouth):
    image, points, local = mouth
    donor, patch = donor_of(image, points, local)
    full, dim = (
        lent(donor, patch, points, local, image * gain, donor.aperture) for gain in (1.0, 0.5)
    )
    inside = middle(points)
    assert dim[inside].mean() == pytest.approx(full[inside].mean() / 2, rel=0.05)


def test_closed_lips_make_no_donor(astronaut, face):
    local = mesh.to_local(face.astype(float))
    pose = mesh.face_frame(face.astype(float))
    _, target = moved(Lips(face.astype(float), pose), Articulation.of(local), 0.0, 0.0, 0.0)
    points = np.concatenate([target, face[:, 2:]], 1)
    assert donor_of(astronaut.astype(np.float32), points, local)[0] is None


def test_upper_teeth_make_a_mouth_worth_lending_and_a_wet_lips_gleam_does_not(mouth):
    image, points, local = mouth
    inside = polygon_mask(image.shape[:2], inner_outline(points))[..., None]
    upper = (np.arange(image.shape[0]) < points[[13, 14], 1].mean())[:, None, None]
    dark = image + inside * (np.array([40.0, 15, 15]) - image)
    white = np.array([210.0, 205, 195])
    teeth = dark + inside * upper * (white - dark)
    gleam = dark + inside * ~upper * (white - dark)
    worth = [donor_of(shown, points, local)[0].worth for shown in (teeth, gleam)]
    assert worth[0] > 1.3 * worth[1]


def test_the_lower_part_of_a_mouth_that_closes_grows_dark(mouth):
    image, points, local = mouth
    donor, patch = donor_of(image, points, local)
    dark = replace(donor, dark=np.zeros(3, np.float32), aperture=0.3)
    wide, narrow = (
        lent(replace(dark, parting=0.0), patch, points, local, image, aperture).mean()
        for aperture in (0.3, 0.1)
    )
    assert narrow < 0.7 * wide
