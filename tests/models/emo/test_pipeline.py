"""Clips are chained, whatever the length of the sound, and the same for the same seed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lipkit.errors import BadInput, BadUsage
from lipkit.models.emo.config import ControlsConfig, EmoConfig, SamplingConfig
from lipkit.models.emo.hearing import clipped, framed
from lipkit.models.emo.model import Emo
from lipkit.models.emo.performing import known
from lipkit.models.emo.pipeline import EmoAnimator, Sitter, course
from lipkit.models.emo.speed import SpeedEncoder
from lipkit.models.parts import vae

from .conftest import resolved

QUICK = SamplingConfig(steps=2, guidance=2.0)


@pytest.fixture(scope="module")
def sitter(settings: EmoConfig) -> Sitter:
    side = settings.model.resolution
    form = settings.model
    levels = [torch.rand(1, (form.side >> k) ** 2) for k in range(len(form.unet.widths))]
    return Sitter(torch.rand(3, side, side) * 2 - 1, torch.ones(3, side, side), [levels] * 3)


def drawn(
    model: Emo, sitter: Sitter, heard: Tensor, seed: int = 0, **controls: Any
) -> list[Tensor]:
    animator = EmoAnimator(model, vae.of(model))
    generator = torch.Generator().manual_seed(seed)
    return list(animator.animate(sitter, heard, ControlsConfig(**controls), QUICK, generator))


def test_a_clip_depends_on_what_came_before_and_not_on_what_follows(
    model: Emo, sitter: Sitter
) -> None:
    form = model.config
    shape = (2, form.window, 2 * form.hearing.margin + 1, form.hearing.layers, form.hearing.width)
    heard = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    first, second = drawn(model, sitter, heard)
    assert first.shape == (form.window, 3, form.resolution, form.resolution)
    assert first.abs().max() <= 1
    later, _ = drawn(model, sitter, torch.stack([heard[0], heard[1] + 1]))
    assert torch.equal(first, later)
    _, changed = drawn(model, sitter, torch.stack([heard[0] + 1, heard[1]]))
    assert not torch.allclose(second, changed, atol=1e-3)
    assert torch.equal(second, drawn(model, sitter, heard)[1])
    assert not torch.allclose(first, drawn(model, sitter, heard[:1], seed=1)[0], atol=1e-3)


def test_windows_are_the_same_however_the_sound_comes() -> None:
    data = np.arange(23, dtype=np.float32).reshape(23, 1, 1)
    whole = torch.cat(list(clipped([data], 5, 2, 23)))
    parts = torch.cat(list(clipped(np.array_split(data, [1, 4, 5, 19]), 5, 2, 23)))
    assert torch.equal(whole, parts)
    assert whole.shape == (25, 5, 1, 1)
    assert whole[0].flatten().tolist() == [0, 0, 0, 1, 2]
    assert whole[7].flatten().tolist() == [5, 6, 7, 8, 9]
    assert whole[22].flatten().tolist() == [20, 21, 22, 22, 22]


def test_no_more_of_a_sound_is_read_than_a_clip_needs() -> None:
    read = []

    def endless() -> object:
        for k in range(10**9):
            read.append(k)
            yield np.full((1, 1, 1), k, np.float32)

    list(islice(clipped(endless(), 4, 1, 10**9), 3))
    assert len(read) <= 4 * 3 + 2


def test_steps_of_a_frame_become_its_layers() -> None:
    data = np.arange(26, dtype=np.float32).reshape(13, 1, 2)
    frames = np.concatenate(list(framed([data[:3], data[3:9], data[9:]], 4)))
    assert frames.shape == (3, 4, 2)
    assert np.array_equal(frames.reshape(12, 2), data[:12, 0])


def test_a_sound_without_one_frame_is_refused() -> None:
    with pytest.raises(BadInput, match="too short"):
        next(clipped([], 4, 1, 1))


def test_speed_is_encoded_alike_for_alike_frames(settings: EmoConfig) -> None:
    torch.manual_seed(0)
    encoder = SpeedEncoder(settings.model.speed)
    slow, fast = encoder(torch.full((1, 6), 0.1)), encoder(torch.full((1, 6), 1.9))
    assert slow.shape == (1, 6, settings.model.speed.width)
    assert torch.allclose(slow[:, 0], slow[:, 3], atol=1e-5)
    assert not torch.allclose(slow, fast, atol=1e-3)


def test_speeds_may_differ_from_frame_to_frame(model: Emo, sitter: Sitter, tmp_path: Path) -> None:
    assert course(0.7, 5, 3) == (0.7, 0.7, 0.7)
    assert course((0.1, 0.2, 0.9), 1, 4) == (0.2, 0.9, 0.9, 0.9)
    form = model.config
    shape = (2, form.window, 2 * form.hearing.margin + 1, form.hearing.layers, form.hearing.width)
    heard = torch.zeros(shape)
    slow = drawn(model, sitter, heard, speed=0.1)
    later = drawn(model, sitter, heard, speed=(0.1,) * form.window + (1.3,))
    assert torch.equal(slow[0], later[0])
    assert not torch.allclose(slow[1], later[1], atol=1e-4)
    path = tmp_path / "speeds.txt"
    path.write_text("0.1, 0.5\n1.3")
    assert known(ControlsConfig(speed=str(path))).speed == (0.1, 0.5, 1.3)
    path.write_text("quick")
    for name in (path, tmp_path / "none.txt"):
        with pytest.raises(BadInput, match=name.name):
            known(ControlsConfig(speed=str(name)))
    with pytest.raises(BadUsage, match="one speed or more"):
        resolved(**{"controls.speed": []})


def test_clips_join_as_frames_follow_each_other(model: Emo, sitter: Sitter) -> None:
    form, seen = model.config, []
    animator = EmoAnimator(model, vae.of(model))
    begin = animator.before

    def noted(reference: Tensor, past: Tensor | None) -> Tensor:
        seen.append(past)
        return begin(reference, past)

    animator.before = noted
    shape = (3, form.window, 2 * form.hearing.margin + 1, form.hearing.layers, form.hearing.width)
    generator = torch.Generator().manual_seed(0)
    controls = EmoConfig().controls
    clips = list(animator.animate(sitter, torch.zeros(shape), controls, QUICK, generator))
    assert seen[0] is None
    for before, clip in zip(seen[1:], clips, strict=False):
        assert torch.allclose(before, clip[-form.carried :], atol=1e-5)
