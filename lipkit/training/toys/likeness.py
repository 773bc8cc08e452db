"""Tells cartoon people apart in pictures: whose drawing is most like the head that is seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.training.toys.drawing import LABELS, draw_labelled
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import State
from lipkit.training.toys.reading import (
    ORDINARY,
    OUTLIER,
    POSES,
    Reader,
    reduced,
    smoothed,
)

Floats = NDArray[np.float32]
Array = NDArray[Any]

HEAD = [LABELS.index("face"), LABELS.index("hair")]
SHORTLIST = 4
ROUGH = 2.5  # pixels of blur for the first look, in which poses are only nearly right


def nearest(frame: NDArray[np.uint8], people: Sequence[int]) -> int:
    """Which of ``people`` the picture ``(h, w, 3)`` shows, going by the head alone."""
    picture = reduced(frame)
    h, w = picture.shape[:2]
    soft = smoothed(picture, ROUGH)

    def roughly(person: int) -> float:
        drawn, heads = _poses(person, (h, w))
        return float(min(_unlike(soft, d, m) for d, m in zip(drawn, heads, strict=True)))

    chosen = sorted(people, key=roughly)[:SHORTLIST]
    return min(chosen, key=lambda person: unlikeness(frame, person))


def unlikeness(frame: NDArray[np.uint8], person: int) -> float:
    """How far the head in a picture ``(h, w, 3)`` is from that person's, in levels."""
    reader = Reader(person)
    row, _ = reader.next(frame)
    h, w = reader.target.shape[:2]
    drawn, labels = draw_labelled(identity(person), State.of(row), (h, w))
    return _unlike(reader.target, smoothed(drawn, reader.blur), _head(labels))


def _unlike(picture: Array, drawn: Array, head: Array) -> float:
    """Robust root mean square of the differences inside a mask ``(h, w)``."""
    apart = OUTLIER**2 * np.log1p(((picture - drawn) / OUTLIER) ** 2).mean(-1)
    return float(np.sqrt((apart * head).sum() / max(1e-6, float(head.sum()))))


def _head(labels: NDArray[np.uint8]) -> Floats:
    return np.asarray(labels[..., HEAD].max(-1) / 255, np.float32)


@lru_cache(maxsize=512)
def _poses(person: int, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Drawings ``(n, h, w, 3)`` of a person in a few poses, and where the head is in them."""
    who, drawn, heads = identity(person), [], []
    for pose in POSES:
        row = State(**{**vars(State.of(ORDINARY)), **pose})
        picture, labels = draw_labelled(who, row, size)
        drawn.append(smoothed(picture, ROUGH))
        heads.append(_head(labels))
    return np.stack(drawn), np.stack(heads)
