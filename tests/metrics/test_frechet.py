"""Distances between sets of vectors, and what is kept of long clips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.metrics.frechet import FeatureSet, Gaussian, frechet, gaussian_of, kid, rows_of


def vectors(count: int, width: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    return (mixed + shift).astype(np.float32)


@pytest.mark.parametrize(("count", "width"), [(5, 40), (40, 40), (300, 20), (2, 3)])
def test_a_set_is_at_no_distance_from_itself(count: int, width: int) -> None:
    rows = vectors(count, width)
    own, turned = Gaussian.of(rows), Gaussian.of(rows[::-1])
    assert frechet(own, own) <= 1e-9 * own.trace
    assert frechet(own, turned) <= 1e-9 * own.trace


def test_gaussians_in_one_dimension_are_known_by_heart() -> None:
    first, second = np.array([[0.0], [2.0]]), np.array([[10.0], [16.0], [13.0]])
    means, deviations = (13 - 1) ** 2, (3 - np.sqrt(2)) ** 2
    assert frechet(Gaussian.of(first), Gaussian.of(second)) == pytest.approx(means + deviations)


def test_the_root_is_that_of_the_definition() -> None:
    from scipy.linalg import sqrtm

    first, second = vectors(200, 8), vectors(150, 8, seed=1, shift=0.5)
    a, b = np.cov(first.T.astype(float)), np.cov(second.T.astype(float))
    means = ((first.mean(0, dtype=float) - second.mean(0, dtype=float)) ** 2).sum()
    expected = means + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert frechet(Gaussian.of(first), Gaussian.of(second)) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=6), st.integers(1, 12))
def test_parts_add_up_to_the_whole(sizes: list[int], width: int) -> None:
    rows = vectors(sum(sizes) + 1, width, shift=100.0)
    parts = np.split(rows, np.cumsum(sizes))
    total = Gaussian.of(parts[0])
    for part in parts[1:]:
        total = total + Gaussian.of(part)
    whole = Gaussian.of(rows)
    assert total.count == whole.count
    np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(
        total.factor.T @ total.factor, whole.factor.T @ whole.factor, atol=1e-7 * whole.trace + 1e-9
    )
    assert frechet(total, whole) <= 1e-9 * max(whole.trace, 1)


def test_one_vector_has_no_distance() -> None:
    one, many = Gaussian.of(vectors(1, 4)), Gaussian.of(vectors(9, 4))
    with pytest.raises(ValueError, match="two vectors"):
        frechet(one, many)
    with pytest.raises(ValueError, match="two vectors"):
        kid(vectors(9, 4), vectors(1, 4))


def test_kid_is_its_definition_over_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipkit.metrics.frechet.KID_BLOCK", 7)
    first, second = vectors(20, 5).astype(float), vectors(31, 5, seed=3, shift=1).astype(float)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / 5 + 1) ** 3

    own, other = kernel(first, first), kernel(second, second)
    expected = (own.sum() - np.trace(own)) / (20 * 19) + (other.sum() - np.trace(other)) / (31 * 30)
    expected -= 2 * kernel(first, second).mean()
    assert kid(first, second) == pytest.approx(expected)


def collected(rows: np.ndarray, keep: int = 1000) -> dict[str, np.ndarray]:
    found = FeatureSet(keep)
    for start in range(0, len(rows), 7):
        found.add(rows[start : start + 7])
    arrays = found.arrays()
    assert arrays is not None
    return arrays


def test_few_vectors_are_kept_as_they_are() -> None:
    rows = vectors(30, 16)
    arrays = collected(rows, keep=4)
    assert arrays.keys() == {"rows"}
    np.testing.assert_array_equal(arrays["rows"], rows)


def test_many_vectors_cost_no_more_than_their_gaussian() -> None:
    few, many = (collected(vectors(count, 8), keep=10) for count in (1000, 5000))
    sizes = [sum(array.nbytes for array in arrays.values()) for arrays in (few, many)]
    assert max(sizes) < 8 * 8 * 8 + 20 * 8 * 4 + 200
    assert int(many["count"]) == 5000
    step = int(many["step"])
    np.testing.assert_array_equal(many["rows"], vectors(5000, 8)[::step])


def test_a_set_of_clips_is_the_set_of_their_frames() -> None:
    clips = [vectors(count, 8, seed=count) for count in (3, 40, 1, 500)]
    found = gaussian_of(collected(rows, keep=10) for rows in clips)
    assert found is not None
    whole = Gaussian.of(np.concatenate(clips))
    assert found.count == whole.count
    assert frechet(found, whole) <= 1e-9 * whole.trace
    assert gaussian_of([]) is None


def test_each_clip_gives_the_same_share_of_its_frames() -> None:
    clips = [collected(vectors(count, 8), keep=10) for count in (16, 500)]
    step = int(clips[1]["step"])
    assert len(rows_of(clips)) == len(clips[0]["rows"][::step]) + len(clips[1]["rows"])
    assert len(rows_of([{"rows": vectors(103, 4)}], most=10)) == 10


def test_nothing_seen_is_nothing_kept() -> None:
    assert FeatureSet().arrays() is None
