"""What a talking head does besides its mouth: pose, blinks, gaze and brows, made by programs.

Statistics are those of real talkers at 25 frames a second: per clip a standard deviation of the
yaw of 3 to 10 degrees, of the pitch of 3 to 6, of the roll of 2 to 6, of which these gestures keep
to the lower half; 15 to 20 blinks a minute, more of them where a phrase ends; fixations of half a
second to three, ended by saccades that take one or two frames. Signs are those of the mesh codec's
layout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Speaking:
    """What gestures follow, one value a frame.

    ``activity (f,)`` is 1 where somebody speaks, ``accent (f,)`` the prominence of a syllable at
    its centre and zero elsewhere, ``ends (f,)`` true where a phrase has just ended.
    """

    activity: Floats
    accent: Floats
    ends: NDArray[np.bool_]


@dataclass(frozen=True)
class PoseStatistics:
    """Standard deviations of a talking head: degrees, IOD, and zoom."""

    yaw: float = 4.8
    pitch: float = 5.0
    roll: float = 3.1
    x: float = 0.030
    y: float = 0.022
    scale: float = 0.012


SLOW, QUICK = 26.0, 8.0  # frames: how long a posture and a movement within it last
CALM = 0.35  # share of the quick movement that stays while nobody speaks
# Closing takes two frames, opening four; the lids are shut on one or two.
BLINKS = ((0.4, 0.95, 1.0, 0.72, 0.4, 0.15), (0.25, 0.8, 1.0, 0.95, 0.6, 0.32, 0.1))


def smooth_noise(frames: int, sigma: float, rng: Rng) -> Floats:
    """Gaussian noise of unit variance, smoothed over ``sigma`` frames."""
    margin = int(4 * sigma)
    noise = gaussian_filter1d(rng.standard_normal(frames + 2 * margin), sigma)
    unit = noise[margin : margin + frames] * np.sqrt(2 * np.sqrt(np.pi) * sigma)
    return np.asarray(unit, np.float32)


def bumps(strength: Floats, rise: float, fall: float) -> Floats:
    """A rounded bump for every impulse: ``rise`` frames up to its peak, ``fall`` frames down."""
    reach = int(4 * max(rise, fall))
    t = np.arange(-reach, reach + 1)
    shape = np.exp(-((t / np.where(t < 0, rise, fall)) ** 2))
    return np.asarray(np.convolve(strength, shape, "same")[: len(strength)], np.float32)


def head(speaking: Speaking, rng: Rng, statistics: PoseStatistics | None = None) -> Floats:
    """Yaw, pitch, roll, x, y and scale ``(f, 6)``: postures, movement while speaking, nods."""
    sd = statistics or PoseStatistics()
    frames = len(speaking.activity)
    lively = CALM + (1 - CALM) * gaussian_filter1d(speaking.activity, 8)

    def wander(quick: float = 0.6) -> Floats:
        slow = np.sqrt(1 - quick**2) * smooth_noise(frames, SLOW, rng)
        return np.asarray(slow + quick * lively * smooth_noise(frames, QUICK, rng), np.float32)

    nods = bumps(_chosen(speaking.accent, 0.5, rng), 4.0, 6.5)
    turns = bumps(_chosen(speaking.accent, 0.25, rng, signed=True), 5.0, 9.0)
    yaw = 0.9 * wander() + 0.45 * turns
    pitch = 0.8 * wander() + 0.55 * (nods - nods.mean())
    roll = 0.35 * yaw + 0.85 * wander() + 0.25 * turns
    x = -0.55 * yaw + 0.8 * wander(0.4)  # positive yaw turns the nose to image-left
    y = 0.5 * pitch + 0.8 * wander(0.4)
    scale = wander(0.3) + 0.2 * nods
    return np.stack(
        [sd.yaw * yaw, sd.pitch * pitch, sd.roll * roll, sd.x * x, sd.y * y, sd.scale * scale], 1
    ).astype(np.float32)


def _chosen(accent: Floats, share: float, rng: Rng, *, signed: bool = False) -> Floats:
    """The accents that a gesture goes with, of random strength; the strongest more often."""
    taken = rng.random(len(accent)) < np.minimum(1, share * 2 * accent)
    strength = accent * taken * rng.uniform(0.5, 1.5, len(accent))
    if signed:
        strength = strength * rng.choice((-1.0, 1.0), len(accent))
    return np.asarray(strength, np.float32)


def blinks(speaking: Speaking, rng: Rng) -> Floats:
    """Closure of both lids ``(f,)``, 0 to 1: gamma-distributed pauses, cut short by phrase ends."""
    frames = len(speaking.activity)
    lids = np.zeros(frames, np.float32)
    due = rng.uniform(5, 80)
    last = -100.0
    for frame in range(frames):
        ended = speaking.ends[frame] and frame - last > 25 and rng.random() < 0.35
        if frame < due and not ended:
            continue
        shape = np.array(BLINKS[rng.integers(len(BLINKS))]) * rng.uniform(0.92, 1.0)
        stop = min(frames, frame + len(shape))
        lids[frame:stop] = np.maximum(lids[frame:stop], shape[: stop - frame])
        twice = rng.random() < 0.06  # a double blink
        last = frame
        due = frame + (rng.uniform(8, 11) if twice else np.clip(rng.gamma(3.2, 28), 20, 250))
    return lids


def gaze(pose: Floats, rng: Rng) -> Floats:
    """Turn of the eyes ``(f, 2)`` in degrees: fixations near the viewer, which survive head turns.

    The vestibulo-ocular reflex takes back most of the head's own turn.
    """
    frames = len(pose)
    target = np.zeros((frames, 2), np.float32)
    frame = 0
    while frame < frames:
        away = rng.random() < 0.12
        spread = (6.0, 3.0) if away else (1.3, 0.8)
        hold = rng.uniform(8, 25) if away else np.clip(rng.gamma(2.2, 16), 8, 110)
        target[frame : frame + int(hold)] = rng.standard_normal(2) * spread
        frame += int(hold)
    moved = 0.65 * target + 0.35 * np.vstack([target[:1], target[:-1]])  # a saccade takes 40-80 ms
    reflex = np.stack([0.7 * pose[:, 0], -0.7 * pose[:, 1]], 1)
    return np.asarray((moved + reflex).clip(-14, 14), np.float32)


def brows(speaking: Speaking, rng: Rng) -> Floats:
    """Raised brows ``(f,)``, 0 to 1: with some accents, and slow changes."""
    raised = bumps(_chosen(speaking.accent, 0.22, rng), 4.5, 8.0)
    slow = 0.06 + 0.05 * smooth_noise(len(raised), 40.0, rng)
    return np.asarray((0.45 * raised + slow).clip(0, 1), np.float32)
