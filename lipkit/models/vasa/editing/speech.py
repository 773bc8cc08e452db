"""A voice as mouth motion, and that motion in the range of the person who is to speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import correlate1d, maximum_filter1d

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.warp import smoothstep
from lipkit.protocols import Layout

Array = NDArray[Any]

RATE = 25  # motion frames a second
CHANNELS = ("aperture", "width", "press")
USUAL = (0.085, 0.06)  # mean and deviation of speakers' apertures in IOD
USUAL_WIDTH = 0.03  # deviation of the width
FEW = 50.0  # frames that what is usual counts for beside what is measured
LEAST = 0.02  # deviation of generated apertures under which it is noise that would be enlarged
MOST = 0.34  # aperture that lips part at most
GAIN = 0.9  # of the generated deviation over the speaker's own
WIDTH_GAIN = 0.65
SEALED = 0.03  # generated aperture under which lips close whatever the speaker's mean
CALM = (0.2, 0.6, 0.2)  # smoothing over motion frames
FASTEST = 0.055  # IOD that lips travel in a motion frame: 0.12 m a second
TOUCHING = 0.01  # aperture that smoothing must not part
PRESSED = 0.6  # of the generated press: filmed lips rolled in further lose their red
PAUSE = 6  # motion frames about an open mouth that count as speech
TAIL = 4  # motion frames in which the mouth closes after the voice's end


@dataclass(frozen=True)
class Spread:
    """Mean and deviation of aperture and width, in IOD."""

    aperture: tuple[float, float]
    width: tuple[float, float]


@dataclass(frozen=True)
class Voice:
    """Mouth motion over a voice: ``curve`` gives ``CHANNELS`` at a place in motion frames."""

    curve: PchipInterpolator
    spread: Spread
    length: int

    def at(self, times: Sequence[Fraction], fps: Fraction) -> Array:
        """Aperture, change of width, press ``(n, 3)`` in the middle of frames shown at ``times``.

        Monotone between motion frames (Fritsch and Carlson 1980): no overshoot parts closed lips.
        """
        middle = [float((t + Fraction(1, 2) / fps) * RATE - Fraction(1, 2)) for t in times]
        return np.asarray(self.curve(np.clip(middle, 0, self.length - 1)))


def speaking(motion: Array, layout: Layout) -> Array:
    """Frames ``(f,)`` of ``motion (f, c)`` in which, or close to which, the mouth is open."""
    near = maximum_filter1d(motion[:, layout.index("aperture")], 2 * PAUSE + 1)
    return np.asarray(near > SEALED)


def voice_of(motion: Array, speaks: Array, layout: Layout) -> Voice:
    """The voice of generated ``motion (f, c)``, somebody speaking in the frames ``speaks (f,)``."""
    columns = [layout.index(name) for name in CHANNELS]
    mouth = np.concatenate([motion[:, columns], np.zeros((TAIL, len(columns)))])
    calm = correlate1d(mouth, CALM, axis=0, mode="nearest")
    calm[:, 0] = _within_reach(np.where(mouth[:, 0] < TOUCHING, mouth[:, 0], calm[:, 0]))
    said = motion[speaks][:, columns]
    spread = Spread(_settled(said[:, 0], USUAL), _settled(said[:, 1], (0.0, USUAL_WIDTH)))
    curve = PchipInterpolator(np.arange(len(calm)), calm.astype(np.float64))
    return Voice(curve, spread, len(calm))


def _within_reach(aperture: Array) -> Array:
    """Apertures ``(f,)`` that lips can reach in time; closed ones stay closed."""
    out = aperture.copy()
    for away in range(1, 8):
        out[away:] = np.minimum(out[away:], aperture[:-away] + away * FASTEST)
        out[:-away] = np.minimum(out[:-away], aperture[away:] + away * FASTEST)
    return out


def _settled(values: Array, usual: tuple[float, float]) -> tuple[float, float]:
    """Mean and deviation of ``values (n,)``, drawn to the ``usual`` ones where there are few."""
    if len(values) < 2:
        return usual
    share = len(values) / (len(values) + FEW)
    own = float(np.mean(values)), float(np.std(values))
    return tuple(share * a + (1 - share) * b for a, b in zip(own, usual, strict=True))  # type: ignore[return-value]


def own_range(points: Array, rows: Array) -> Spread:
    """The speaker's own range over frames ``rows`` of ``points (f, 478, 3)``.

    A clip whose mouth hardly moves tells nothing of how its person speaks: then speakers' usual
    range stands in.
    """
    if len(rows) < 2:
        return Spread(USUAL, (0.0, USUAL_WIDTH))
    seen = points if len(rows) == len(points) else points[rows]
    aperture, width = np.clip(mesh.aperture(seen), 0, None), mesh.width(seen)
    mean, deviation = float(aperture.mean()), float(aperture.std())
    talks = smoothstep(deviation, 0.015, 0.04)
    mean = USUAL[0] + talks * (np.clip(mean, 0.05, 0.14) - USUAL[0])
    deviation = USUAL[1] + talks * (np.clip(deviation, 0.04, 0.085) - USUAL[1])
    return Spread((mean, deviation), (float(width.mean()), float(min(width.std(), 0.05))))


def spoken(motion: Array, voice: Spread, own: Spread) -> Array:
    """Generated ``motion (n, 3)`` in the speaker's ``own`` range: aperture, change of width, press.

    Deviations are carried over, closed lips stay closed.
    """
    aperture, width, press = motion.T
    z = (aperture - voice.aperture[0]) / max(voice.aperture[1], LEAST)
    opened = own.aperture[0] + GAIN * z * own.aperture[1]
    opened = np.clip(opened, 0, MOST) * smoothstep(aperture, 0.0, SEALED)
    aside = (width - voice.width[0]) / max(voice.width[1], LEAST / 2)
    wider = WIDTH_GAIN * np.clip(aside, -2.5, 2.5) * own.width[1] * smoothstep(opened, 0.0, SEALED)
    return np.stack([opened, wider, PRESSED * np.clip(press, 0, 1)], 1)
