"""What a cartoon person wears, and the wall behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipkit.training.toys.anatomy import lips_of
from lipkit.training.toys.identities import Identity
from lipkit.training.toys.shapes import Floats

if TYPE_CHECKING:
    from lipkit.training.toys.drawing import Brush

FACE, HAIR = (255.0,), (0.0, 0.0, 0.0, 0.0, 255.0)
# Behind the head, by hair style: centre and half axes over those of the skull.
BEHIND = {
    "long": ((0.0, 0.32, 0.3), (1.22, 1.35, 0.8)),
    "cloud": ((0.0, -0.32, 0.15), (1.4, 1.1, 1.1)),
    "bun": ((0.0, -1.12, 0.15), (0.42, 0.36, 0.4)),
}


def backdrop(person: Identity, size: tuple[int, int]) -> Floats:
    """The wall ``(h, w, 3)``, which stands still."""
    h, w = size
    palette, kind = person.palette, person.looks.backdrop
    x = (np.arange(w, dtype=np.float32)[None, :] + 0.5) / w
    y = (np.arange(h, dtype=np.float32)[:, None] + 0.5) / h
    sharp = np.float32(w / 8)  # edges a pixel wide
    if kind == "gradient":
        mix = 0.6 * y + 0.4 * x
    elif kind == "stripes":
        mix = (0.5 + sharp * np.sin(2 * np.pi * 4 * x) / 4).clip(0, 1)
    elif kind == "window":
        inside = np.maximum(np.abs(x - 0.2) - 0.15, np.abs(y - 0.3) - 0.22)
        mix = (0.5 - w * inside).clip(0, 1)
    elif kind == "spots":
        wave = np.sin(2 * np.pi * 3 * x) * np.sin(2 * np.pi * 3 * y)
        mix = (0.5 + sharp * (wave - 0.6) / 2).clip(0, 1)
    else:
        mix = np.zeros((h, w), np.float32)
    mix = np.broadcast_to(mix, (h, w))[..., None]
    return np.asarray(palette.backdrop * (1 - mix) + palette.backdrop2 * mix, np.float32)


def hair_behind(brush: Brush) -> None:
    """The part of the hair that the head hides."""
    looks, shape = brush.person.looks, brush.person.skull
    if looks.style not in BEHIND:
        return
    centre, k = BEHIND[looks.style]
    axes = (k[0] * shape.width, k[1] * shape.height, k[2] * 0.85)
    place = (centre[0], centre[1] * shape.height, centre[2])
    hair = brush.head.ellipsoid(place, axes)
    if window := brush.window(hair, (-1, 1), (-1, 1)):
        brush.paint(window, window.ellipse(0, 0, 1, 1), brush.person.palette.hair * 0.8, HAIR)


def clothes(brush: Brush) -> None:
    """Neck, shoulders and what covers them."""
    looks, palette = brush.person.looks, brush.person.palette
    plane = brush.head.body()
    neck = brush.window(plane, (-0.6, 0.6), (0.4, 2.2))
    if neck is not None:
        column = neck.beside(-looks.neck, looks.neck) * (1 - neck.above(0.6))
        brush.paint(neck, column, palette.skin * 0.72)
    window = brush.window(plane, (-1.6, 1.6), (1.0, 3.0))
    if window is None:
        return
    u, v = window.u, window.v
    colour = np.broadcast_to(palette.clothes, (*u.shape, 3))
    edge = 1 / float(np.hypot(*window.dv))
    if looks.pattern == "stripes":
        mix = (0.5 + edge * np.sin(2 * np.pi * v / 0.24) * 0.03).clip(0, 1)[..., None]
        colour = colour * (1 - mix) + palette.trim * mix
    elif looks.pattern == "dots":
        wave = np.sin(2 * np.pi * u / 0.3) * np.sin(2 * np.pi * v / 0.3) - 0.5
        mix = (0.5 + edge * wave * 0.06).clip(0, 1)[..., None]
        colour = colour * (1 - mix) + palette.trim * mix
    brush.paint(window, window.ellipse(0, 2.25, 1.4, 0.95), np.asarray(colour, np.float32))
    open_neck = window.ellipse(0, 1.27, looks.neck + 0.06, 0.24) * (1 - window.above(1.2))
    brush.paint(window, open_neck, palette.skin * 0.8)
    if looks.pattern == "collar":
        ring = window.ellipse(0, 1.27, looks.neck + 0.2, 0.4)
        ring = ring * (1 - window.ellipse(0, 1.27, looks.neck + 0.06, 0.24))
        brush.paint(window, ring * (1 - window.above(1.27)), palette.trim)


def beard(brush: Brush) -> None:
    """Beard and moustache leave the lips free."""
    looks, palette, head = brush.person.looks, brush.person.palette, brush.head
    if not (looks.beard or looks.moustache):
        return
    lips = lips_of(brush.person, head.state)
    if looks.beard and (window := brush.window(head.jaw, (-1.02, 1.02), (-0.4, 1.02))):
        chin = brush.over(head.mouth, window)
        line = -0.25 - 0.5 * chin.u * chin.u + 0.3 * np.exp(-((chin.u / 0.4) ** 2))
        cover = window.ellipse(0, 0, 1, 1) * (1 - chin.above(line))
        brush.paint(window, 0.92 * cover, palette.hair * 0.95, FACE)
    if looks.moustache:
        y = brush.person.mouth.y - lips.rise - lips.upper - 0.045
        window = brush.window(head.patch(0, y, 0.1), (-0.3, 0.3), (-0.1, 0.1))
        if window is not None:
            for side in (-1, 1):
                cover = window.ellipse(side * 0.13, 0.01, 0.15, 0.05)
                brush.paint(window, cover, palette.hair * 0.9, FACE)


def hair(brush: Brush) -> None:
    """The part of the hair that hides the head."""
    looks, palette, head = brush.person.looks, brush.person.palette, brush.head
    if looks.style == "bald":
        return
    shape = brush.person.skull
    k = looks.volume
    cap = head.ellipsoid((0.0, -0.04, 0.03), (k * shape.width, k * shape.height, k * 0.85))
    window = brush.window(cap, (-1, 1), (-1, 0.6))
    if window is None:
        return
    front = brush.over(head.patch(0, looks.hairline), window)
    x = front.u - looks.parting
    line = 0.42 * x * x + 0.1 * np.abs(x)
    if looks.style == "spikes":
        line = line + 0.1 * np.abs((front.u * 4) % 1 - 0.5)
    if looks.style == "cap":
        line = np.minimum(line, 0.45)
    cover = window.ellipse(0, 0, 1, 1) * front.above(line)
    shade = 1.05 + 0.2 * palette.light * front.u - 0.15 * front.v
    colour = np.asarray(palette.hair * shade.clip(0.6, 1.4)[..., None], np.float32)
    brush.paint(window, cover, colour.clip(0, 255), HAIR)


def glasses(brush: Brush) -> None:
    """Two rings and a bridge."""
    if not brush.person.looks.glasses:
        return
    eyes, colour = brush.person.eyes, brush.person.palette.glasses
    a, b, rim = eyes.width + 0.06, eyes.height + 0.1, 0.035
    for side in (-1, 1):
        patch = brush.head.patch(side * eyes.apart, 0.0, 0.1)
        if window := brush.window(patch, (-a, a), (-b, b)):
            ring = window.ellipse(0, 0, a, b)
            ring = ring * (1 - window.ellipse(0, 0, a - rim, b - rim))
            brush.paint(window, ring, colour, FACE)
    gap = max(0.02, eyes.apart - a)
    if window := brush.window(brush.head.patch(0, -0.02, 0.14), (-gap, gap), (-0.05, 0.05)):
        bar = window.beside(-gap, gap) * window.above(0.02) * (1 - window.above(-0.02))
        brush.paint(window, bar, colour, FACE)
