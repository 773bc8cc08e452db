"""The motion of a cartoon that says something: lips by what is said, the rest by gestures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lipkit.training.toys.motion import CHANNELS, FPS, INDEX, LIPS, POSE
from lipkit.training.voices import gestures
from lipkit.training.voices.excerpts import marked
from lipkit.training.voices.motion import rest
from lipkit.training.voices.visemes import NAMES, SEAL, Segment, activations

Floats = NDArray[np.float32]
Rng = np.random.Generator

# Aperture and change of width (IOD), rounding, tongue and teeth of each class of phones. Cartoons
# move their mouths twice as far as people do.
SHAPES = {
    "pause_short": (0.06, 0.0, 0.0, 0.0, 0.6), "pause_start": (0.05, 0.0, 0.0, 0.0, 0.6),
    "pause_mid": (0.0, 0.0, 0.0, 0.0, 0.5), "pause_end": (0.05, 0.0, 0.0, 0.0, 0.6),
    "a": (0.44, 0.0, 0.0, 0.0, 1.0), "ʌ": (0.32, -0.02, 0.0, 0.0, 0.9),
    "e": (0.28, 0.06, 0.0, 0.2, 1.0), "ɪ": (0.16, 0.08, 0.0, 0.4, 1.0),
    "i": (0.13, 0.12, 0.0, 0.5, 1.0), "ə": (0.2, 0.0, 0.0, 0.1, 0.9),
    "o": (0.26, -0.16, 0.9, 0.0, 0.3), "u": (0.11, -0.22, 1.0, 0.0, 0.0),
    "mbp": (0.0, -0.03, 0.0, 0.0, 0.0), "fv": (0.035, 0.0, 0.0, 0.0, 1.0),
    "θ": (0.09, 0.02, 0.0, 1.0, 1.0), "t": (0.11, 0.02, 0.0, 1.0, 1.0),
    "s": (0.08, 0.06, 0.0, 0.2, 1.0), "l": (0.14, 0.0, 0.0, 1.0, 0.8),
    "r": (0.1, -0.08, 0.4, 0.3, 0.6), "ʃ": (0.11, -0.1, 0.7, 0.1, 1.0),
    "k": (0.14, 0.02, 0.0, 0.0, 0.8), "j": (0.11, 0.08, 0.0, 0.5, 1.0),
    "w": (0.05, -0.22, 1.0, 0.0, 0.0),
}  # fmt: skip
TABLE = np.array([SHAPES[name] for name in NAMES], np.float32)
POSTURE = gestures.PoseStatistics(yaw=8.0, pitch=5.0, roll=4.5, x=0.04, y=0.03, scale=0.02)
LIVELY = (0.35, 1.8)  # range of how much one take moves, over the ordinary
GAZE, DISTANCE = (6.0, 3.0), 0.07  # spread of a take's main gaze in degrees, and of its zoom


def lips(segments: list[Segment], frames: int) -> Floats:
    """Aperture, width, rounding, tongue and teeth ``(f, 5)``: a function of the phones alone."""
    classes = activations(segments, frames, FPS)
    silent = marked(segments, frames, FPS)[1]
    resting = rest(silent, fps=FPS)[:, None]
    shape = classes @ TABLE
    shape[:, :3] *= 1 - resting
    pressed = ((classes[:, SEAL] - 0.3) / 0.35).clip(0, 1)
    shape[:, 0] *= 1 - pressed
    return np.asarray(shape, np.float32)


def perform(segments: list[Segment], frames: int, rng: Rng) -> Floats:
    """Motion ``(f, c)`` of a take of the phones, in the order of ``CHANNELS``."""
    motion = np.zeros((frames, len(CHANNELS)), np.float32)
    motion[:, [INDEX[name] for name in LIPS]] = lips(segments, frames)
    around = _around(segments, frames)
    lively = float(np.exp(rng.uniform(*np.log(LIVELY))))
    spread = {name: getattr(POSTURE, name) * lively for name in POSE}
    pose = gestures.head(around, rng, replace(POSTURE, **spread))
    pose[:, 5] += rng.normal(0, DISTANCE)
    lids = gestures.blinks(around, rng)
    looks = gestures.gaze(pose, rng) + rng.normal(0, GAZE)
    moody = rng.uniform(-1, 1) + 0.3 * gestures.smooth_noise(frames, 30.0, rng)
    columns = {
        "smile": moody.clip(-1, 1), "blink_left": lids, "blink_right": lids,
        "gaze_x": looks[:, 0].clip(-22, 22), "gaze_y": looks[:, 1].clip(-14, 14),
        "brow": gestures.brows(around, rng),
        "yaw": pose[:, 0].clip(-32, 32), "pitch": pose[:, 1].clip(-20, 20),
        "roll": pose[:, 2].clip(-18, 18), "x": pose[:, 3].clip(-0.2, 0.2),
        "y": pose[:, 4].clip(-0.2, 0.2), "scale": pose[:, 5].clip(-0.2, 0.25),
    }  # fmt: skip
    for name, values in columns.items():
        motion[:, INDEX[name]] = values
    return motion


def _around(segments: list[Segment], frames: int) -> gestures.Speaking:
    """What the gestures follow: speech, stressed vowels, ends of phrases."""
    silent = marked(segments, frames, FPS)[1]
    active = gaussian_filter1d((~silent).astype(np.float32), 2.0)
    accent = np.zeros(frames, np.float32)
    for segment in segments:
        frame = int((segment.start + segment.end) / 2 * FPS)
        if segment.stress and frame < frames:
            accent[frame] = 0.6 * segment.stress
    ended = (active < 0.5) & (np.roll(active, 1) >= 0.5)
    return gestures.Speaking(np.asarray(active, np.float32), accent, ended)
