"""Motion targets of the corpus, in the mesh codec's layout: lips from phones, the rest gestured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lipkit.training.voices import gestures
from lipkit.training.voices.visemes import JAW, PAUSES, SEAL, TABLE, VOWELS

Floats = NDArray[np.float32]

CHANNELS = (
    "aperture", "width", "press", "jaw", "blink_left", "blink_right", "gaze_x", "gaze_y", "brow",
    "yaw", "pitch", "roll", "x", "y", "scale",
)  # fmt: skip
NATURAL_JAW = 0.44  # chin drop per aperture of real speakers
JAW_INERTIA = 1.6  # frames over which the jaw is slower than the lips
SEALED = (0.3, 0.65)  # activations of p b m at which the lips begin to seal, and are sealed
LONG_SILENCE = 0.5  # seconds: longer ones bring the lips to rest
CLOSING, REST, OPENING = 0.06, 0.30, 0.12  # seconds after its start, ..., before its end


def seal(classes: Floats) -> Floats:
    """How firmly the lips are pressed ``(f,)``, 0 to 1, under class activations ``(f, c)``."""
    low, high = SEALED
    return np.asarray(((classes[:, SEAL] - low) / (high - low)).clip(0, 1), np.float32)


def rest(silent: NDArray[np.bool_], longer: float = LONG_SILENCE, fps: float = 25.0) -> Floats:
    """How far the lips have come to rest ``(f,)``, 0 to 1, given the silent frames ``(f,)``.

    In silence ``longer`` than so many seconds they close within 0.3 s, stay closed, and part
    0.12 s before it ends. They rest at the edges of such silence, and all through a silent
    recording.
    """
    closed = np.zeros(len(silent), np.float32)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    t = (np.arange(len(silent)) + 0.5) / fps
    for first, stop in edges.reshape(-1, 2):
        if (stop - first) / fps <= longer and stop - first < len(silent):
            continue
        start = -9.0 if first == 0 else first / fps
        end = t[-1] + 9.0 if stop == len(silent) else stop / fps
        down = ((t - start - CLOSING) / (REST - CLOSING)).clip(0, 1)
        up = ((end - t) / OPENING - 0.2).clip(0, 1)
        closed = np.maximum(closed, np.minimum(_eased(down), _eased(up)))
    return closed


def _eased(x: NDArray[np.float64]) -> Floats:
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def lips(classes: Floats, resting: Floats) -> Floats:
    """Aperture, width, press and jaw ``(f, 4)`` under class activations ``(f, c)``.

    A function of the phones alone: a mouth that guesses must not guess at random.
    """
    pressed = seal(classes)
    opened = (1 - pressed) * (1 - resting)
    shape = classes @ TABLE
    jaw = gaussian_filter1d(classes @ JAW, JAW_INERTIA) * NATURAL_JAW
    slow = gaussian_filter1d(resting, JAW_INERTIA)
    return np.stack(
        [
            shape[:, 0] * opened,
            shape[:, 1] * (1 - resting),
            pressed * (1 - resting),
            jaw * (1 - slow),
        ],
        1,
    ).astype(np.float32)


def prosody(energy: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """Loudness and accent ``(f,)`` of speech with level ``energy (f,)`` (see ``frontend.level``).

    Loudness is 0 for silence and 1 for loud speech; an accent is a vowel that is louder than its
    surroundings.
    """
    loudness = (1 + energy / 1.5).clip(0, 1.2)
    heard = gaussian_filter1d(loudness, 1.5)
    excess = (heard - gaussian_filter1d(heard, 12)).clip(0, None)
    vowel = gaussian_filter1d(classes[:, VOWELS].sum(1), 1.0)
    return loudness.astype(np.float32), np.asarray((6 * excess * vowel).clip(0, 2), np.float32)


def speaking(accent: Floats, classes: Floats, stress: Floats) -> gestures.Speaking:
    """What the gestures follow; ``stress (f,)`` is the synthesizer's, 0.5 where unknown."""
    active = np.asarray(1 - classes[:, PAUSES].sum(1), np.float32).clip(0, 1)
    prominent = accent * (0.5 + stress)
    peak = (prominent > np.roll(prominent, 1)) & (prominent >= np.roll(prominent, -1))
    ended = (active < 0.5) & (np.roll(active, 1) >= 0.5)
    impulses = np.where(peak & (prominent > 0.15), prominent, 0)
    return gestures.Speaking(active, np.asarray(impulses, np.float32), ended)


def motion(
    classes: Floats, resting: Floats, around: gestures.Speaking, rng: np.random.Generator
) -> Floats:
    """Motion targets ``(f, 15)`` of a stretch of speech."""
    pose = gestures.head(around, rng)
    lids = gestures.blinks(around, rng)[:, None]
    return np.concatenate(
        [
            lips(classes, resting),
            lids,
            lids,
            gestures.gaze(pose, rng),
            gestures.brows(around, rng)[:, None],
            pose,
        ],
        1,
    ).astype(np.float32)
