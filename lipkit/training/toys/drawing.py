"""Draws a cartoon person in a state, smoothly, at any size."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.training.toys import dress
from lipkit.training.toys.anatomy import Head, lids_of, lips_of
from lipkit.training.toys.identities import Identity, identity
from lipkit.training.toys.motion import State
from lipkit.training.toys.shapes import Canvas, Floats, Patch, Window

Array = NDArray[Any]

LABELS = ("face", "lips", "mouth", "eyes", "hair")
FACE, LIPS, MOUTH, EYES = (255.0,), (255.0, 255.0), (255.0, 255.0, 255.0), (255.0, 0, 0, 255.0)
WHITE = np.array([250, 250, 246], np.float32)
INSIDE = np.array([74, 12, 26], np.float32)
TONGUE = np.array([214, 92, 104], np.float32)
PUPIL = np.array([16, 14, 18], np.float32)


def draw(person: Identity, state: State, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture ``(h, w, 3)``."""
    return _finished(_painted(person, state, size, 3))


def draw_labelled(
    person: Identity, state: State, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture ``(h, w, 3)`` and how much of each pixel is of each of ``LABELS`` ``(h, w, 5)``.

    ``face`` is what of head and ears can be seen, lips, mouth and eyes included; ``lips`` are the
    lips and what is between them, ``mouth`` is what is between them.
    """
    pixels = _finished(_painted(person, state, size, 3 + len(LABELS)))
    return pixels[..., :3], pixels[..., 3:]


def draw_frames(number: int, motion: Array, size: int) -> NDArray[np.uint8]:
    """Square pictures ``(f, size, size, 3)`` of person ``number`` under ``motion (f, c)``."""
    person = identity(number)
    frames = np.empty((len(motion), size, size, 3), np.uint8)
    for row, frame in zip(motion, frames, strict=True):
        frame[:] = draw(person, State.of(row), (size, size))
    return frames


def _finished(pixels: Floats) -> NDArray[np.uint8]:
    return np.asarray((pixels + 0.5).clip(0, 255), np.uint8)


def _painted(person: Identity, state: State, size: tuple[int, int], channels: int) -> Floats:
    canvas = Canvas(_backdrop(person.number, size, channels).copy())
    head = Head(person, state, size)
    brush = Brush(canvas, head)
    dress.hair_behind(brush)
    dress.clothes(brush)
    skin(brush)
    dress.beard(brush)
    for side in (-1, 1):
        eye(brush, side)
        brow(brush, side)
    nose(brush)
    mouth(brush)
    dress.hair(brush)
    dress.glasses(brush)
    return canvas.pixels


@lru_cache(maxsize=64)
def _backdrop(number: int, size: tuple[int, int], channels: int) -> Floats:
    pixels = np.zeros((*size, channels), np.float32)
    pixels[..., :3] = dress.backdrop(identity(number), size)
    return pixels


class Brush:
    """Paints on a canvas in the patches of a head."""

    def __init__(self, canvas: Canvas, head: Head) -> None:
        self.canvas, self.head = canvas, head
        self.person = head.person
        self.channels = canvas.pixels.shape[-1]

    def window(self, patch: Patch, u: tuple[float, float], v: tuple[float, float]) -> Window | None:
        """The pixels that a range of a patch touches."""
        return patch.window(self.canvas.size, u, v)

    def over(self, patch: Patch, window: Window) -> Window:
        """The pixels of a window, seen in another patch."""
        return patch.over(self.canvas.size, window.rows, window.columns)

    def paint(
        self, window: Window, coverage: Array, colour: Array, labels: tuple[float, ...] = ()
    ) -> None:
        """Lay a colour ``(3,)`` or ``(h, w, 3)`` over part of a window, with its labels."""
        if self.channels > 3:
            marks = np.zeros((*colour.shape[:-1], len(LABELS)), np.float32)
            marks[..., : len(labels)] = labels
            colour = np.concatenate([colour, marks], -1)
        self.canvas.paint(window, coverage, colour)


def skin(brush: Brush) -> None:
    """Ears, skull and jaw, lit from one side."""
    head, shape, palette = brush.head, brush.person.skull, brush.person.palette
    for side in (-1, 1):
        ear = head.ellipsoid((side * shape.width, 0.08, 0.1), (shape.ears, 0.2, shape.ears))
        if window := brush.window(ear, (-1, 1), (-1, 1)):
            brush.paint(window, window.ellipse(0, 0, 1, 1), palette.skin * 0.9, FACE)
    window = brush.window(head.skull, (-1.05, 1.05), (-1.05, 1.9))
    if window is None:
        return
    skull = window.ellipse(0, 0, 1, 1)
    jaw = brush.over(head.jaw, window).ellipse(0, 0, 1, 1)
    front = brush.over(head.patch(0, 0), window)
    shade = 1 + 0.16 * palette.light * front.u.clip(-1, 1) - 0.07 * front.v.clip(-1, 1.4)
    colour = palette.skin * shade[..., None]
    brush.paint(window, 1 - (1 - skull) * (1 - jaw), colour, FACE)


def eye(brush: Brush, side: int) -> None:
    """White, iris, pupil, a gleam, and the lids before them."""
    state, eyes, palette = brush.head.state, brush.person.eyes, brush.person.palette
    lids = lids_of(brush.person, state.blink_left if side < 0 else state.blink_right, side)
    reach = 1.05 * eyes.width
    window = brush.window(brush.head.eye(side), (-reach, reach), (-reach, reach))
    if window is None:
        return
    u = window.u
    brim, top = lids.curve(u, lids.open_top), lids.curve(u, lids.top)
    bottom = lids.curve(u, lids.bottom)
    within = window.beside(-reach, reach)
    shadow = window.between(brim - 0.02, top) * within
    brush.paint(window, shadow, palette.skin * 0.78, FACE)
    opened = window.between(top, bottom)
    brush.paint(window, opened, WHITE, EYES)
    x, y = brush.head.gaze_place(side)
    iris = window.ellipse(x, y, eyes.iris, eyes.iris) * opened
    brush.paint(window, iris, palette.iris, EYES)
    small = 0.5 * eyes.iris
    brush.paint(window, window.ellipse(x, y, small, small) * opened, PUPIL, EYES)
    gleam = window.ellipse(x - 0.4 * small, y - 0.6 * small, 0.5 * small, 0.5 * small)
    brush.paint(window, gleam * opened, WHITE, EYES)
    lash = window.between(top - 0.035, top + 0.005) * within
    brush.paint(window, lash, palette.brows * 0.6, FACE)


def brow(brush: Brush, side: int) -> None:
    """A curved stroke."""
    eyes = brush.person.eyes
    reach = 1.15 * eyes.width
    window = brush.window(brush.head.brow(side), (-reach, reach), (-0.25, 0.25))
    if window is None:
        return
    middle = brush.head.brow_curve(window.u, side)
    stroke = window.between(middle - eyes.brow_width, middle + eyes.brow_width)
    brush.paint(window, stroke * window.beside(-reach, reach), brush.person.palette.brows, FACE)


def nose(brush: Brush) -> None:
    """A shape that stands out from the face: where it points, the head is turned."""
    looks, palette = brush.person.looks, brush.person.palette
    k = looks.nose_size
    a, b = {"round": (0.13, 0.12), "long": (0.1, 0.2), "wide": (0.18, 0.1)}[looks.nose]
    root = brush.window(brush.head.patch(0, 0.12, 0.08), (-0.1, 0.1), (-0.2, 0.2))
    if root is not None:
        brush.paint(root, 0.5 * root.ellipse(0, 0, 0.055 * k, 0.19), palette.skin * 0.9, FACE)
    tip = brush.head.patch(0, 0.33 - b * k, 0.2)
    window = brush.window(tip, (-a * k, a * k), (-b * k, b * k))
    if window is None:
        return
    brush.paint(window, window.ellipse(0, 0, a * k, b * k), palette.skin * 0.8, FACE)
    lit = window.ellipse(-0.2 * a * k, -0.25 * b * k, 0.5 * a * k, 0.5 * b * k)
    brush.paint(window, 0.6 * lit, (palette.skin * 1.1).clip(0, 255), FACE)


def mouth(brush: Brush) -> None:
    """Lips, and between them the dark, the tongue and the teeth."""
    state, palette = brush.head.state, brush.person.palette
    lips = lips_of(brush.person, state)
    reach = lips.half + 0.02
    depth = lips.drop + lips.lower + 0.1
    window = brush.window(brush.head.mouth, (-reach, reach), (-lips.rise - lips.upper - 0.1, depth))
    if window is None:
        return
    u = window.u
    outer_top, outer_bottom = lips.outside(u)
    brush.paint(window, window.between(outer_top, outer_bottom), palette.lips, LIPS)
    top, bottom = lips.inside(u)
    seam = np.minimum(0.012, 0.05 * lips.arch(u, lips.half))
    middle = (top + bottom) / 2
    brush.paint(window, window.between(middle - seam, middle + seam), palette.lips * 0.45, LIPS)
    opening = window.between(top, bottom)
    brush.paint(window, opening, INSIDE, MOUTH)
    gap = lips.rise + lips.drop
    raised = lips.drop + 0.1 * gap - 0.35 * gap * state.tongue
    tongue = window.ellipse(0, raised, 0.62 * lips.inner, 1e-3 + 0.45 * gap)
    brush.paint(window, tongue * opening, TONGUE, MOUTH)
    teeth = window.between(top, np.minimum(bottom, top + min(0.09, 0.4 * gap) * state.teeth))
    brush.paint(window, teeth * window.beside(-lips.inner, lips.inner), WHITE, MOUTH)
