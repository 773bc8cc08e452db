"""What a clip remembers of its faces."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.errors import BadInput
from lipkit.faces.geometry import Geometry, similarity, ticks
from lipkit.faces.warping import transform


def geometry(frames: int = 4) -> Geometry:
    rng = np.random.default_rng(0)
    times = [Fraction(i * 1001, 30000) for i in range(frames)]
    beat, base = ticks(times)
    return Geometry(
        matrix=rng.normal(size=(frames, 2, 3)) + np.eye(2, 3) * 3,
        points=rng.normal(size=(frames, 68, 2)).astype(np.float32),
        box=rng.normal(size=(frames, 4)).astype(np.float32),
        score=np.full(frames, 0.75, np.float32),
        valid=np.arange(frames) != 2,
        shot=np.zeros(frames, np.int32),
        ticks=beat,
        time_base=base,
        fps=Fraction(30000, 1001),
        size=(256, 256),
        frame_size=(1920, 1080),
        scheme="dlib68",
        template="square",
        source="ab" * 32,
        rotation=90,
    )


def test_it_survives_the_file() -> None:
    before = geometry()
    tensors, header = before.to_tensors()
    after = Geometry.from_tensors(tensors, json.loads(json.dumps(header)))
    assert after.times == before.times == [Fraction(i * 1001, 30000) for i in range(4)]
    again, header_again = after.to_tensors()
    assert header_again == header
    for name, values in tensors.items():
        np.testing.assert_array_equal(again[name], values)


def test_unknown_keys_of_a_header_are_ignored() -> None:
    tensors, header = geometry().to_tensors()
    assert len(Geometry.from_tensors(tensors, header | {"kind": "geometry", "new": 1})) == 4


@pytest.mark.parametrize("name", ["matrix", "points", "valid", "ticks"])
def test_a_missing_part_is_named(name: str) -> None:
    tensors, header = geometry().to_tensors()
    del tensors[name]
    with pytest.raises(BadInput, match=name):
        Geometry.from_tensors(tensors, header)


def test_parts_of_different_length_are_refused() -> None:
    tensors, header = geometry().to_tensors()
    tensors["score"] = tensors["score"][:-1]
    with pytest.raises(BadInput, match="different lengths"):
        Geometry.from_tensors(tensors, header)


@pytest.mark.parametrize(
    "harm", [{"fps": "1/0"}, {"fps": "x"}, {"size": 3}, {"size": [1, 2, 3]}, {"time_base": None}]
)
def test_a_damaged_header_is_refused(harm: dict[str, object]) -> None:
    tensors, header = geometry().to_tensors()
    with pytest.raises(BadInput, match="damaged"):
        Geometry.from_tensors(tensors, header | harm)


def test_a_part_of_it_keeps_its_rows_together() -> None:
    whole, part = geometry(), geometry().slice(1, 3)
    assert len(part) == 2
    assert part.times == whole.times[1:3]
    np.testing.assert_array_equal(part.crop_points, whole.crop_points[1:3])


@given(st.floats(-3, 3), st.floats(0.1, 9), st.floats(-99, 99), st.integers(2, 9))
@settings(max_examples=50, deadline=None)
def test_a_similarity_is_found_again(angle: float, zoom: float, shift: float, count: int) -> None:
    source = np.random.default_rng(count).normal(0, 30, (count, 2))
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    matrix = np.array([[c, -s, shift], [s, c, -shift]])
    weights = np.linspace(1, 2, count)
    found = similarity(source, transform(source, matrix), weights)
    np.testing.assert_allclose(found, matrix, atol=1e-6)


def test_a_fit_of_noise_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(3)
    source, target = rng.normal(size=(2, 6, 2))
    found = similarity(source, target)

    def cost(matrix: np.ndarray) -> float:
        return float(((transform(source, matrix) - target) ** 2).sum())

    best = cost(found)
    for _ in range(50):
        a, b, x, y = rng.normal(0, 0.05, 4)
        assert cost(found + np.array([[a, -b, x], [b, a, y]])) >= best


def test_a_mirrored_face_is_turned_not_mirrored() -> None:
    source = np.array([[0.0, 0], [1, 0], [0.5, 1]])
    found = similarity(source, source * (-1, 1))
    assert np.linalg.det(found[:, :2]) >= 0
