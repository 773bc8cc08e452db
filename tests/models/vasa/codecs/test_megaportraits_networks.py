"""MegaPortraits' parts have the paper's shapes, and its geometry goes there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput
from lipkit.faces import mesh
from lipkit.models.vasa.codecs.megaportraits import pose as poses
from lipkit.models.vasa.codecs.megaportraits.blocks import AdaptiveNorm, groups_of, standardised
from lipkit.models.vasa.codecs.megaportraits.config import CodecConfig, EnhancerConfig
from lipkit.models.vasa.codecs.megaportraits.model import MegaPortraits, Motion
from lipkit.training.toys.anatomy import Head
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import State
from tests.models.vasa.codecs.megaportraits_toy import form, toy

POSE = torch.tensor([[0.3, -0.2, 0.1, 0.2, -0.1, 0.05, 1.2]])


def test_the_paper_s_shapes() -> None:
    with torch.device("meta"):
        model = MegaPortraits(CodecConfig(enhancer=EnhancerConfig(2)))
        pictures, pose = torch.zeros(1, 3, 512, 512), torch.zeros(1, 7)
        expression = torch.zeros(1, 512)
        volume = model.appearance(pictures)
        told = model.identity(pictures)
        assert volume.shape == (1, 96, 16, 64, 64)
        assert told.shape == (1, 512, 4, 4)
        assert model.pose(pictures).shape == pose.shape
        assert model.expression(torch.zeros(1, 3, 128, 128)).shape == expression.shape
        assert model.to_driver(expression, told).shape == (1, 16, 64, 64, 3)
        assert model.canonical(volume).shape == volume.shape
        assert model.decoder(volume.flatten(1, 2)).shape == (1, 4, 512, 512)
        assert model.enhancer is not None
        assert model.enhancer(pictures).shape == (1, 3, 1024, 1024)
        assert model.size == 1024


def test_g3d_s_first_step_down_doubles_the_depth() -> None:
    with torch.device("meta"):
        canonical = MegaPortraits(CodecConfig()).canonical
    seen = []
    for block in canonical.down:
        block.register_forward_hook(lambda _, __, found: seen.append(tuple(found.shape[1:])))
    canonical(torch.zeros(1, 96, 16, 64, 64, device="meta"))
    assert seen == [(192, 16, 64, 64), (384, 32, 32, 32), (512, 16, 16, 16)]


@pytest.mark.parametrize(
    "wrong", [{"warp": (8,)}, {"depth": 6}, {"size": 31}, {"enhancer": EnhancerConfig(3)}]
)
def test_shapes_that_do_not_fit_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"warp|depth|enhancer"):
        CodecConfig(**{**vars(form()), **wrong})


def test_weights_are_standardised() -> None:
    found = standardised(3 + 5 * torch.randn(6, 4, 3, 3)).flatten(1)
    assert found.mean(1).abs().max() < 1e-5
    assert torch.allclose(found.square().sum(1), torch.ones(6), atol=1e-3)


def test_norms_follow_the_code() -> None:
    layer = AdaptiveNorm(8, 5, 16)
    x, code = torch.randn(2, 8, 3, 4, 4), torch.randn(2, 5, 16)
    plain = layer(x, torch.zeros_like(code))
    table = torch.einsum("cw,bwp,pk->bck", layer.left, code, layer.right)
    scale, shift = (table[..., k].view(2, 8, 1, 1, 1) for k in (0, 1))
    assert torch.allclose(layer(x, code), plain * (1 + scale) + shift, atol=1e-4)
    assert plain.unflatten(1, (groups_of(8), -1)).mean((2, 3, 4, 5)).abs().max() < 1e-4


def test_rotations_are_those_of_the_tracker() -> None:
    angles = np.degrees(POSE[:, :3].numpy())
    assert np.allclose(poses.rotations(POSE[:, :3]).numpy(), mesh.rotation(angles), atol=1e-5)


def test_heads_go_to_the_front_and_back() -> None:
    points = torch.rand(5, 3) * 2 - 1
    there = poses.placed(points, POSE)[0]
    assert torch.allclose(poses.recovered(there, POSE)[0], points, atol=1e-5)


def test_a_head_at_rest_is_where_it_was() -> None:
    rest = torch.tensor([[0.0, 0, 0, 0, 0, 0, 1]])
    volume = torch.randn(1, 2, 4, 6, 6)
    grid = poses.identity_grid((4, 6, 6), volume, corners=False)
    assert torch.allclose(poses.sampled(volume, poses.placed(grid, rest)), volume, atol=1e-4)
    corners = poses.identity_grid((4, 6, 6), volume)
    assert corners[0, 0, 0].tolist() == [-1, -1, -1]
    assert corners[-1, -1, -1].tolist() == [1, 1, 1]


def test_faces_are_cut_out_where_they_are() -> None:
    """A bright spot in the middle of a turned head's face comes to the middle of the cut."""
    place = poses.placed(torch.tensor(poses.FACE), POSE)[0, :2]
    column, row = ((place + 1) * 32 - 0.5).round().long().tolist()
    picture = torch.zeros(1, 3, 64, 64)
    picture[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1
    cut = poses.faced(picture, POSE, 32, 2.0)[0, 0]
    y, x = divmod(int(cut.argmax()), 32)
    assert abs(y - 15.5) <= 2
    assert abs(x - 15.5) <= 2


def test_tracked_heads_have_the_pose_of_their_landmarks() -> None:
    person, state = identity(3), State(yaw=20, pitch=-8, roll=5, x=0.1, y=-0.05, scale=0.1)
    head = Head(person, state, (200, 200))
    points = np.zeros((1, 478, 3))
    for index, local in (
        (mesh.LEFT_CORNER, (-0.5, 0, -poses.SKULL)),
        (mesh.RIGHT_CORNER, (0.5, 0, -poses.SKULL)),
        (mesh.FOREHEAD, (0, -0.6, -poses.SKULL)),
        (mesh.CHIN, (0, 1, -poses.SKULL)),
    ):
        points[0, index] = head.turn @ np.array(local) * head.zoom
        points[0, index, :2] += head.middle
    found = poses.poses_of(points, "mediapipe478", 200)[0]
    assert np.allclose(np.degrees(found[:3]), (20, -8, 5), atol=1e-3)
    assert np.allclose(found[3:5], (head.middle + 0.5) / 100 - 1, atol=1e-4)
    assert found[6] == pytest.approx(head.zoom / 100 / poses.UNIT, abs=1e-4)
    with pytest.raises(BadInput, match="dlib68"):
        poses.poses_of(np.zeros((1, 68, 2)), "dlib68", 200)


def test_pictures_come_of_looks_and_motion() -> None:
    model = toy()
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        motion = model.motion(pictures)
        look = model.look(pictures, motion)
        drawn = model.draw(look, motion)
        other = model.draw(look, Motion(motion.pose, motion.expression + 1))
        turned = model.draw(look, Motion(motion.pose + 0.3, motion.expression))
    assert drawn.colour.shape == (2, 3, 32, 32)
    assert drawn.matte.shape == (2, 1, 32, 32)
    assert drawn.colour.abs().max() <= 1
    assert not torch.allclose(drawn.colour, other.colour, atol=1e-3)
    assert not torch.allclose(drawn.colour, turned.colour, atol=1e-3)
    assert torch.equal(drawn.over(0.5), drawn.colour * drawn.matte + 0.5 * (1 - drawn.matte))


def test_a_fresh_expression_net_is_awakened_once() -> None:
    model = toy()
    pictures = torch.rand(6, 3, 32, 32) * 2 - 1
    model.awaken(pictures)
    told = model.motion(pictures).expression
    assert told.mean(0).abs().max() < 1e-3
    assert torch.allclose(told.std(0), torch.ones(6), atol=1e-3)
    before = model.expression.last.weight.clone()
    model.awaken(torch.rand(6, 3, 32, 32))
    assert torch.equal(model.expression.last.weight, before)
