"""Where the face of every frame is and how its crop was cut: what makes a crop go back exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.warping import invert, transform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

SHAPES = {
    "matrix": (None, 2, 3),
    "points": (None, None, None),
    "box": (None, 4),
    "score": (None,),
    "valid": (None,),
    "shot": (None,),
    "ticks": (None,),
}


@dataclass(frozen=True, eq=False)
class Geometry:
    """One face through a video, frame by frame.

    ``matrix (f, 2, 3)`` maps source pixels to crop pixels, pixel centres on integers. ``points``
    ``(f, k, 2|3)`` and ``box (f, 4)`` are in source pixels, ``score (f,)`` in 0..1. ``valid (f,)``
    says where a face is; elsewhere the other rows repeat a neighbour's. ``shot (f,)`` counts scene
    cuts. Frame ``i`` is shown at ``ticks[i] * time_base`` seconds.
    """

    matrix: Array
    points: Array
    box: Array
    score: Array
    valid: Array
    shot: Array
    ticks: Array
    time_base: Fraction
    fps: Fraction
    size: tuple[int, int]  # of the crops, width and height
    frame_size: tuple[int, int]  # of the source as shown
    scheme: str  # landmark numbering
    template: str
    tracker: str = ""
    source: str = ""  # SHA-256 of the source file
    rotation: int = 0  # degrees that the source's player turns its pictures
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def times(self) -> list[Fraction]:
        """When each frame is shown, in seconds."""
        return [int(tick) * self.time_base for tick in self.ticks]

    @property
    def crop_points(self) -> Array:
        """The landmarks ``(f, k, 2|3)`` in crop pixels."""
        return transform(self.points, self.matrix)

    @property
    def inverse(self) -> Array:
        """Crop-to-source matrices ``(f, 2, 3)``."""
        return invert(self.matrix)

    def slice(self, start: int, end: int) -> Geometry:
        """The frames ``start`` to ``end`` (excluded)."""
        rows = {name: getattr(self, name)[start:end] for name in SHAPES}
        return replace(self, **rows)

    def to_tensors(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and JSON header of the clip's attachment."""
        tensors: dict[str, Array] = {
            "matrix": np.asarray(self.matrix, np.float64),
            "points": np.asarray(self.points, np.float32),
            "box": np.asarray(self.box, np.float32),
            "score": np.asarray(self.score, np.float32),
            "valid": np.asarray(self.valid, np.bool_),
            "shot": np.asarray(self.shot, np.int32),
            "ticks": np.asarray(self.ticks, np.int64),
        }
        header: dict[str, Any] = {
            "time_base": str(self.time_base),
            "fps": str(self.fps),
            "size": list(self.size),
            "frame_size": list(self.frame_size),
            "scheme": self.scheme,
            "template": self.template,
            "tracker": self.tracker,
            "source": self.source,
            "rotation": self.rotation,
            "notes": list(self.notes),
        }
        return tensors, header

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array], header: Mapping[str, Any]) -> Geometry:
        """The geometry of a clip's attachment; BadInput where parts are missing or do not fit."""
        check_shapes(tensors)
        values: dict[str, Any] = {name: tensors[name] for name in SHAPES}
        known = {item.name for item in fields(cls)}
        plain = {k: v for k, v in header.items() if k in known}
        try:
            plain["time_base"] = Fraction(plain["time_base"])
            plain["fps"] = Fraction(plain["fps"])
            for name in ("size", "frame_size"):
                w, h = plain[name]
                plain[name] = (int(w), int(h))
            plain["notes"] = tuple(str(note) for note in plain.get("notes", ()))
            return cls(**values, **plain)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as fault:
            raise BadInput(
                f"geometry header is damaged ({fault})", hint="run align again"
            ) from None


def check_shapes(tensors: Mapping[str, Array]) -> None:
    """Refuse a set of tensors that lacks a part or whose parts differ in length."""
    lengths = set()
    for name, shape in SHAPES.items():
        if name not in tensors:
            raise BadInput(f"geometry lacks {name!r}", hint="run align again")
        found = tensors[name].shape
        fits = len(found) == len(shape)
        fits = fits and all(w is None or w == n for w, n in zip(shape, found, strict=True))
        if not fits:
            raise BadInput(f"geometry's {name!r} has shape {found}", hint="run align again")
        lengths.add(found[0])
    if len(lengths) > 1:
        raise BadInput(
            f"geometry's parts have different lengths: {sorted(lengths)}", hint="run align again"
        )


def ticks(times: Sequence[Fraction]) -> tuple[Array, Fraction]:
    """Exact times as whole multiples ``(f,)`` of a common time base in seconds."""
    base = math.lcm(*(time.denominator for time in times)) if times else 1
    return np.array([int(time * base) for time in times], np.int64), Fraction(1, base)


def similarity(source: Array, target: Array, weights: Array | None = None) -> Array:
    """Least-squares turn, zoom and shift ``(..., 2, 3)`` of points ``(..., k, 2)`` onto others.

    Umeyama (PAMI 1991), eq. 40-42, in closed form for the plane, without reflection. ``weights
    (k,)`` say how much each point counts.
    """
    w = np.ones(source.shape[-2]) if weights is None else np.asarray(weights, np.float64)
    w = (w / w.sum())[:, None]
    from_centre = (source * w).sum(-2, keepdims=True)
    to_centre = (target * w).sum(-2, keepdims=True)
    p, q = source - from_centre, target - to_centre
    spread = np.maximum((w * p**2).sum((-2, -1)), 1e-12)
    cosine = (w * p * q).sum((-2, -1)) / spread
    sine = (w[:, 0] * (p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0])).sum(-1) / spread
    linear = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    shift = np.swapaxes(to_centre, -1, -2) - linear @ np.swapaxes(from_centre, -1, -2)
    return np.concatenate([linear, shift], -1)
