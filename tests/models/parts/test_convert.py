"""Converters: every name consumed, every parameter filled, or a line that says what is wrong."""

from __future__ import annotations

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert

RULES = (
    Rule(r"old\.(\d+)\.weight", r"new.\1.weight"),
    Rule(r"turned", "new.turned", lambda tensor: tensor.T),
    Rule(r"decoder\..+", None),
)
EXPECTED = {"new.0.weight": torch.empty(2, 3), "new.turned": torch.empty(4, 5)}
GIVEN = {"old.0.weight": torch.ones(2, 3), "turned": torch.ones(5, 4), "decoder.x": torch.ones(1)}


def test_names_change_and_known_names_drop() -> None:
    found = convert(GIVEN, RULES, EXPECTED, "x.pt")
    assert found.keys() == EXPECTED.keys()
    assert found["new.turned"].shape == (4, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stranger": torch.ones(1)}, "1 unknown: stranger"),
        ({"old.7.weight": torch.ones(2, 3)}, r"1 unknown: new\.7\.weight"),
        ({"old.0.weight": torch.ones(2, 4)}, r"new\.0\.weight 2x4, expected 2x3"),
        ({"old.0.weight.more": torch.ones(1)}, r"1 unknown: old\.0\.weight\.more"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        convert(GIVEN | change, RULES, EXPECTED, "x.pt")


def test_a_parameter_that_nothing_fills_is_named() -> None:
    given = {name: tensor for name, tensor in GIVEN.items() if name != "turned"}
    with pytest.raises(WeightsError, match=r"x\.pt: .* 1 missing: new\.turned"):
        convert(given, RULES, EXPECTED, "x.pt")


def test_two_tensors_for_one_parameter_are_refused() -> None:
    rules = (Rule(r"[ab]", "c"),)
    with pytest.raises(WeightsError, match="1 given twice: b"):
        convert({"a": torch.ones(1), "b": torch.ones(1)}, rules, {"c": torch.ones(1)}, "x")


def test_only_the_first_names_are_listed() -> None:
    expected = {f"p{i}": torch.empty(1) for i in range(9)}
    with pytest.raises(WeightsError, match=r"9 missing: p0, p1, p2, p3, p4, \.\.\."):
        convert({}, (), expected, "x")
