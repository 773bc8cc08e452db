"""Windows over long clips: what covers them, and passes with and without the portrait."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipkit.models.vlogger.aniportrait.denoiser import LongDenoiser
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
def latents() -> torch.Tensor:
    return torch.randn(1, 4, FRAMES, 8, 8, generator=torch.Generator().manual_seed(2))


@torch.inference_mode()
def test_passes_at_once_and_one_by_one_agree(model: AniPortrait, latents: torch.Tensor) -> None:
    predict = denoiser(model, 3.0)
    together = predict(latents, 500, 0)
    predict.apart = True
    assert torch.allclose(together, predict(latents, 500, 0), atol=1e-4)
    assert not torch.allclose(together, denoiser(model, 1.0)(latents, 500, 0), atol=1e-3)


@torch.inference_mode()
def test_frames_of_two_windows_are_their_mean(model: AniPortrait, latents: torch.Tensor) -> None:
    predict = denoiser(model, 1.0, window=4)
    rows = list(predict.windows.rows(FRAMES))
    assert rows == [[0, 1, 2, 3], [2, 3, 4, 5]]
    first, second = (predict.window(latents[:, :, row], 500, row) for row in rows)
    made = predict(latents, 500, 0)
    assert torch.allclose(made[:, :, 2:4], (first[:, :, 2:] + second[:, :, :2]) / 2, atol=1e-4)
    assert torch.allclose(made[:, :, :2], first[:, :, :2])


@torch.inference_mode()
def test_poses_and_the_portrait_lead_the_picture(model: AniPortrait, latents: torch.Tensor) -> None:
    predict = denoiser(model, 1.0)
    made = predict(latents, 500, 0)
    still = predict.poses
    predict.poses = lambda rows: [torch.zeros_like(level) for level in still(rows)]
    assert np.abs((predict(latents, 500, 0) - made).numpy()).max() > 1e-3
    predict.poses, predict.bank = still, {}
    assert np.abs((predict(latents, 500, 0) - made).numpy()).max() > 1e-4
