"""Clips through diffusers' image UNet: equal to it frame by frame, and more where it should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from lipkit.models.parts.diffusion_config import MotionConfig, VideoUNetConfig
from lipkit.models.parts.video_unet import VideoUNet

FORM = VideoUNetConfig(
    in_channels=5, widths=(16, 32), attention=(0,), layers=1, heads=2, context=12, groups=8
)
MOTION = MotionConfig(levels=(0, 1), middle=True, heads=2, groups=16, table=8)


def made(form: VideoUNetConfig) -> VideoUNet:
    torch.manual_seed(0)
    unet = VideoUNet(form).eval()
    for parameter in unet.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return unet.requires_grad_(False)


def clip(frames: int, size: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    sample = torch.randn(2, 5, frames, size, size, generator=generator)
    return sample, torch.randn(2, frames, 3, 12, generator=generator)


def test_one_frame_is_diffusers_own_image() -> None:
    unet = made(FORM)
    sample, audio = clip(1)
    plain = UNet2DConditionModel.forward(unet, sample[:, :, 0], 5, audio[:, 0], return_dict=False)
    assert torch.allclose(unet(sample, 5, audio)[:, :, 0], plain[0], atol=1e-4)


def test_scopes_decide_what_frames_share() -> None:
    sample, audio = clip(4)
    alone = VideoUNetConfig(**{**vars(FORM), "scope": "frame"})
    frames = [made(alone)(sample[:, :, k : k + 1], 5, audio[:, k : k + 1]) for k in range(4)]
    assert torch.allclose(made(alone)(sample, 5, audio), torch.cat(frames, 2), atol=1e-4)
    assert not torch.allclose(made(FORM)(sample, 5, audio), torch.cat(frames, 2), atol=1e-2)


def test_motion_sees_order() -> None:
    sample, audio = clip(4)
    unet = made(replace(FORM, motion=MOTION))
    back = unet(sample.flip(2), 5, audio.flip(1)).flip(2)
    assert not torch.allclose(unet(sample, 5, audio), back, atol=1e-3)
    still = made(FORM)
    back = still(sample.flip(2), 5, audio.flip(1)).flip(2)
    assert torch.allclose(still(sample, 5, audio), back, atol=1e-4)


def test_silence_is_not_zeros() -> None:
    sample, audio = clip(2)
    unet = made(FORM)
    nothing, zeros = unet(sample, 5), unet(sample, 5, torch.zeros_like(audio))
    assert not torch.allclose(nothing, zeros, atol=1e-4)
    deaf = made(replace(FORM, context=None))
    assert "attn2" not in " ".join(deaf.state_dict())
    assert deaf(sample, 5).isfinite().all()


def test_sizes_need_not_divide() -> None:
    sample, audio = clip(2, 9)
    assert made(FORM)(sample, 5, audio).shape == (2, 4, 2, 9, 9)


def test_recomputing_gives_the_same_gradients() -> None:
    sample, audio = clip(3)
    unet = made(replace(FORM, motion=MOTION)).requires_grad_(True)
    gradients = []
    for unet.checkpointing in (False, True):
        unet.zero_grad()
        unet(sample, torch.tensor([5, 900]), audio).square().mean().backward()
        gradients.append([parameter.grad for parameter in unet.parameters()])
    for plain, recomputed in zip(*gradients, strict=True):
        assert torch.allclose(plain, recomputed, atol=1e-5)


def test_levels_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="motion at level 2, but it has 2"):
        replace(FORM, motion=MotionConfig(levels=(0, 2)))


def test_fresh_motion_adds_nothing() -> None:
    sample, audio = clip(3)
    torch.manual_seed(0)
    still = VideoUNet(FORM).eval()
    moving = VideoUNet(replace(FORM, motion=MOTION)).eval()
    moving.load_state_dict(still.state_dict(), strict=False)
    with torch.no_grad():
        assert torch.equal(still(sample, 5, audio), moving(sample, 5, audio))
