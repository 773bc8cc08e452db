"""The last touch on generated motion: spread, sealed lips, rest, and the user's controls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipkit.models.vasa.config import SamplingConfig
from lipkit.models.vasa.listen import REST
from lipkit.training.voices.motion import CHANNELS, NATURAL_JAW

Floats = NDArray[np.float32]

APERTURE, WIDTH, PRESS, JAW = range(4)
MOUTH = slice(0, 4)
LIDS = slice(CHANNELS.index("blink_left"), CHANNELS.index("blink_right") + 1)
BROW = CHANNELS.index("brow")
HEAD = slice(CHANNELS.index("yaw"), CHANNELS.index("scale") + 1)
TURNS = slice(HEAD.start, HEAD.start + 3)  # yaw, pitch, roll
SLOW = slice(BROW, HEAD.stop)  # brows and head
PIVOT = 0.07  # aperture of lips between phones, about which the spread acts
WIDEST = 0.36  # no lips of real speakers part further
FURTHEST = np.array((16, 13, 12), np.float32)  # degrees of yaw, pitch, roll: a photo bears no more


def finished(motion: Floats, heard: Floats, sampling: SamplingConfig) -> Floats:
    """Motion ``(f, c)`` as it is shown, given its audio features ``(f, a)``.

    The mean of uncertain guesses moves too little, hence the spread; silence of more than half a
    second brings the lips to rest, whatever was generated.
    """
    out = motion.copy()
    speaking = 1 - heard[:, REST]
    press = np.clip(out[:, PRESS], 0, 1)
    opened = PIVOT + sampling.aperture_spread * (out[:, APERTURE] - PIVOT)
    out[:, APERTURE] = np.clip(opened, 0, WIDEST) * speaking * (1 - _eased(press, 0.35, 0.8))
    out[:, WIDTH] = np.clip(sampling.width_spread * out[:, WIDTH], -0.16, 0.1) * speaking
    out[:, PRESS] = press * speaking
    dropped = NATURAL_JAW * PIVOT + sampling.aperture_spread * (out[:, JAW] - NATURAL_JAW * PIVOT)
    out[:, JAW] = np.clip(dropped, 0, NATURAL_JAW * WIDEST) * speaking
    # Lids are open or on their way: a faint closure is noise.
    out[:, LIDS] = _eased(out[:, LIDS], 0.12, 0.95) if sampling.blink else 0.0
    out[:, BROW] = np.clip(out[:, BROW], 0, 1)
    spreads = np.array((sampling.yaw_spread, sampling.pitch_spread, sampling.roll_spread))
    out[:, TURNS] = FURTHEST * np.tanh(out[:, TURNS] * spreads / FURTHEST)
    out[:, HEAD] *= sampling.head_motion
    return out


def _eased(x: Floats, low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = ((x - low) / (high - low)).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
