"""Crops and windows in, crops out: what changes, what stays, what it depends on."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.denoiser import Denoiser
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.pipeline import Draws, LatentSyncer, regrouped
from lipkit.protocols import Features

QUICK = SamplingConfig(steps=2)


@pytest.fixture
def syncer(model: LatentSync, form: ModelConfig) -> LatentSyncer:
    return LatentSyncer(model.unet, model.vae, replace(form, window=4))


def crops(count: int) -> Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def heard(count: int, width: int = 80) -> Features:
    data = np.random.default_rng(0).standard_normal((count, 20, width)).astype(np.float32)
    return Features(data, Fraction(25), "mel")


def synced(syncer: LatentSyncer, pieces: list[Tensor], sampling: Any = QUICK, seed: int = 0) -> Any:
    count = sum(len(piece) for piece in pieces)
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([*syncer.sync(pieces, heard(count), sampling, generator)])


def test_only_the_hole_changes(syncer: LatentSyncer) -> None:
    given = crops(6)
    made = synced(syncer, [given])
    assert made.shape == given.shape
    keep = syncer.mask == 1
    assert torch.equal(made[..., keep], given[..., keep])
    assert (made != given)[..., ~keep].float().mean() > 0.99


def test_the_cut_of_the_input_does_not_matter(syncer: LatentSyncer) -> None:
    given = crops(6)
    whole = synced(syncer, [given])
    assert torch.equal(synced(syncer, [given[:1], given[1:5], given[5:]]), whole)
    assert not torch.equal(synced(syncer, [given], seed=1), whole)


@pytest.mark.parametrize(
    "sampling",
    [replace(QUICK, guidance=1.0), replace(QUICK, scheduler="dpm++"), SamplingConfig(steps=4)],
    ids=["unguided", "dpm++", "four steps"],
)
def test_sampling_matters(syncer: LatentSyncer, sampling: SamplingConfig) -> None:
    made = synced(syncer, [crops(4)], sampling)
    assert made.isfinite().all()
    assert not torch.allclose(made, synced(syncer, [crops(4)]))


def test_fast_is_near_exact_and_skips_deep_layers(
    syncer: LatentSyncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    deep = syncer.unet.deep
    monkeypatch.setattr(syncer.unet, "deep", lambda scene: (calls.append(1), deep(scene))[1])
    exact = synced(syncer, [crops(4)], SamplingConfig(steps=6))
    assert len(calls) == 6
    calls.clear()
    fast = synced(syncer, [crops(4)], SamplingConfig(steps=6, speed="fast"))
    assert len(calls) == 2
    assert 0 < (fast - exact).abs().mean() < 0.2 * (exact - crops(4)).abs().mean()


def test_memory_that_ends_halves_the_batch(
    syncer: LatentSyncer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = synced(syncer, [crops(4)])
    enter, sizes = syncer.unet.enter, []

    def short(sample: Tensor, *given: Any) -> Any:
        sizes.append(len(sample))
        if len(sample) > 1:
            raise torch.OutOfMemoryError
        return enter(sample, *given)

    monkeypatch.setattr(syncer.unet, "enter", short)
    torch.testing.assert_close(synced(syncer, [crops(4)]), whole, atol=4e-3, rtol=0)
    assert sizes == [2, 1, 1, 1, 1]


def test_memory_that_cannot_be_saved_is_an_error(syncer: LatentSyncer) -> None:
    def fail(*given: Any) -> Any:
        raise torch.OutOfMemoryError

    predict = Denoiser(syncer.unet, torch.zeros(1, 9, 2, 8, 8), torch.zeros(2, 20, 80))
    predict.unet = type("Full", (), {"dtype": torch.float32, "enter": fail})()
    with pytest.raises(torch.OutOfMemoryError):
        predict(torch.zeros(1, 4, 2, 8, 8), 1, 0)


def test_windows_of_another_width_are_refused(syncer: LatentSyncer) -> None:
    with pytest.raises(WeightsError, match="16 wide, the model hears 80"):
        list(syncer.sync([crops(2)], heard(2, 16), QUICK, torch.Generator()))


def test_frames_begin_alike_and_windows_draw_their_own() -> None:
    first, second = (
        Draws(torch.Generator().manual_seed(3), torch.Generator().manual_seed(k)) for k in (1, 2)
    )
    assert torch.equal(first.initial((1, 2)), second.initial((1, 2)))
    assert not torch.equal(first.posterior((2, 2)), second.posterior((2, 2)))


def test_regrouping() -> None:
    pieces = [torch.arange(n) for n in (3, 1, 6)]
    assert [len(p) for p in regrouped(pieces, 4)] == [4, 4, 2]
    assert torch.equal(torch.cat([*regrouped(pieces, 4)]), torch.cat(pieces))
