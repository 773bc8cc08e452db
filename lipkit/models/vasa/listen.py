"""What the generator hears of a recording: phone classes, prosody, and where the lips may rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lipkit.audio.speech import silence
from lipkit.models.vasa.frontend import Frontend, Statistics, level
from lipkit.models.vasa.mel import ROWS, Mel
from lipkit.training.voices.motion import prosody, rest

Floats = NDArray[np.float32]

BLOCK = 4096  # mel rows at once
LONGEST = 18_000  # mel rows for which one noise floor holds: three minutes
REST = -1  # column of the rest track
# Half a second of silence as it is heard: speech is taken to start a little before and to end a
# little after its sound.
HEARD_SILENCE = 0.4


@dataclass(frozen=True)
class Usual:
    """How speech usually sounds, for as long as little of a voice is known.

    ``mean`` and ``deviation (m,)`` of the bands' levels; ``rows`` of a voice that they count for.
    """

    mean: Floats
    deviation: Floats
    rows: int


def measure_rows(rows: Mel, usual: Usual | None = None) -> Statistics:
    """`frontend.measure` of log-mel ``(t, 64)`` of any length, block by block."""
    blocks = range(0, len(rows), BLOCK)
    energy = np.concatenate([_power(rows[i : i + BLOCK]).mean(1) for i in blocks])
    loud = max(float(np.quantile(energy, 0.95)), 1e-8)
    count, total, square = 0, np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    if usual:
        count, total = usual.rows, usual.rows * usual.mean
        square = usual.rows * (usual.mean**2 + usual.deviation**2)
    for i in blocks:
        speech = energy[i : i + BLOCK] > 0.02 * loud
        x = np.log10(_power(rows[i : i + BLOCK])[speech] / loud + 1e-6, dtype=np.float64) / 2
        count, total, square = count + len(x), total + x.sum(0), square + (x * x).sum(0)
    mean = total / max(1, count)
    deviation = np.sqrt((square / max(1, count) - mean**2).clip(0))
    tensors = (torch.from_numpy(v[None, :, None]).float() for v in (mean, deviation))
    return Statistics(torch.tensor(loud)[None, None, None].float(), *tensors)


def silent_frames(rows: Mel) -> NDArray[np.bool_]:
    """Motion frames ``(f,)`` in which nobody speaks, by log-mel ``(4 f, 64)``."""
    parts = [silence(_power(rows[i : i + LONGEST])) for i in range(0, len(rows), LONGEST)]
    return np.asarray(np.concatenate(parts).reshape(-1, ROWS).mean(1) > 0.5)


def features(energy: Floats, classes: Floats, resting: Floats) -> Floats:
    """The generator's audio condition ``(f, 26)``: classes, loudness, accent, rest."""
    loudness, accent = prosody(energy, classes)
    return np.concatenate([classes, loudness[:, None], accent[:, None], resting[:, None]], 1)


def listen(frontend: Frontend, rows: Mel) -> Floats:
    """The audio condition ``(f, 26)`` of log-mel ``(4 f, 64)``: a whole recording."""
    resting = rest(silent_frames(rows), HEARD_SILENCE)
    return heard(frontend, rows, measure_rows(rows), resting)


def heard(frontend: Frontend, rows: Mel, statistics: Statistics, resting: Floats) -> Floats:
    """The same of a part of a recording that has those statistics and rests ``(f,)``."""
    device = frontend.mean.device
    statistics = Statistics(*(v.to(device) for v in vars(statistics).values()))
    classes = frontend.hear(torch.from_numpy(rows).to(device), statistics).cpu().numpy()
    loud = statistics.loud.item()
    energy = np.concatenate(
        [_power(rows[i : i + BLOCK]).mean(1) for i in range(0, len(rows), BLOCK)]
    )
    relative = level(torch.from_numpy(energy.reshape(-1, ROWS).mean(1)), torch.tensor(loud))
    return features(relative.numpy(), classes, resting)


def _power(rows: Mel) -> Floats:
    return np.power(10.0, rows, dtype=np.float32)
