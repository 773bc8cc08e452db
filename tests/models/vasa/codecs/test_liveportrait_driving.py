"""Sources that move themselves are smoothed; what a rule leaves out stays the source's."""

from __future__ import annotations

import numpy as np
import torch

from lipkit.models.vasa.codecs.liveportrait.driving import LIPS, Driver, Openings, Rule, Source
from lipkit.models.vasa.codecs.liveportrait.smoothing import smoothed

from .liveportrait_toy import toy
from .test_liveportrait import motion


def test_smoothing_keeps_stillness_and_calms_noise() -> None:
    still = np.full((20, 3), 0.7)
    assert np.allclose(smoothed(still, 1e-3), still)
    noise = np.random.default_rng(0).normal(0, 0.1, (200, 4))
    calm = smoothed(noise, 1e-2)
    assert np.abs(np.diff(calm, axis=0)).mean() < 0.2 * np.abs(np.diff(noise, axis=0)).mean()
    forth = smoothed(noise[::-1], 1e-2)[::-1]
    assert np.abs(forth - calm)[20:-20].max() < 0.02  # no lag


def test_a_region_moves_only_its_keypoints() -> None:
    source, driver = motion(1), motion(4, seed=1)
    rest = source.placed
    moved = Driver(Source(source), Rule(region="lip")).keypoints(driver, driver[:1])
    change = (moved - rest).abs().amax((0, 2))
    assert set(change.nonzero()[:, 0].tolist()) == set(LIPS)


def test_gain_scales_all_motion() -> None:
    source, driver = motion(1), motion(4, seed=1)
    rest = source.placed
    once = Driver(Source(source), Rule()).keypoints(driver, driver[:1]) - rest
    half = Driver(Source(source), Rule(gain=0.5)).keypoints(driver, driver[:1]) - rest
    assert torch.allclose(half, 0.5 * once, atol=1e-4)


def test_closed_lips_are_not_closed_further() -> None:
    source, driver, network = motion(1), motion(3, seed=1), toy().retargeting
    rule = Rule(close_lips=True)
    landmarks = torch.rand(1, 203, 2)
    landmarks[:, 90] = landmarks[:, 102]  # closed
    with torch.no_grad():
        closed = Driver(Source(source, landmarks), rule, network).keypoints(driver, driver[:1])
        plain = Driver(Source(source), rule, network).keypoints(driver, driver[:1])
        landmarks[:, 102] += 1.0
        opened = Driver(Source(source, landmarks), rule, network).keypoints(driver, driver[:1])
    assert torch.equal(closed, plain)
    assert not torch.allclose(opened, plain, atol=1e-6)


def test_retargeting_needs_landmarks() -> None:
    source, driver, network = motion(1), motion(3, seed=1), toy().retargeting
    rule = Rule(retarget_eyes=True)
    openings = Openings(torch.rand(3, 2), torch.rand(3, 1))
    with torch.no_grad():
        without = Driver(Source(source), rule, network).keypoints(driver, driver[:1], openings)
        plain = Driver(Source(source), Rule(), network).keypoints(driver, driver[:1])
        seen = Source(source, torch.rand(1, 203, 2))
        found = Driver(seen, rule, network).keypoints(driver, driver[:1], openings)
    assert torch.equal(without, plain)
    assert not torch.allclose(found, plain)
