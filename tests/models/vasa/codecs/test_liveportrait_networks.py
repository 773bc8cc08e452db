"""Forms of the networks that the released files do not have, but others do."""

from __future__ import annotations

import torch

from lipkit.models.parts.convert import convert as fit
from lipkit.models.vasa.codecs.liveportrait import convert
from lipkit.models.vasa.codecs.liveportrait.config import DecoderConfig, WarpConfig
from lipkit.models.vasa.codecs.liveportrait.decoder import Decoder
from lipkit.models.vasa.codecs.liveportrait.motion import BIN_DEGREES, degrees, rotation
from lipkit.models.vasa.codecs.liveportrait.warping import Warping

SMALL = WarpConfig(
    points=5,
    channels=4,
    depth=6,
    width=4,
    compressed=2,
    hourglass_width=4,
    hourglass_widest=16,
    hourglass_blocks=2,
    occlusion=False,
)


def test_warping_without_occlusion_hides_nothing() -> None:
    torch.manual_seed(0)
    network = Warping(SMALL).eval()
    volume, points = torch.randn(2, 4, 6, 16, 16), torch.rand(2, 5, 3) - 0.5
    with torch.no_grad():
        flow = network.dense_motion(volume, points, points)
        made = network(volume, points, points)
    assert flow.occlusion is None
    assert made.shape == (2, 16, 16, 16)
    names = (name for name in network.state_dict() if "occlusion" in name)
    assert not list(names)


def test_keypoints_that_stay_move_nothing() -> None:
    torch.manual_seed(0)
    network = Warping(SMALL).eval()
    volume, points = torch.randn(1, 4, 6, 16, 16), torch.rand(1, 5, 3) - 0.5
    with torch.no_grad():
        still = network.dense_motion(volume, points, points).field
        moved = network.dense_motion(volume, points + 0.1, points).field
    edges = torch.tensor([still[..., axis].min() for axis in range(3)])
    assert torch.allclose(edges, -torch.ones(3), atol=1e-5)
    assert (still - moved).max() > 0.01


def test_a_decoder_without_enlargement_has_another_last_name() -> None:
    network = Decoder(DecoderConfig(width=2, out_width=6, enlargement=1)).eval()
    state = network.state_dict()
    with torch.no_grad():
        assert network(torch.randn(1, 8, 4, 4)).shape == (1, 3, 16, 16)
    last = {f"conv_img.{leaf}": state[f"last.{leaf}"] for leaf in ("weight", "bias")}
    expected = {name: tensor for name, tensor in state.items() if name.startswith("last.")}
    assert fit(last, convert.DECODER, expected, "x").keys() == expected.keys()


def test_sure_votes_are_their_bin() -> None:
    votes = torch.full((1, 66), -100.0)
    votes[0, 40] = 100
    assert float(degrees(votes)) == 40 * BIN_DEGREES - 97.5


def test_turns_are_rotations_about_their_axes() -> None:
    none, quarter = torch.zeros(1, 1), torch.full((1, 1), 90.0)
    row = torch.tensor([[1.0, 0, 0]])
    assert torch.allclose(row @ rotation(quarter, none, none)[0], row, atol=1e-6)
    turned = row @ rotation(none, none, quarter)[0]
    assert torch.allclose(turned, torch.tensor([[0.0, 1, 0]]), atol=1e-6)
