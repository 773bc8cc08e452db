"""Shots cut into pieces of a wanted length."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lipkit.filters.pieces import Piece, pieces, seconds
from lipkit.filters.rules import Bound

FPS = Fraction(25)
LATENTSYNC = Bound(5, 10)


def lengths(count: int, length: Bound | None, cuts: tuple[int, ...] = ()) -> list[int]:
    found = pieces(cuts, count, FPS, length)
    assert [piece.start for piece in found] == [0, *(piece.end for piece in found[:-1])]
    assert found[-1].end == count
    return [len(piece) for piece in found]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(124, [124]), (125, [125]), (249, [249]), (250, [125, 125]), (1001, [125] * 7 + [126])],
)
def test_five_seconds_and_less_than_ten(count: int, expected: list[int]) -> None:
    assert lengths(count, LATENTSYNC) == expected


def test_shots_are_never_joined() -> None:
    found = pieces([60, 310], 700, FPS, LATENTSYNC)
    assert [(piece.start, piece.end, piece.shot) for piece in found] == [
        (0, 60, 0),
        (60, 185, 1),
        (185, 310, 1),
        (310, 440, 2),
        (440, 570, 2),
        (570, 700, 2),
    ]


def test_an_exact_length_leaves_a_rest() -> None:
    assert lengths(520, Bound(10, 10)) == [250, 250, 20]
    assert lengths(500, Bound(10, 10)) == [250, 250]
    assert lengths(230, Bound(4, 4.4)) == [110, 110, 10]


def test_without_a_length_the_shots_are_the_pieces() -> None:
    assert lengths(700, None, (60,)) == [60, 640]
    assert pieces([0, 700, 900], 700, FPS, None) == [Piece(0, 700, 0)]


def test_at_an_odd_rate_a_piece_of_the_right_number_of_frames_fits() -> None:
    rate, length = Fraction(24000, 1001), Bound(10, 10)
    (first, *_) = pieces([], 500, rate, length)
    assert len(first) == 240
    assert seconds(first, rate, length) == 10
    assert seconds(Piece(0, 100, 0), rate, length) == pytest.approx(100 * 1001 / 24000)
