"""Losses are least where they should be, and push the right way."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lipkit.losses.agreement import disagreement
from lipkit.losses.perception import lower_half_distance
from lipkit.losses.tempo import seen, tempo_distance


def test_agreement_costs_nothing_and_strangers_all() -> None:
    one, other = torch.eye(4)[:1], torch.eye(4)[1:2]
    assert disagreement(one, one, torch.ones(1)).item() == pytest.approx(0, abs=1e-6)
    assert disagreement(one, other, torch.ones(1)).item() == 100
    assert disagreement(one, other, torch.zeros(1)).item() == 0


def test_rounding_above_one_is_no_error() -> None:
    lips = torch.rand(64, 2048)
    assert disagreement(lips, lips * 3, torch.ones(64)).isfinite().all()


def test_only_lower_halves_count() -> None:
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().mean((1, 2, 3))

    made = torch.zeros(2, 3, 8, 8, requires_grad=True)
    real = torch.ones(2, 3, 8, 8)
    lower_half_distance(distance, made, real).sum().backward()
    assert not made.grad[:, :, :4].any()
    assert made.grad[:, :, 4:].all()


def test_tempo_compares_directions_and_teaches_only_the_made() -> None:
    def look(clips: Tensor) -> Tensor:
        return clips.mean((3, 4)).flatten(1) * 5

    clips = torch.rand(2, 3, 4, 16, 16) * 2 - 1
    assert seen(clips).shape == (2, 3, 4, 224, 224)
    assert seen(clips * 9).min() == 0
    assert seen(clips * 9).max() == 1
    made, real = (clips + 0.1).requires_grad_(), clips.clone().requires_grad_()
    loss = tempo_distance(look, made, real)
    loss.backward()
    assert loss > 0
    assert made.grad.any()
    assert real.grad is None
    assert tempo_distance(look, clips, clips) == 0
