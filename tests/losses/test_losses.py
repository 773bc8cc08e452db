"""Losses are least where they should be, and push the right way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lipkit.losses.adversarial import deceit, feature_gap, hinge
from lipkit.losses.agreement import disagreement
from lipkit.losses.contrast import margin_contrast
from lipkit.losses.perception import feature_distance, lower_half_distance, unlikeness
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
    torch.testing.assert_close(seen(clips, 16), clips / 2 + 0.5)
    assert seen(clips * 9).min() == 0
    assert seen(clips * 9).max() == 1
    made, real = (clips + 0.1).requires_grad_(), clips.clone().requires_grad_()
    loss = tempo_distance(look, made, real)
    loss.backward()
    assert loss > 0
    assert made.grad.any()
    assert real.grad is None
    assert tempo_distance(look, clips, clips) == 0


def test_judges_want_a_margin_and_deceivers_high_marks() -> None:
    real, made = [torch.tensor([2.0, 0.5])], [torch.tensor([-3.0, 0.0])]
    # 0 and 0.5 of the real ones, 0 and 1 of the made ones
    assert hinge(real, made).item() == pytest.approx(0.25 + 0.5)
    assert deceit(made).item() == pytest.approx(1.5)
    two = hinge([*real, torch.tensor([1.0])], [*made, torch.tensor([-1.0])])
    assert two.item() == pytest.approx(0.375)


def test_features_are_matched_layer_by_layer() -> None:
    real = [[torch.zeros(2, 3), torch.ones(4)]]
    made = [[torch.full((2, 3), 0.5, requires_grad=True), torch.ones(4)]]
    gap = feature_gap(real, made)
    gap.backward()
    assert gap.item() == pytest.approx(0.25)
    assert made[0][0].grad is not None


def test_the_margin_counts_for_what_belongs_together_only() -> None:
    near, far = torch.tensor([[0.6]]), torch.tensor([[0.1, -0.3]])
    # exp(5 * 0.4) against exp(0.5) and exp(-1.5)
    total = 7.389056 + 1.648721 + 0.223130
    assert margin_contrast(near, far).item() == pytest.approx(-np.log(7.389056 / total), abs=1e-5)
    twice = margin_contrast(near.expand(1, 2), far)
    assert twice.item() == pytest.approx(-2 * np.log(7.389056 / total), abs=1e-5)


def test_features_of_real_pictures_are_the_goal() -> None:
    def look(pictures: Tensor) -> list[Tensor]:
        return [pictures, 3 * pictures[:, :1]]

    made, real = torch.zeros(1, 2, 4, 4, requires_grad=True), torch.ones(1, 2, 4, 4)
    distance = feature_distance(look, made, real.requires_grad_())
    distance.backward()
    assert distance.item() == pytest.approx((1 + 3) / 2)
    assert made.grad.any()
    assert real.grad is None


def test_embeddings_are_compared_by_their_angle() -> None:
    one, other = torch.eye(2)[:1], torch.tensor([[1.0, 1.0]])
    assert unlikeness(one, 4 * one).item() == pytest.approx(0, abs=1e-6)
    assert unlikeness(one, other).item() == pytest.approx(1 - 0.5**0.5, abs=1e-6)
