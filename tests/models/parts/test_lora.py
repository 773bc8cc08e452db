"""Matrices of low rank beside weights."""

from __future__ import annotations

import torch
from torch import nn

from lipkit.models.parts import lora


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(128, 5))


def test_nothing_changes_before_training() -> None:
    net, x = network(), torch.randn(2, 3, 4, 4)
    before = net(x)
    lora.attach(net, 2)
    torch.testing.assert_close(net(x), before, rtol=1e-4, atol=1e-5)


def test_what_was_learned_stays_when_the_matrices_are_gone() -> None:
    net, x = network(), torch.randn(2, 3, 4, 4)
    names, before = set(net.state_dict()), net(x)
    added = lora.attach(net, 2)
    assert sum(p.numel() for p in added) == 2 * (8 + 27) + 2 * (5 + 128)
    for parameter in added:
        nn.init.normal_(parameter)
    learned = net(x)
    assert (learned - before).abs().max() > 0.1
    lora.merge(net)
    assert set(net.state_dict()) == names
    torch.testing.assert_close(net(x), learned, rtol=1e-4, atol=1e-4)
