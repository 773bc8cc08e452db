from __future__ import annotations

import pytest

from lipkit.metrics.figures import decimals, figure, number, plain


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([8.432], 3),
        ([162.74], 1),
        ([0.0523], 5),
        ([0.91, 34.2], 2),
        ([3, -2], 0),
        ([], 0),
        ([0.0], 0),
    ],
)
def test_figures_have_four_significant_digits(values: list[float], digits: int) -> None:
    assert decimals(values) == digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.4321, "7.432"),
        (-2.0, "−2"),
        (0.0, "0"),
        (-0.0, "0"),
        (162.74, "162.7"),
        (1e-5, "0.000010"),
        (-2.2e-16, "−2.2e−16"),
    ],
)
def test_figures(value: float, text: str) -> None:
    assert figure(value) == text


def test_numbers_that_round_to_nought_have_no_sign() -> None:
    assert number(-0.0001, 2) == "0.00"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (True, "yes"),
        (None, "none"),
        (0.1 + 0.2, "0.3"),
        ([1, 2], "1, 2"),
        ([{"first": 0, "size": 99.5}, {"first": 7}], "first 0, size 99.5; first 7"),
    ],
)
def test_settings_in_words(setting: object, text: str) -> None:
    assert plain(setting) == text
