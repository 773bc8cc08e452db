"""The parametric face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipkit.faces.mesh import aperture
from lipkit.models.vlogger.config import FaceConfig
from lipkit.models.vlogger.face import Face
from lipkit.models.vlogger.material import Tracked, tracked
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.takes import Toys, ToySpec


@pytest.fixture(scope="module")
def takes() -> list[tuple[Tracked, np.ndarray]]:
    toys = Toys(ToySpec(size=64, seconds=1.6, people=8, takes=8, held_out=2))
    return [(tracked(take), take.motion) for take in (*toys.training, *toys.held_out)]


@pytest.fixture(scope="module")
def face(takes) -> Face:
    made = Face(FaceConfig(shape=6, expression=8))
    made.learn([heads.meshes for heads, _ in takes[:8]])
    return made


def test_codes_say_what_faces_never_seen_do(face: Face, takes) -> None:
    for heads, motion in takes[8:]:
        codes = face.expressions_of(heads.meshes)
        gap = aperture(face.mesh(heads.meshes[0], codes))
        assert np.corrcoef(gap, motion[:, INDEX["aperture"]])[0, 1] > 0.97


def test_one_picture_is_taken_apart_and_put_together(face: Face, takes) -> None:
    mesh = takes[8][0].meshes[3]
    code = face.expression(mesh[None])
    neutral = face.neutral(mesh, code[0])
    np.testing.assert_allclose(face.mesh(neutral, code)[0], mesh, atol=1e-5)


def test_codes_are_in_units_of_their_spread(face: Face, takes) -> None:
    codes = np.concatenate([face.expressions_of(heads.meshes) for heads, _ in takes[:8]])
    spread = codes[:, face.spread.numpy() > 0.3].std(0)
    assert (spread > 0.5).all()
    assert (spread < 1.8).all()


def test_a_face_that_has_learned_nothing_says_nothing(takes) -> None:
    fresh = Face(FaceConfig(shape=2, expression=3))
    assert not np.any(fresh.expression(takes[0][0].meshes[:2]))


def test_it_is_stored_with_the_weights(face: Face, takes) -> None:
    other = Face(FaceConfig(shape=6, expression=8))
    other.load_state_dict(face.state_dict())
    mesh = takes[8][0].meshes[:2]
    assert np.array_equal(other.expression(mesh), face.expression(mesh))
    assert torch.equal(other.spread, face.spread)
