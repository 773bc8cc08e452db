"""What EMO trains on: a person's frames, another one of them, where the face is, what is heard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.errors import BadInput
from lipkit.faces import hallo, mesh
from lipkit.metrics.identity import aligned, alignment
from lipkit.models.emo.config import ModelConfig
from lipkit.models.emo.hearing import encoder_of, framed
from lipkit.models.emo.performing import recogniser
from lipkit.training.clips import ClipFootage
from lipkit.training.data import Footage
from lipkit.training.toys.motion import INDEX

Array = NDArray[Any]

KEPT = 512  # takes whose sound, boxes and small pictures stay in memory
SMALL = 1 << 19  # bytes of pictures up to which a take is kept whole
TRIES = 1000
MOVING = ("square", "latentsync")  # templates that follow the head, so that it seems to stand still
ANGLES = [INDEX[name] for name in ("yaw", "pitch", "roll")]


@dataclass(frozen=True)
class Place:
    """Where a batch's row is from: a take, its first frame, and a frame to refer to."""

    take: Footage
    start: int
    reference: int


def places(
    takes: Sequence[Footage],
    rng: np.random.Generator,
    form: ModelConfig,
    frames: int,
    *,
    before: int = 0,
    apart: int = 1,
) -> Iterator[Place]:
    """Stretches of ``frames`` that show a face, for ever, ``before`` of them ahead of the start.

    The frame to refer to is at least ``apart`` frames away, or another one where the take is short.
    Takes without such a stretch are passed over; BadInput if none is found.
    """
    vain = 0
    while vain < TRIES:
        take = takes[int(rng.integers(len(takes)))]
        require(take, form)
        count = before + frames
        shown = np.concatenate([[0], np.cumsum(take.valid)])
        starts = np.flatnonzero(shown[count:] - shown[:-count] == count) + before
        if not len(starts):
            vain += 1
            continue
        vain = 0
        start = int(rng.choice(starts))
        seen = np.flatnonzero(take.valid)
        away = np.maximum(start - seen, seen - (start + frames - 1))
        far = next((seen[away >= k] for k in (apart, 1) if (away >= k).any()), seen)
        yield Place(take, start, int(rng.choice(far)))
    raise BadInput(f"no {count} frames with a face in a row, in {TRIES} tries")


def require(take: Footage, form: ModelConfig) -> None:
    """Refuse takes of another frame rate, and crops that hide how the head moves."""
    if take.fps != form.fps:
        raise BadInput(
            f"{take.name}: {float(take.fps):g} frames a second, the model has {form.fps}",
            hint=f"before lipkit align: ffmpeg -i IN -r {form.fps} OUT",
        )
    if isinstance(take, ClipFootage) and take.geometry.template in MOVING:
        raise BadInput(
            f"{take.name}: crops of --template {take.geometry.template} move with the head",
            hint="lipkit align --template portrait",
        )


def shown(take: Footage, start: int, stop: int, side: int) -> Tensor:
    """Frames ``(f, 3, side, side)`` uint8."""
    small = len(take) * side * side * 3 <= SMALL
    frames = _whole(take, side)[start:stop] if small else _fitted(take.pictures(start, stop), side)
    return torch.from_numpy(frames).movedim(-1, 1).contiguous()


@lru_cache(KEPT)
def _whole(take: Footage, side: int) -> Array:
    return _fitted(take.pictures(0, len(take)), side)


def _fitted(pictures: Array, side: int) -> Array:
    if pictures.shape[1:3] == (side, side):
        return pictures
    way = cv2.INTER_AREA if pictures.shape[1] > side else cv2.INTER_CUBIC
    return np.stack([cv2.resize(each, (side, side), interpolation=way) for each in pictures])


@lru_cache(KEPT)
def boxes(take: Footage, side: int) -> tuple[Array, Array]:
    """Face and lips ``(side, side)`` uint8, filled: the boxes around all that they take up.

    Of a whole take, in pictures of that size.
    """
    height, width = take.pictures(0, 1).shape[1:3]
    points = take.points[take.valid][..., :2] * (side / width, side / height)
    size = (side, side)

    def around(part: Array) -> Array:
        each = (hallo.enlarged(hallo.box(frame), size, 1) for frame in part)
        return hallo.bounding(np.stack([hallo.filled(sides, size) for sides in each]))

    face, lips = map(around, hallo.parts(points, take.scheme))
    return face, lips


@lru_cache(KEPT)
def soft_masks(take: Footage, form: ModelConfig) -> Array:
    """The masks ``(3, n)`` in 0..1 of what sound may move; the levels of a UNet in a row."""
    levels = hallo.soft(*boxes(take, form.resolution)).levels(form.side, len(form.unet.widths))
    return np.stack([np.concatenate(part, 1)[0] for part in levels])


@lru_cache(KEPT)
def embedding(take: Footage) -> Array:
    """The identity ``(d,)`` of the first face of a take, by InsightFace's network."""
    first = int(np.flatnonzero(take.valid)[0])
    picture = take.pictures(first, first + 1)[0]
    return recogniser().embed(aligned(picture, alignment(take.points[first], take.scheme)))


@lru_cache(KEPT)
def heard(take: Footage, form: ModelConfig) -> Array:
    """What each frame of a take hears ``(f, l, d)``; the end repeats where the sound is short."""
    encoder = encoder_of(form.hearing, Fraction(form.fps))
    rows = list(framed(encoder.stream(lambda: [take.wave]), form.hearing.layers))
    if not rows:
        raise BadInput(f"{take.name}: too short to hear anything in it")
    found = np.concatenate(rows)[: len(take)]
    return np.concatenate([found, np.repeat(found[-1:], len(take) - len(found), 0)])


def windows(take: Footage, form: ModelConfig, start: int, stop: int) -> Array:
    """What frames hear with their neighbours ``(f, w, l, d)``, ends held."""
    rows = heard(take, form)
    margin = form.hearing.margin
    steps = np.arange(start, stop)[:, None] + np.arange(-margin, margin + 1)
    return np.asarray(rows[steps.clip(0, len(rows) - 1)])


@lru_cache(KEPT)
def velocity(take: Footage) -> Array:
    """How fast the head turns ``(f,)``, in degrees from the frame before.

    As is known of cartoons; of others by the face mesh. BadInput for other landmarks, which are
    flat.
    """
    if "motion" in take.truth:
        turns = mesh.rotation(take.truth["motion"][:, ANGLES])
    elif take.scheme == "mediapipe478":
        turns = mesh.face_frame(take.points).rotation
    else:
        hint = "lipkit align --tracker mediapipe"
        raise BadInput(f"{take.name}: {take.scheme} tells no turns of the head", hint=hint)
    return turned(turns)


def turned(rotations: Array) -> Array:
    """Angles ``(f,)`` in degrees from each of ``rotations (f, 3, 3)`` to the next; the first twice.

    Frames without a face, of which rotations are no numbers, turn by none.
    """
    steps = np.swapaxes(rotations[:-1], -1, -2) @ rotations[1:]
    cosines = (np.trace(steps, axis1=-2, axis2=-1) - 1) / 2
    angles = np.degrees(np.arccos(np.nan_to_num(cosines, nan=1.0).clip(-1, 1)))
    first = angles[:1] if len(angles) else np.zeros(1)
    return np.concatenate([first, angles]).astype(np.float32)


def portraits(found: Sequence[Place], form: ModelConfig, frames: int) -> dict[str, Tensor]:
    """What stage 1 learns from, a row a place.

    ``target (b, f, 3, r, r)`` and ``reference (b, 1, 3, r, r)`` uint8, ``face`` and ``lips
    (b, r, r)`` uint8 where they are, and ``embedding (b, d)`` where the model knows faces.
    """
    side = form.resolution
    rows: dict[str, list[Any]] = {"target": [], "reference": [], "face": [], "lips": []}
    for place in found:
        take, start, reference = place.take, place.start, place.reference
        rows["target"].append(shown(take, start, start + frames, side))
        rows["reference"].append(shown(take, reference, reference + 1, side))
        for name, box in zip(("face", "lips"), boxes(take, side), strict=True):
            rows[name].append(torch.from_numpy(box))
        if form.identity.source == "insightface":
            rows.setdefault("embedding", []).append(torch.from_numpy(embedding(take)))
    return {name: torch.stack(items) for name, items in rows.items()}


def clips(found: Sequence[Place], form: ModelConfig, frames: int) -> dict[str, Tensor]:
    """What later stages learn from, beside what `portraits` has.

    ``past (b, n, 3, r, r)`` uint8, the frames before; ``heard (b, f, w, l, d)``. Where parts of the
    face hear apart, ``masks (b, 3, m)``; where the model knows speeds, ``velocity (b, f)``.
    """
    rows: dict[str, list[Any]] = {"past": [], "heard": []}
    for place in found:
        take, start, stop = place.take, place.start, place.start + frames
        rows["past"].append(shown(take, start - form.carried, start, form.resolution))
        rows["heard"].append(torch.from_numpy(windows(take, form, start, stop)))
        if form.hearing.block == "hierarchical":
            rows.setdefault("masks", []).append(torch.from_numpy(soft_masks(take, form)))
        if form.speed.buckets:
            turns = torch.from_numpy(velocity(take)[start:stop])
            rows.setdefault("velocity", []).append(turns)
    return portraits(found, form, frames) | {n: torch.stack(items) for n, items in rows.items()}
