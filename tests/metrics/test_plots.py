from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lipkit.metrics.plots import SIDE, Chart, Curve, Scale, round_values, runs, span, thin

numbers = st.floats(-1e6, 1e6, allow_nan=False)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def chart(curve: Curve, x: Scale, y: Scale) -> Chart:
    return Chart("a chart", "what it shows", x, y, (curve,))


def test_a_line_runs_through_its_points_and_y_grows_upwards() -> None:
    curve = Curve([0.0, 1.0, 0.5], "mouth", "")
    path = chart(curve, Scale(0, 2), Scale(0, 1)).path(curve)
    assert path == f"M0 {SIDE}L{SIDE // 2} 0L{SIDE} {SIDE // 2}"


def test_a_line_breaks_where_values_are_missing_and_a_lone_value_is_a_dot() -> None:
    curve = Curve([0.0, 0.0, None, 1.0, float("nan"), 0.0, 0.0], "mouth", "")
    path = chart(curve, Scale(0, 6), Scale(0, 1)).path(curve)
    assert path.count("M") == 3
    assert f"M{SIDE // 2} 0h0" in path


def test_a_filled_curve_closes_on_the_axis() -> None:
    curve = Curve([0.5, 1.0], "voice", "", filled=True)
    path = chart(curve, Scale(0, 1), Scale(0, 1)).path(curve)
    assert path == f"M0 {SIDE}L0 500L{SIDE} 0V{SIDE}Z"


def test_a_curve_of_no_values_draws_nothing() -> None:
    curve = Curve([None, None], "mouth", "")
    assert chart(curve, Scale(0, 1), span(curve.values)).path(curve) == ""


def test_long_curves_get_short_and_keep_their_peaks() -> None:
    values: list[float | None] = [0.0] * 15000
    values[7777] = 1.0
    curve = Curve(values, "mouth", "", step=1 / 25)
    path = chart(curve, Scale(0, 600), Scale(0, 1)).path(curve)
    assert len(path) < 15000
    assert re.search(r"L518 0L", path)


@unhurried
@given(st.lists(st.none() | numbers))
def test_runs_hold_every_value_once(values: list[float | None]) -> None:
    found = [spot for run in runs(values) for spot in run]
    assert found == [(i, v) for i, v in enumerate(values) if v is not None]


@unhurried
@given(st.lists(numbers, min_size=1, max_size=3000))
def test_thinning_keeps_order_and_extremes(values: list[float]) -> None:
    kept = thin(list(enumerate(values)), len(values))
    assert [i for i, _ in kept] == sorted({i for i, _ in kept})
    assert min(v for _, v in kept) == min(values)
    assert max(v for _, v in kept) == max(values)


@unhurried
@given(st.lists(numbers, min_size=1))
def test_a_span_holds_its_values(values: list[float]) -> None:
    scale = span(values)
    assert scale.low < scale.high
    assert all(scale.low <= v <= scale.high for v in values)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-15, 15, [-10, 0, 10]),
        (0, 7.3, [0, 2, 4, 6]),
        (6.9, 11.6, [7, 8, 9, 10, 11]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert list(round_values(low, high)) == pytest.approx(expected)


def test_ticks_are_labelled_with_as_many_digits_as_they_need() -> None:
    assert [label for _, label in Scale(-0.1, 0.1).ticks()] == [
        "−0.10", "−0.05", "0.00", "0.05", "0.10",
    ]  # fmt: skip
    assert [label for _, label in Scale(-15, 15).ticks()] == ["−10", "0", "10"]


def test_a_clock_counts_seconds_and_minutes() -> None:
    assert [label for _, label in Scale(0, 7, clock=True).ticks()] == ["0 s", "2 s", "4 s", "6 s"]
    assert [label for _, label in Scale(0, 600, clock=True).ticks()][1:3] == ["3:20", "6:40"]
