"""Distances between sets of feature vectors: the Frechet distance of Gaussians, and KID.

Frechet distance, Heusel et al. 2017 (arXiv:1706.08500): ``|m1-m2|^2 + tr(S1 + S2 - 2 (S1 S2)^½)``.
No root of a matrix is taken: with factors ``S1 = A'A`` and ``S2 = B'B``, the trace of the root is
the sum of the singular values of ``AB'``, which stays exact where covariances are singular.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

KID_ROWS = 5000  # of each set at most: the kernel of every pair is computed
KID_BLOCK = 1000


@dataclass(frozen=True)
class Gaussian:
    """Mean ``(d,)`` and scatter of ``count`` vectors, the scatter as ``factor (r, d)``.

    ``factor.T @ factor`` is the sum of the centred vectors' outer products; of few vectors, it is
    these vectors themselves, of many a triangle. Numbers are doubles.
    """

    count: int
    mean: Array
    factor: Array

    @classmethod
    def of(cls, rows: Array) -> Gaussian:
        """That of feature vectors ``rows (n, d)``, n at least 1."""
        mean = rows.mean(0, dtype=np.float64)
        return cls(len(rows), mean, triangle(rows.astype(np.float64) - mean))

    def __add__(self, other: Gaussian) -> Gaussian:
        """That of both sets' vectors together (Chan et al. 1979)."""
        count = self.count + other.count
        apart = other.mean - self.mean
        between = apart * np.sqrt(self.count * other.count / count)
        factor = triangle(np.concatenate([self.factor, other.factor, between[None]]))
        return Gaussian(count, self.mean + apart * (other.count / count), factor)

    @property
    def trace(self) -> float:
        """Sum of the variances, with ``count - 1`` below."""
        return float((self.factor**2).sum() / (self.count - 1))


def triangle(factor: Array) -> Array:
    """A factor ``(r, d)`` of the same scatter with ``d`` rows at most."""
    if len(factor) <= factor.shape[1]:
        return factor
    return np.asarray(np.linalg.qr(factor, mode="r"))


def frechet(first: Gaussian, second: Gaussian) -> float:
    """The Frechet distance of two sets, both of at least two vectors; never below zero."""
    if min(first.count, second.count) < 2:
        raise ValueError("a Frechet distance needs two vectors on each side")
    product = first.factor @ second.factor.T
    root = np.linalg.svd(product, compute_uv=False).sum()
    root /= np.sqrt((first.count - 1.0) * (second.count - 1.0))
    means = float(((first.mean - second.mean) ** 2).sum())
    return max(0.0, means + first.trace + second.trace - 2 * float(root))


def kid(first: Array, second: Array) -> float:
    """Unbiased squared maximum mean discrepancy of ``(n, d)`` and ``(m, d)``, both of two or more.

    Polynomial kernel ``(x.y / d + 1)^3`` over all pairs (Binkowski et al. 2018, arXiv:1801.01401);
    below zero by chance where both sets are alike.
    """
    n, m = len(first), len(second)
    if min(n, m) < 2:
        raise ValueError("a KID needs two vectors on each side")
    same = kernel_sum(first, first) - kernel_diagonal(first)
    other = kernel_sum(second, second) - kernel_diagonal(second)
    across = kernel_sum(first, second)
    return same / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)


def kernel_sum(first: Array, second: Array) -> float:
    """The kernel summed over all pairs, block by block in double precision."""
    total = 0.0
    for i in range(0, len(first), KID_BLOCK):
        a = first[i : i + KID_BLOCK].astype(np.float64)
        for k in range(0, len(second), KID_BLOCK):
            b = second[k : k + KID_BLOCK].astype(np.float64)
            total += float(((a @ b.T / a.shape[1] + 1) ** 3).sum())
    return total


def kernel_diagonal(rows: Array) -> float:
    """The kernel of each vector with itself, summed."""
    squares = (rows.astype(np.float64) ** 2).sum(1)
    return float(((squares / rows.shape[1] + 1) ** 3).sum())


class FeatureSet:
    """What is kept of a clip's feature vectors: all while they are few, else their Gaussian.

    A set of ``n`` vectors of width ``d`` costs ``4nd`` bytes as vectors and ``8d²`` as a Gaussian.
    Beside a Gaussian, evenly thinned vectors stay for distances that need vectors.
    """

    def __init__(self, keep: int = 1000) -> None:
        self.keep = keep
        self.count = 0
        self._gaussian: Gaussian | None = None
        self._fresh: list[Array] = []  # not in the Gaussian yet
        self._thinned: list[Array] = []  # every so many-th of all
        self._step = 1

    def add(self, rows: Array) -> None:
        """Take in feature vectors ``(n, d)``."""
        for row in rows:
            own = row.astype(np.float32)  # a copy: a view would keep the whole batch
            self._fresh.append(own)
            if self.count % self._step == 0:
                self._thinned.append(own)
            self.count += 1
        if self._fresh and len(self._fresh) > 2 * len(self._fresh[0]):
            self._settle()
        while self._gaussian is not None and len(self._thinned) > 2 * self.keep:
            self._thinned, self._step = self._thinned[::2], 2 * self._step

    def _settle(self) -> None:
        fresh = Gaussian.of(np.stack(self._fresh))
        self._gaussian = fresh if self._gaussian is None else self._gaussian + fresh
        self._fresh = []

    def arrays(self) -> dict[str, Array] | None:
        """What travels: ``rows``; of many, every ``step``-th, with ``count``, ``mean``, ``factor``.

        None where nothing was taken in.
        """
        if not self.count:
            return None
        rows = np.stack(self._thinned)
        if self._gaussian is None:
            return {"rows": rows}
        if self._fresh:
            self._settle()
        found = self._gaussian
        counts = {"step": np.array(self._step), "count": np.array(found.count)}
        return {"rows": rows, "mean": found.mean, "factor": found.factor, **counts}


def gaussian_of(parts: Iterable[Mapping[str, Array]]) -> Gaussian | None:
    """The Gaussian of all vectors of several clips, from what `FeatureSet.arrays` kept."""
    total: Gaussian | None = None
    waiting: list[Array] = []

    def settle(found: Gaussian) -> Gaussian:
        return found if total is None else total + found

    for part in parts:
        if "factor" in part:
            total = settle(Gaussian(int(part["count"]), part["mean"], part["factor"]))
            continue
        waiting.append(part["rows"])
        if sum(map(len, waiting)) > 2 * waiting[0].shape[1]:
            total, waiting = settle(Gaussian.of(np.concatenate(waiting))), []
    return settle(Gaussian.of(np.concatenate(waiting))) if waiting else total


def rows_of(parts: Sequence[Mapping[str, Array]], most: int = KID_ROWS) -> Array:
    """Feature vectors of several clips, the same share of each and ``most`` at most."""
    steps = [int(part.get("step", 1)) for part in parts]
    common = max(steps)
    rows = np.concatenate(
        [part["rows"][:: common // step] for part, step in zip(parts, steps, strict=True)]
    )
    return rows[:: -(-len(rows) // most)]
