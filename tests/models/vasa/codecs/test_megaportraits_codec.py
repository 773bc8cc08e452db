"""MegaPortraits keeps the contract of face codecs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput, WeightsError
from lipkit.models.vasa.codecs.megaportraits.codec import MegaPortraitsCodec
from lipkit.models.vasa.codecs.megaportraits.layout import layout_of, motion_of, rows_of
from lipkit.models.vasa.codecs.megaportraits.model import Motion
from lipkit.training.toys.takes import Toy
from tests.models.vasa.codecs.megaportraits_toy import toy


def test_rows_say_what_a_head_does() -> None:
    pose = torch.tensor([[0.5, -0.1, 0.2, 0.1, 0.2, 0.0, 1.1]])
    motion = Motion(pose, torch.randn(1, 6))
    rows = rows_of(motion)
    layout = layout_of(6)
    assert layout.codec == "megaportraits"
    assert rows.shape == (1, len(layout.channels)) == (1, 13)
    assert rows[0, layout.index("yaw")] == pytest.approx(np.degrees(0.5), abs=1e-3)
    back = motion_of(rows, pose)
    assert torch.allclose(back.pose, pose, atol=1e-5)
    assert torch.equal(back.expression, motion.expression)


def test_a_portrait_at_rest_is_drawn_into_its_picture(astronaut: np.ndarray) -> None:
    codec = MegaPortraitsCodec(toy())
    portrait = codec.encode_appearance(astronaut)
    assert (portrait.size, portrait.matrix.shape) == (32, (2, 3))
    assert portrait.rest.shape == (len(codec.layout.channels),)
    motion = np.repeat(portrait.rest[None], 5, 0)
    motion[1:, codec.layout.index("yaw")] += 20
    crops = np.concatenate(list(codec.render(portrait, motion)))
    assert crops.shape == (5, 32, 32, 3)
    assert crops.dtype == np.uint8
    assert np.array_equal(crops[1], crops[4])
    assert not np.array_equal(crops[0], crops[1])
    whole = portrait.paste(crops[:1])
    assert whole.shape == (1, *astronaut.shape)
    assert np.array_equal(whole[0, -5:], astronaut[-5:])


def test_what_is_behind_the_head_stays() -> None:
    """Where the drawn matte is empty, the crop is the picture with the head filled in."""
    network = toy()
    with torch.no_grad():
        network.decoder.last[-1].weight[3] = 0
        network.decoder.last[-1].bias[3] = -50
    codec, take = MegaPortraitsCodec(network), Toy(1, 1, 32, 0.4)
    picture, matte = take.pictures(0, 1)[0], np.zeros((32, 32), np.float32)
    matte[10:20, 10:20] = 1
    portrait = codec.taken(picture, np.eye(2, 3), picture, matte)
    crop = next(codec.render(portrait, portrait.rest[None]))[0]
    assert np.array_equal(crop[:, :4], picture[:, :4])
    assert not np.array_equal(crop[12:18, 12:18], picture[12:18, 12:18])


def test_a_video_is_followed_in_one_crop(astronaut: np.ndarray) -> None:
    codec = MegaPortraitsCodec(toy())
    frames = np.stack([np.roll(astronaut[:300, 80:380], 4 * k, 1) for k in range(3)])
    motion = codec.encode_motion(frames)
    assert motion.shape == (3, len(codec.layout.channels))
    assert not np.allclose(motion[0], motion[2], atol=1e-4)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(WeightsError, match="nobody published"):
        MegaPortraitsCodec()
    with pytest.raises(BadInput, match="no face"):
        MegaPortraitsCodec(toy()).encode_appearance(np.zeros((64, 64, 3), np.uint8))
