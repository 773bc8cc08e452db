"""Motion, frames and larger frames, of any length."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from lipkit.models.vlogger.config import VloggerConfig
from lipkit.models.vlogger.enlarging import Enlarger, reduced
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.listening import framed
from lipkit.models.vlogger.material import hearing
from lipkit.models.vlogger.model import CONTROLS, Vlogger
from lipkit.models.vlogger.painting import Painting
from lipkit.models.vlogger.talking import Talker
from lipkit.protocols import Features


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rate", [Fraction(100), Fraction(30)])
def test_streamed_hearing_is_hearing_all_at_once(small: VloggerConfig, rate: Fraction) -> None:
    data = np.random.default_rng(0).normal(size=(173, 1, 80)).astype(np.float32)
    form, fps = small.model.motion, small.model.fps
    pieces = [data[:50], data[50:53], data[53:120], data[120:]]
    streamed = np.concatenate(list(framed(pieces, rate, form, fps)))[:, 0]
    whole = hearing(Features(data, rate, "mel"), form, fps, 0, len(streamed))
    np.testing.assert_array_equal(streamed, whole)
    assert len(streamed) == -(-173 * fps // rate)


def test_motion_does_not_depend_on_how_the_sound_is_cut(
    model: Vlogger, small: VloggerConfig
) -> None:
    form = small.model.motion
    heard = np.random.default_rng(1).normal(size=(21, form.steps * form.bands)).astype(np.float32)
    talker = Talker(model, small.sampling)
    whole = np.concatenate(list(talker.move([heard], seeded(0))))
    parts = np.concatenate(list(talker.move([heard[:5], heard[5:]], seeded(0))))
    assert whole.shape == (21, len(rows_of(small.model)))
    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-4)
    other = np.concatenate(list(talker.move([heard], seeded(1))))
    assert np.abs(whole - other).max() > 1e-2


def test_windows_go_on_from_each_other(model: Vlogger, small: VloggerConfig) -> None:
    painting = Painting(model.painter, small.model, model.alpha_bar, small.sampling)
    given: list[torch.Tensor] = []
    clip = painting.clip

    def watched(told, generator, known=None, mask=None):
        if known is not None:
            given.append(known[0].transpose(0, 1)[: int(mask[0, 0, :, 0, 0].sum())])
        return clip(told, generator, known, mask)

    painting.clip = watched
    told = torch.randn(9, CONTROLS, 16, 16)
    pieces = list(painting.outpainted(iter(told), seeded(0)))
    drawn = torch.cat(pieces)
    assert [len(piece) for piece in pieces] == [4, 2, 2, 1]
    assert drawn.shape == (9, 3, 16, 16)
    assert torch.equal(given[0], drawn[2:4])
    assert torch.equal(given[1], drawn[4:6])
    again = torch.cat(list(painting.outpainted(iter(told), seeded(0))))
    assert torch.equal(again, drawn)


def test_guidance_takes_a_second_pass(model: Vlogger, small: VloggerConfig) -> None:
    from dataclasses import replace

    told = torch.randn(1, CONTROLS, 2, 16, 16)
    made = []
    for guidance in (0.0, 1.5):
        sampling = replace(small.sampling, guidance=guidance)
        painting = Painting(model.painter, small.model, model.alpha_bar, sampling)
        made.append(painting.clip(told, seeded(0)))
    assert (made[0] - made[1]).abs().max() > 1e-3


@pytest.mark.parametrize("side", [16, 24, 32, 48])
def test_crops_of_any_size_are_enlarged(model: Vlogger, small: VloggerConfig, side: int) -> None:
    crops = torch.rand(5, 3, side, side) * 2 - 1
    made = Enlarger(model, small.sampling).enlarge(crops, 32)
    assert made.shape == (5, 3, 32, 32)
    assert made.abs().max() <= 1


def test_halving_takes_means() -> None:
    clip = torch.arange(16.0).reshape(1, 1, 1, 4, 4)
    assert torch.equal(reduced(clip)[0, 0, 0], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
