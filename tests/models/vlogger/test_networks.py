"""Networks of motion and of pictures, by what they may and may not see."""

from __future__ import annotations

import torch

from lipkit.models.vlogger.config import UNetConfig, VloggerConfig
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.model import CONTROLS, Painter, Vlogger, build
from lipkit.models.vlogger.unet import UNet


def test_no_frame_of_motion_sees_a_later_one(model: Vlogger) -> None:
    rows, form = len(rows_of(model.config)), model.config.motion
    x, heard = torch.randn(1, 8, rows), torch.randn(1, 8, form.steps * form.bands)
    times = torch.full((1, 8), 500)
    before = model.mover(x, times, heard)
    x[:, 5:], heard[:, 5:] = 9, 9
    after = model.mover(x, times, heard)
    torch.testing.assert_close(after[:, :5], before[:, :5], rtol=1e-4, atol=1e-4)
    assert (after[:, 5:] - before[:, 5:]).abs().max() > 1e-3


def test_the_deaf_hear_nothing(model: Vlogger) -> None:
    rows, form = len(rows_of(model.config)), model.config.motion
    x, heard = torch.randn(2, 4, rows), torch.randn(2, 4, form.steps * form.bands)
    times = torch.full((2, 4), 500)
    deaf = model.mover(x, times, heard, torch.tensor([True, False]))
    nothing = model.mover(x, times, None)
    torch.testing.assert_close(deaf[0], nothing[0], rtol=1e-4, atol=1e-4)
    assert (deaf[1] - nothing[1]).abs().max() > 1e-3


def test_a_fresh_painter_is_its_base(small: VloggerConfig) -> None:
    painter = Painter(small.model)
    torch.nn.init.normal_(painter.base.leave.weight)
    x, times = torch.randn(2, 3, 2, 16, 16), torch.tensor([10, 900])
    told = torch.randn(2, CONTROLS, 2, 16, 16)
    alone = painter(x, times, None)
    torch.testing.assert_close(painter(x, times, told), alone, rtol=1e-4, atol=1e-4)


def test_controls_count_but_for_the_blind(model: Vlogger) -> None:
    x, times = torch.randn(2, 3, 2, 16, 16), torch.tensor([10, 900])
    told = torch.randn(2, CONTROLS, 2, 16, 16)
    made = model.painter(x, times, told, torch.tensor([True, False]))
    alone = model.painter(x, times, None)
    torch.testing.assert_close(made[0], alone[0], rtol=1e-4, atol=1e-4)
    assert (made[1] - alone[1]).abs().max() > 1e-3


def test_the_control_branch_begins_as_the_encoder(small: VloggerConfig) -> None:
    painter = build(small.model).painter
    painter.control.begin(painter.base.encoder)
    copied, own = painter.control.encoder.state_dict(), painter.base.encoder.state_dict()
    assert all(torch.equal(copied[name], own[name]) for name in copied)
    assert {name for name in own if name not in copied} == {n for n in own if "over_time" in n}


def test_time_enters_through_convolutions_that_begin_at_zero() -> None:
    form = UNetConfig(widths=(8, 16), layers=2, attention=(), heads=2, groups=4)
    net = UNet(3, 3, form)
    torch.nn.init.normal_(net.leave.weight)
    clip, times = torch.randn(1, 3, 4, 8, 8), torch.tensor([300])
    whole = net(clip, times)
    alone = torch.cat([net(clip[:, :, k : k + 1], times) for k in range(4)], 2)
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-4)
    assert len(net.encoder.over_time) == 2 * len(form.widths)  # one a level, weight and bias
    for parameter in net.encoder.over_time:
        torch.nn.init.normal_(parameter)
    assert (net(clip, times) - alone).abs().max() > 1e-2


def test_the_papers_sizes_make_a_model() -> None:
    with torch.device("meta"):
        made = build(VloggerConfig().model)
    assert len(made.mover.layers.layers) == 4
    assert len(made.upscalers) == 2
    assert sum(p.numel() for p in made.painter.parameters()) > 50e6
