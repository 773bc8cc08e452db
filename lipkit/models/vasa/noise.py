"""Starting noise that moves as slowly as the motion it turns into.

A head has no white spectrum. If the noise of a channel has the spectrum of its motion, the best
denoiser is nearly local in time: little remains to be learned, a sample is as smooth as real motion
after few steps, and since the noise runs on from window to window, so does the motion. Mouth
channels follow the sound and keep white noise.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d

from lipkit.training.voices.gestures import QUICK, SLOW
from lipkit.training.voices.motion import CHANNELS

# Widths in frames of the Gaussians that smooth each channel's noise, and their shares.
HEAD = ((SLOW, 0.8), (QUICK, 0.6))
COLOURS = {
    **dict.fromkeys(("blink_left", "blink_right"), ((1.5, 1.0),)),
    **dict.fromkeys(("gaze_x", "gaze_y"), ((5.0, 1.0),)),
    "brow": ((5.0, 1.0),),
    **dict.fromkeys(("yaw", "pitch", "roll", "x", "y", "scale"), HEAD),
}
REACH = int(3 * SLOW)  # frames on either side that take part in one
LIDS = [CHANNELS.index(name) for name in ("blink_left", "blink_right")]


def kernels() -> Tensor:
    """Filters ``(c, 1, 2 reach + 1)`` that keep the variance of white noise."""
    t = np.arange(-REACH, REACH + 1)
    found = np.zeros((len(CHANNELS), 2 * REACH + 1))
    for row, name in zip(found, CHANNELS, strict=True):
        for width, share in COLOURS.get(name, ()):
            bell = np.exp(-((t / width) ** 2) / 2)
            row += share * bell / np.linalg.norm(bell)
        if name not in COLOURS:
            row[REACH] = 1
        row /= np.linalg.norm(row)
    return torch.from_numpy(found).float()[:, None]


def coloured(white: Tensor, filters: Tensor) -> Tensor:
    """Noise ``(b, w, c)`` from white noise ``(b, w + 2 reach, c)``; both lids share theirs."""
    smooth = conv1d(white.transpose(1, 2), filters, groups=white.shape[-1]).transpose(1, 2)
    smooth[..., LIDS[1]] = smooth[..., LIDS[0]]
    return smooth


def white(seed: int, frame: int, window: int) -> Tensor:
    """White noise ``(w + 2 reach, c)`` around a window, a row by seed and absolute frame."""
    rows = range(frame, frame + window + 2 * REACH)  # shifted by the reach: no frame is negative
    drawn = [np.random.default_rng((seed, row)).standard_normal(len(CHANNELS)) for row in rows]
    return torch.from_numpy(np.stack(drawn)).float()
