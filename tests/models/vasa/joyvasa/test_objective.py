"""The losses are nothing for a perfect prediction, and training by them works."""

from __future__ import annotations

import torch

from lipkit.models.vasa.joyvasa.config import DenoiserConfig
from lipkit.models.vasa.joyvasa.denoiser import Denoiser
from lipkit.models.vasa.joyvasa.objective import WEIGHTS, Objective
from lipkit.models.vasa.joyvasa.schedule import Schedule, noised


def test_every_term_has_a_weight_and_still_truth_costs_nothing() -> None:
    still = torch.randn(2, 1, 70).expand(2, 14, -1)
    context, motion = still[:, :4], still[:, 4:]
    terms = Objective().terms(still, motion, torch.zeros_like(motion), context)
    assert terms.keys() == WEIGHTS.keys()
    assert all(float(term) < 1e-10 for term in terms.values())


def test_padding_does_not_count() -> None:
    motion, predicted = torch.randn(2, 10, 70), torch.randn(2, 14, 70)
    ends = torch.tensor([5, 7])
    spoilt = predicted.clone()
    spoilt[:, 4 + 7 :] += 100
    judge = Objective()
    noise = torch.zeros_like(motion)
    one = judge.terms(predicted, motion, noise, None, ends)
    other = judge.terms(spoilt, motion, noise, None, ends)
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_denoiser_learns_to_follow_its_audio() -> None:
    torch.manual_seed(0)
    shape = DenoiserConfig(70, 32, 2, 2, 2, window=8, context=2, positions="fixed")
    network, schedule, judge = Denoiser(shape), Schedule.of("cosine", 20), Objective()
    tune = torch.optim.Adam(network.parameters(), 3e-3)
    into_motion = 0.3 * torch.randn(32, 70)
    silence, still = torch.zeros(16, 2, 32), torch.zeros(16, 2, 70)
    costs = []
    for _ in range(120):
        audio = torch.randn(16, 8, 32)
        motion, step = audio @ into_motion, torch.randint(10, 21, (16,))
        noise = torch.randn_like(motion)
        made = network(noised(motion, noise, schedule, step), audio, still, silence, step)
        terms = judge.terms(made, motion, noise, None)
        cost = sum(WEIGHTS[name] * term for name, term in terms.items())
        tune.zero_grad()
        cost.backward()
        tune.step()
        costs.append(float(cost.detach()))
    assert sum(costs[-10:]) < 0.5 * sum(costs[:10])
