"""A training step: which terms there are, whom they teach, and what is left alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lipkit.faces.latentsync_pixels import fixed_mask, latent_mask
from lipkit.losses.agreement import lips_of
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.objective import (
    Judges,
    Sample,
    Weighing,
    guess,
    terms,
    trainable,
    weighed,
)
from lipkit.models.parts.denoising import schedule
from lipkit.models.parts.sampling import Prediction, clean_of, noised, share_of, target_of


class Drawn:
    """Reproducible random numbers."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(4)
        self.asked = 0

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        self.asked += 1
        return torch.randn(shape, generator=self.generator)

    def times(self, count: int, steps: int) -> Tensor:
        return torch.randint(steps, (count,), generator=self.generator)


class Ear(nn.Module):
    """A SyncNet's stand-in: embeddings that nobody can call in sync."""

    def forward(self, views: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        self.seen = views
        lips = views.flatten(1)[:, :8].relu() + 0.1
        return lips, torch.ones_like(lips)


@pytest.fixture
def sample() -> Sample:
    draw = torch.Generator().manual_seed(5)
    faces = [torch.rand(2, 3, 3, 64, 64, generator=draw) * 2 - 1 for _ in range(2)]
    audio = torch.randn(2, 3, 20, 80, generator=draw)
    return Sample(*faces, audio, torch.randn(2, 1, 80, 52, generator=draw))


def masks() -> tuple[Tensor, Tensor]:
    mask = fixed_mask("mask", 64)
    return torch.from_numpy(mask / 255).float(), latent_mask(mask)


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean((1, 2, 3))


def look(clips: Tensor) -> Tensor:
    return clips.mean((3, 4)).flatten(1)


@pytest.mark.parametrize("size", [64, 32, None])
def test_all_terms_teach_the_unet_alone(
    model: LatentSync, sample: Sample, size: int | None
) -> None:
    unet = model.unet.requires_grad_(False)
    trained = trainable(unet, ("motion_modules.", "attentions."))
    for parameter in trained.values():
        parameter.requires_grad_(True)
        parameter.grad = None
    draw, ear = Drawn(), Ear()
    made = guess(unet, model.vae, sample, masks(), draw)
    assert draw.asked == 5
    judges = Judges(model.vae, ear, size, distance, look)
    weighing = Weighing(sync=0.05, lpips=0.1, trepa=10)
    found = terms(made, sample, judges, weighing)
    assert found.keys() == {"recon", "sync", "lpips", "trepa"}
    expected = (2, 12, 8, 8) if size is None else (2, 9, size // 2, size)
    assert ear.seen.shape == expected
    costs = weighed(found, weighing)
    assert costs["trepa"] == 10 * found["trepa"]
    sum(costs.values()).backward()
    assert all(parameter.grad is not None for parameter in trained.values())
    assert all(p.grad is None for p in unet.parameters() if not p.requires_grad)
    assert all(p.grad is None for p in model.vae.parameters())
    unet.requires_grad_(False)


def test_stage_one_decodes_nothing(
    model: LatentSync, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: object) -> Tensor:
        raise AssertionError

    made = guess(model.unet, model.vae, sample, masks(), Drawn())
    monkeypatch.setattr(model.vae, "decode", never)
    assert terms(made, sample, Judges(model.vae), Weighing()).keys() == {"recon"}


def test_the_unet_sees_channels_in_their_order(model: LatentSync, sample: Sample) -> None:
    made = guess(model.unet, model.vae, sample, masks(), Drawn(), alpha=None)
    assert made.seen.shape == (2, 13, 3, 8, 8)
    assert torch.equal(made.seen[0, 4, 0], masks()[1])
    assert torch.equal(made.wanted[:, :, 0], made.wanted[:, :, 2])


def test_trainable_parts_have_official_names(model: LatentSync) -> None:
    chosen = trainable(model.unet, ("attn2.",))
    assert chosen
    assert not any("motion_modules" in name for name in chosen)


def test_lips_are_the_lower_half() -> None:
    frames = torch.arange(2 * 2 * 3 * 4 * 4).reshape(2, 2, 3, 4, 4).float()
    assert torch.equal(lips_of(frames, 4), frames[..., 2:, :].flatten(1, 2))


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_what_is_wanted_tells_the_clean_latents(kind: Prediction) -> None:
    latents, noise = torch.randn(2, 2, 4, 3, 8, 8)
    times, alphas = torch.tensor([10, 700]), schedule("ddim", 1, kind).alphas_cumprod
    seen, share = noised(latents, noise, alphas, times), share_of(alphas, times, latents)
    told = target_of(kind, latents, noise, share)
    found = clean_of(kind, told, seen, share)
    torch.testing.assert_close(found, latents, rtol=1e-3, atol=1e-3)
    made = schedule("ddim", 1000, kind).step(told[1:], 700, seen[1:])
    torch.testing.assert_close(made.pred_original_sample, latents[1:], rtol=1e-3, atol=1e-3)
