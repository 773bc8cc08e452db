"""The codec moves faces by changes, row by row, and touches no pixel outside of its crop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.models.vasa.codecs.liveportrait import layout
from lipkit.models.vasa.codecs.liveportrait.codec import LivePortraitCodec
from lipkit.models.vasa.codecs.liveportrait.config import SamplingConfig
from lipkit.models.vasa.codecs.liveportrait.driving import LIPS, Driver, Rule, Source
from lipkit.models.vasa.codecs.liveportrait.layout import LIVEPORTRAIT_LAYOUT
from lipkit.models.vasa.codecs.liveportrait.motion import Motion
from lipkit.models.vasa.codecs.liveportrait.portrait import LivePortraitAppearance
from lipkit.models.vasa.codecs.liveportrait.retargeting import eye_openings, lip_opening

from .liveportrait_toy import toy

Frames = NDArray[np.uint8]


@pytest.fixture(scope="module")
def codec() -> LivePortraitCodec:
    return LivePortraitCodec(toy())


@pytest.fixture(scope="module")
def portrait(codec: LivePortraitCodec, astronaut: Frames) -> LivePortraitAppearance:
    return codec.encode_appearance(astronaut)


def motion(frames: int, seed: int = 0) -> Motion:
    torch.manual_seed(seed)
    points = torch.randn(1, 21, 3).expand(frames, -1, -1)
    expression = 0.1 * torch.randn(frames, 21, 3)
    pitch, yaw, roll = (30 * torch.randn(frames, 1) for _ in range(3))
    scale = 1 + 0.1 * torch.rand(frames, 1)
    return Motion(points, expression, pitch, yaw, roll, torch.randn(frames, 3), scale)


def test_changes_say_what_the_driver_says() -> None:
    source, driver = motion(1), motion(5, seed=1)
    rows = layout.changes(driver, driver[:1])
    assert rows.shape == (5, len(LIVEPORTRAIT_LAYOUT.channels))
    by_rows = Driver(Source(source), Rule()).keypoints(layout.read(rows), layout.still())
    directly = Driver(Source(source), Rule()).keypoints(driver, driver[:1])
    assert torch.allclose(by_rows, directly, atol=1e-4)


def test_speech_gives_the_lips_themselves() -> None:
    source, driver = motion(1), motion(5, seed=1)
    rows = layout.changes(driver, driver[:1], LIPS)
    assert (rows[:, -1] == 1).all()
    rule = Rule(mode="speech")
    by_rows = Driver(Source(source), rule).keypoints(layout.read(rows), layout.still())
    directly = Driver(Source(source), rule).keypoints(driver, driver[:1])
    assert torch.allclose(by_rows, directly, atol=1e-4)


def test_no_change_is_rest(portrait: LivePortraitAppearance) -> None:
    driver = Driver(Source(portrait.motion), Rule())
    moved = driver.keypoints(layout.read(portrait.rest[None]), layout.still())
    assert torch.allclose(moved, portrait.motion.placed, atol=1e-4)


def test_every_row_is_drawn_by_itself(
    codec: LivePortraitCodec, portrait: LivePortraitAppearance
) -> None:
    rows = layout.changes(motion(5), motion(1))
    whole = np.concatenate(list(codec.render(portrait, rows)))
    assert whole.shape == (5, portrait.size, portrait.size, 3)
    alone = np.concatenate([crop for row in rows for crop in codec.render(portrait, row[None])])
    assert np.abs(whole.astype(int) - alone).max() <= 1
    assert np.abs(np.diff(whole.astype(int), axis=0)).max() > 0


def test_pixels_outside_of_the_crop_stay(portrait: LivePortraitAppearance) -> None:
    crop = np.zeros((1, portrait.size, portrait.size, 3), np.uint8)
    pasted = portrait.paste(crop)[0]
    outside = portrait.mask[..., 0] == 0
    assert np.array_equal(pasted[outside], portrait.picture[outside])
    assert (pasted[portrait.mask[..., 0] == 1] == 0).all()
    assert 0.05 < 1 - outside.mean() < 0.5


def test_the_crop_surrounds_the_head(portrait: LivePortraitAppearance) -> None:
    eyes = np.array([[206, 118], [244, 118]])  # of the astronaut
    places = eyes @ portrait.matrix[:, :2].T + portrait.matrix[:, 2]
    assert ((places > 0.3 * portrait.size) & (places < 0.7 * portrait.size)).all()


def test_a_video_is_followed_from_its_first_frame_on(
    codec: LivePortraitCodec, astronaut: Frames
) -> None:
    moved = np.stack([astronaut, astronaut, np.roll(astronaut, 6, axis=1)])
    rows = codec.encode_motion(moved)
    rest = np.zeros(len(LIVEPORTRAIT_LAYOUT.channels))
    rest[LIVEPORTRAIT_LAYOUT.index("scale")] = 1
    assert np.allclose(rows[:2], rest, atol=1e-4)
    assert np.abs(rows[2] - rest).max() > 1e-4


def test_faceless_pictures_are_refused(codec: LivePortraitCodec) -> None:
    grey = np.full((1, 96, 96, 3), 128, np.uint8)
    with pytest.raises(BadInput, match="no face"):
        codec.encode_appearance(grey[0])
    with pytest.raises(BadInput, match="no face"):
        codec.encode_motion(grey)


def test_open_lips_are_closed_on_request(astronaut: Frames) -> None:
    still = np.zeros((1, len(LIVEPORTRAIT_LAYOUT.channels)), np.float32)
    still[0, LIVEPORTRAIT_LAYOUT.index("scale")] = 1
    drawn = []
    for close in (False, True):
        codec = LivePortraitCodec(toy(), SamplingConfig(close_lips=close, stitch=False))
        portrait = codec.encode_appearance(astronaut)
        assert portrait.landmarks is not None
        assert 0.03 < float(lip_opening(portrait.landmarks)) < 0.5  # she smiles
        assert (eye_openings(portrait.landmarks) > 0.1).all()
        drawn.append(next(codec.render(portrait, still)))
    assert not np.array_equal(*drawn)
