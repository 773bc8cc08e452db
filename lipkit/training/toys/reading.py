"""Reads a cartoon's motion and identity back from pictures, drawn or generated.

No network: the state is sought whose drawing is most like the picture, by damped least squares
(Levenberg 1944). Both are smoothed, the drawing as much more as the pictures turn out to be, so
that blur and noise matter little. What cannot be seen, such as the tongue behind closed lips, stays
at its ordinary value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from lipkit.training.toys.drawing import draw
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import CHANNELS, INDEX, LIMITS, State

Floats = NDArray[np.float32]
Array = NDArray[Any]

LARGEST = 64  # pixels at which pictures are compared
SMOOTH = 1.0  # pixels, of both pictures
BLURS = (1.0, 1.25, 1.5, 1.9, 2.4)  # that the pictures may have after that
NOISE = 12.0  # levels by which a good drawing may differ
OUTLIER = 45.0  # levels from which a difference counts less and less
ROUNDS = 6
ENOUGH = 0.004  # share of the cost, and of an error of one level, that is worth another round
LOST = 2.0  # levels of error beyond what is usual that start a new search
FAR = 2.5  # steps from where slopes were taken at which they no longer serve
# Step of each channel for slopes, in its own unit; ordinary values spread over about four of them.
STEPS = np.array(
    [0.03, 0.03, 0.15, 0.2, 0.2, 0.25, 0.15, 0.15, 2.0, 2.0, 0.15, 2.0, 2.0, 2.0, 0.02, 0.02, 0.02]
)
SPREAD = 4.0
LOW, HIGH = np.array([LIMITS[name] for name in CHANNELS]).T
ORDINARY = State(aperture=0.12, rounding=0.1, tongue=0.3, teeth=0.8, brow=0.1).row().astype(float)
# From which states a search begins, and what may have changed since the frame before.
POSES = [
    {"yaw": yaw, "pitch": pitch, "aperture": gap}
    for yaw, pitch, gap in product((-18, 0, 18), (-10, 8), (0.03, 0.3))
]
CHANGES: list[dict[str, float]] = [
    {}, {"aperture": 0.02}, {"aperture": 0.3}, {"blink_left": 0.0, "blink_right": 0.0},
    {"blink_left": 0.9, "blink_right": 0.9}, {"gaze_x": -10.0}, {"gaze_x": 10.0},
]  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """The motion ``(f, c)`` read from pictures, and the error ``(f,)`` that is left, in levels."""

    motion: Floats
    error: Floats

    def __getitem__(self, channel: str) -> Floats:
        """One channel ``(f,)`` by name."""
        return np.asarray(self.motion[:, INDEX[channel]])


def read(
    frames: NDArray[np.uint8],
    person: int,
    *,
    known: Array | None = None,
    free: Sequence[str] = CHANNELS,
    where: Array | None = None,
) -> Reading:
    """What cartoon ``person`` does in ``frames (f, h, w, 3)`` that follow each other.

    With ``known (f, c)`` only the channels ``free`` are read, which is faster and surer where the
    rest of the picture is given, as in lip sync. ``where (f, h, w)`` says in 0..1 how much each
    pixel counts: what was not generated must not be read.
    """
    reader = Reader(person, free if known is not None else CHANNELS)
    rows, errors = [], []
    for k, frame in enumerate(frames):
        given = None if known is None else np.asarray(known[k], np.float64)
        reader.counts = None if where is None else reduced(where[k, ..., None])
        row, error = reader.next(frame, given)
        rows.append(row)
        errors.append(error)
    return Reading(np.array(rows, np.float32), np.array(errors, np.float32))


class Reader:
    """Draws one person again and again until the drawing fits the next picture."""

    def __init__(self, person: int, free: Sequence[str] = CHANNELS) -> None:
        self.person = identity(person)
        self.columns = [INDEX[name] for name in free]
        self.free = frozenset(free)
        self.blur = SMOOTH
        self.target = np.zeros((0, 0, 3), np.float32)
        self.counts: Array | None = None  # (h, w, 1) in 0..1; None: all pixels do
        self.last: Array | None = None
        self.good = np.inf  # the least error so far
        self.slopes: Array | None = None
        self.origin = ORDINARY  # where the slopes were taken

    def next(self, frame: NDArray[np.uint8], given: Array | None = None) -> tuple[Array, float]:
        """The state ``(c,)`` in the next picture, and the root mean square error in levels."""
        self.target = smoothed(reduced(frame), SMOOTH)
        base = self.last if given is None else self.rested(given)
        if base is None:
            row, error = self.search()
        else:
            row, error = self.settle(min(self.variants(base, CHANGES), key=self.cost))
            if self.last is None:
                row, error = self.sharpen(row)
            elif given is None and error > 1.4 * self.good + LOST:
                row, error = min((row, error), self.search(), key=lambda found: found[1])
        self.last, self.good = row, min(self.good, error)
        return row, error

    def search(self) -> tuple[Array, float]:
        """The state in a picture of which nothing is known."""
        starts = sorted(self.variants(ORDINARY, POSES), key=self.cost)[:2]
        row, _ = min((self.settle(start) for start in starts), key=lambda found: found[1])
        return self.sharpen(row)

    def sharpen(self, row: Array) -> tuple[Array, float]:
        """Find out how blurred the picture is, and a state that fits better for it."""

        def blurred(blur: float) -> float:
            self.blur = blur
            return self.cost(row)

        self.blur = min(BLURS, key=blurred)
        self.slopes = None
        return self.settle(min(self.variants(row, CHANGES), key=self.cost))

    def rested(self, given: Array) -> Array:
        """A given state with ordinary values, or the last ones, where it is not given."""
        row = given.copy()
        row[self.columns] = (ORDINARY if self.last is None else self.last)[self.columns]
        return row

    def variants(self, row: Array, changes: list[dict[str, float]]) -> list[Array]:
        """The state with each of some changes to free channels."""
        made = []
        for change in changes:
            if self.free.issuperset(change):
                made.append(row.copy())
                made[-1][[INDEX[name] for name in change]] = list(change.values())
        return made

    def miss(self, row: Array) -> Array:
        """Differences ``(n,)`` between the picture and the drawing of a state."""
        drawn = draw(self.person, State.of(row), (self.target.shape[0], self.target.shape[1]))
        apart = np.asarray(self.target - smoothed(drawn, self.blur))
        return apart.ravel() if self.counts is None else (apart * self.counts).ravel()

    def cost(self, row: Array, miss: Array | None = None) -> float:
        """How unlike the picture, and how unusual, a state is."""
        miss = self.miss(row) if miss is None else miss
        unlike = OUTLIER**2 * np.log1p((miss / OUTLIER) ** 2).sum() / NOISE**2
        return float(unlike + (self.odd(row) ** 2).sum())

    def odd(self, row: Array) -> Array:
        """Distance of the free channels from ordinary values, over their spread."""
        return np.asarray(((row - ORDINARY) / (SPREAD * STEPS))[self.columns])

    def settle(self, row: Array) -> tuple[Array, float]:
        """The state near ``row`` whose drawing fits best, and the root mean square error."""
        miss = self.miss(row)
        cost, damping = self.cost(row, miss), 0.01
        for _ in range(ROUNDS):
            stale = np.abs((row - self.origin) / STEPS)[self.columns].max() > 0
            if self.slopes is None or np.abs((row - self.origin) / STEPS).max() > FAR:
                self.look(row, miss)
                stale = False
            assert self.slopes is not None
            found = self.step(self.slopes, row, miss, cost, damping)
            if found is None and stale:
                self.look(row, miss)
                found = self.step(self.slopes, row, miss, cost, damping)
            if found is None:
                break
            gain = (cost - found[2]) / (cost + len(miss) / NOISE**2)
            row, miss, cost, damping = found
            if gain < ENOUGH:
                break
        return row, float(np.sqrt((miss**2).mean()))

    def step(
        self, slopes: Array, row: Array, miss: Array, cost: float, damping: float
    ) -> tuple[Array, Array, float, float] | None:
        """The next state, its misses, cost and damping; None where nothing is gained."""
        normal = slopes.T * (1 / (1 + (miss / OUTLIER) ** 2) / NOISE**2)
        curve = normal @ slopes + np.eye(len(self.columns)) / SPREAD**2
        pull = normal @ miss - self.odd(row) / SPREAD
        for _ in range(4):
            change = np.linalg.solve(curve + damping * np.diag(np.diag(curve)), pull)
            trial = row.copy()
            trial[self.columns] += change.clip(-4, 4) * STEPS[self.columns]
            trial[self.columns] = trial.clip(LOW, HIGH)[self.columns]
            missed = self.miss(trial)
            after = self.cost(trial, missed)
            if after < cost:
                return trial, missed, after, max(1e-3, damping / 10)
            damping *= 10
        return None

    def look(self, row: Array, miss: Array) -> None:
        """Take the slopes ``(n, k)`` of the drawing with a step of each free channel."""
        slopes = []
        for k in self.columns:
            step = STEPS[k] if row[k] + STEPS[k] <= HIGH[k] else -STEPS[k]
            moved = row.copy()
            moved[k] += step
            slopes.append((miss - self.miss(moved)) * np.sign(step))
        self.slopes, self.origin = np.stack(slopes, 1), row


def reduced(frame: Array) -> Array:
    """The picture ``(h, w, c)`` at no more than the size at which pictures are compared."""
    factor = -(-min(frame.shape[:2]) // LARGEST)
    if factor <= 1:
        return frame
    h, w = (side // factor * factor for side in frame.shape[:2])
    blocks = frame[:h, :w].reshape(h // factor, factor, w // factor, factor, -1)
    return np.asarray(blocks.mean((1, 3)))


def smoothed(picture: Array, blur: float) -> Floats:
    """The picture ``(h, w, 3)`` as floats, blurred."""
    sigmas = (blur, blur, 0)
    return np.asarray(gaussian_filter(picture.astype(np.float32), sigmas, mode="nearest"))
