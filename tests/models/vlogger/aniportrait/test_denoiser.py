"""Windows over long clips: what covers them, and passes with and without the portrait."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipkit.models.parts.noise_levels import scheduler
from lipkit.models.parts.spool import Spool
from lipkit.models.vlogger.aniportrait.denoiser import LongDenoiser, clip_of
from lipkit.models.vlogger.aniportrait.model import AniPortrait
from lipkit.models.vlogger.aniportrait.overlap import Windows

FRAMES = 6


@pytest.mark.parametrize("frames", [1, 16, 17, 29, 41])
def test_windows_inside_a_clip_cover_it_without_its_other_end(frames: int) -> None:
    form = Windows(closed=False, inside=True)
    for rows in form.rows(frames):
        assert rows == list(range(rows[0], rows[0] + min(16, frames)))
    assert form.coverage(frames).min() >= 1


def test_each_step_of_a_schedule_shifts_windows_elsewhere() -> None:
    starts = {next(iter(Windows().rows(64, step)))[0] for step in range(8)}
    assert len(starts) == 8


@torch.inference_mode()
def denoiser(model: AniPortrait, guidance: float, window: int = FRAMES) -> LongDenoiser:
    draw = torch.Generator().manual_seed(1)
    context = torch.randn(1, 1, 24, generator=draw)
    bank = model.remember(torch.randn(1, 4, 8, 8, generator=draw), context)
    pictures = torch.rand(1, 3, FRAMES, 64, 64, generator=draw)
    return LongDenoiser(
        model.backbone,
        bank,
        context,
        lambda rows: model.guider(pictures[:, :, rows]),
        Windows(window, 1, closed=False, inside=True),
        guidance,
    )


@pytest.fixture(scope="module")
def latents() -> Spool:
    frames = Spool(FRAMES, (4, 8, 8))
    draw = torch.Generator().manual_seed(2)
    frames.write(range(FRAMES), torch.randn(FRAMES, 4, 8, 8, generator=draw))
    return frames


def said(predict: LongDenoiser, latents: Spool) -> torch.Tensor:
    """What all windows say of all frames, summed."""
    found = Spool(len(latents), latents.shape)
    predict.predict(latents, found, 500)
    return clip_of(found, list(range(FRAMES)))


@torch.inference_mode()
def test_passes_at_once_and_one_by_one_agree(model: AniPortrait, latents: Spool) -> None:
    predict = denoiser(model, 3.0)
    together = said(predict, latents)
    predict.apart = True
    assert torch.allclose(together, said(predict, latents), atol=1e-4)
    assert not torch.allclose(together, said(denoiser(model, 1.0), latents), atol=1e-3)


@torch.inference_mode()
def test_frames_of_two_windows_are_their_mean(model: AniPortrait, latents: Spool) -> None:
    predict = denoiser(model, 1.0, window=4)
    rows = list(predict.windows.rows(FRAMES))
    assert rows == [[0, 1, 2, 3], [2, 3, 4, 5]]
    first, second = (predict.window(clip_of(latents, row), 500, row) for row in rows)
    made = said(predict, latents)
    assert torch.allclose(made[:, :, 2:4], first[:, :, 2:] + second[:, :, :2], atol=1e-4)
    assert torch.allclose(made[:, :, :2], first[:, :, :2])


@torch.inference_mode()
def test_poses_and_the_portrait_lead_the_picture(model: AniPortrait, latents: Spool) -> None:
    predict = denoiser(model, 1.0)
    made = said(predict, latents)
    still = predict.poses
    predict.poses = lambda rows: [torch.zeros_like(level) for level in still(rows)]
    assert np.abs((said(predict, latents) - made).numpy()).max() > 1e-3
    predict.poses, predict.bank = still, {}
    assert np.abs((said(predict, latents) - made).numpy()).max() > 1e-4


@torch.inference_mode()
def test_steps_go_by_the_mean_of_what_windows_say(model: AniPortrait, latents: Spool) -> None:
    predict, frames = denoiser(model, 1.0, window=4), Spool(FRAMES, latents.shape)
    every = list(range(FRAMES))
    frames.write(every, latents.read(every))
    steps = scheduler(model.config.diffusion, 2)
    x = clip_of(latents, every)
    for time in steps.timesteps.tolist():
        total = torch.zeros_like(x)
        for rows in predict.windows.rows(FRAMES):
            total[:, :, rows] += predict.window(x[:, :, rows], time, rows)
        mean = total / torch.from_numpy(predict.windows.coverage(FRAMES))[:, None, None]
        x = steps.step(mean, time, x).prev_sample.float()
    predict.denoise(frames, steps)
    assert torch.allclose(clip_of(frames, every), x, atol=1e-4)
