"""What the generator trains on: stretches of audio conditions, and the motion to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.vasa.config import SamplingConfig
from lipkit.models.vasa.frontend import Frontend, level, measure, normalise
from lipkit.models.vasa.listen import features
from lipkit.models.vasa.mel import ROWS
from lipkit.models.vasa.model import VoiceModel
from lipkit.models.vasa.pipeline import VoiceGenerator
from lipkit.training.voices.augment import augment
from lipkit.training.voices.excerpts import Excerpts
from lipkit.training.voices.motion import CHANNELS, motion, rest, speaking

Floats = NDArray[np.float32]

LENGTH = 500  # frames of a take: twenty seconds
BATCH = 8  # takes heard at once
GAZE, DISTANCE = 6.0, 0.04  # spread of the main gaze in degrees and of the head's distance
MIRRORED = [CHANNELS.index(name) for name in ("gaze_x", "yaw", "roll", "x")]
LIDS = [CHANNELS.index(name) for name in ("blink_left", "blink_right")]
GAZES = [CHANNELS.index(name) for name in ("gaze_x", "gaze_y")]
SCALE = CHANNELS.index("scale")


@dataclass(frozen=True)
class Takes:
    """Takes ``audio (n, f, a)`` and ``motion (n, f, c)``, with their main gaze and distance."""

    audio: NDArray[np.float16]
    motion: NDArray[np.float16]
    gaze: Floats
    distance: Floats

    def statistics(self) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and standard deviation ``(c,)`` of the motion, and deviation of its changes."""
        motion = self.motion.astype(np.float32)
        mean, deviation = motion.mean((0, 1)), motion.std((0, 1))
        change = np.diff(motion, axis=1).std((0, 1))
        found = (torch.from_numpy(v).clamp_min(1e-4) for v in (deviation, change))
        return torch.from_numpy(mean), *found

    def cut(self, rng: np.random.Generator, frames: int) -> dict[str, Floats]:
        """So many frames of a random take, half of them mirrored."""
        take = int(rng.integers(len(self.audio)))
        first = int(rng.integers(self.audio.shape[1] - frames + 1))
        chosen = slice(first, first + frames)
        moved = self.motion[take, chosen].astype(np.float32)
        gaze = self.gaze[take] / 10
        if rng.random() < 0.5:
            moved[:, MIRRORED] *= -1
            moved[:, LIDS] = moved[:, LIDS[::-1]]
            gaze = gaze * np.float32((-1, 1))
        return {
            "audio": self.audio[take, chosen].astype(np.float32),
            "motion": moved,
            "gaze": gaze,
            "distance": self.distance[take] * 10,
        }

    def played(self, model: VoiceModel) -> tuple[Tensor, Tensor]:
        """Generated and true motion ``(n, f, c)`` of all takes."""
        generator = VoiceGenerator(model, SamplingConfig())
        made = []
        for audio in self.audio.astype(np.float32):
            state, windows = None, []
            for first in range(0, len(audio), generator.window):
                heard = audio[first : first + generator.window]
                moved, state = generator.generate(heard, {}, state)
                windows.append(moved)
            made.append(np.concatenate(windows))
        truth = torch.from_numpy(self.motion.astype(np.float32))
        return torch.from_numpy(np.stack(made)), truth


def rehearse(frontend: Frontend, excerpts: Excerpts, seed: int, most: int | None = None) -> Takes:
    """Takes of all excerpts, or the first ones: augmented, heard, and gestured to."""
    parts = list(_rehearsed(frontend.eval(), excerpts, seed, most))
    return Takes(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _rehearsed(
    frontend: Frontend, excerpts: Excerpts, seed: int, most: int | None
) -> Iterator[tuple[Floats, ...]]:
    """Batches of takes; every take is heard with the frames around it, so its edges are sound."""
    margin = frontend.reach
    length = min(LENGTH, excerpts.frames - 2 * margin)
    count = min((excerpts.frames - 2 * margin) // length, most or excerpts.frames)
    for first in range(0, count, BATCH):
        torch.manual_seed(seed * 1_000_003 + first)
        starts = [length * i for i in range(first, min(count, first + BATCH))]
        energy, heard = _heard(frontend, excerpts, starts, length + 2 * margin)
        takes = []
        for i, start in enumerate(starts):
            rng = np.random.default_rng((seed, 2, first + i))
            stretch = slice(start, start + length + 2 * margin)
            audio, moved = _take(excerpts, stretch, energy[i], heard[i], rng)
            gaze, distance = _attitude(rng)
            moved[:, GAZES] += gaze
            moved[:, SCALE] += distance
            inside = slice(margin, margin + length)
            takes.append((audio[inside], moved[inside], gaze, distance))
        audio, moved, gaze, distance = (np.stack(column) for column in zip(*takes, strict=True))
        yield audio.astype(np.float16), moved.astype(np.float16), gaze, distance


@torch.inference_mode()
def _heard(
    frontend: Frontend, excerpts: Excerpts, starts: list[int], length: int
) -> tuple[Floats, Floats]:
    """Relative energy ``(n, f)`` and activations ``(n, f, c)`` of augmented stretches."""
    device = frontend.mean.device
    mels = [excerpts.mel[ROWS * start : ROWS * (start + length)] for start in starts]
    power = augment(10 ** torch.from_numpy(np.stack(mels)).float().transpose(1, 2)).to(device)
    statistics = measure(power)
    classes = frontend.activations(normalise(power, statistics)).transpose(1, 2)
    rows = power.mean(1).unflatten(1, (length, ROWS)).mean(2)
    return level(rows, statistics.loud[:, 0]).cpu().numpy(), classes.cpu().numpy()


def _take(
    excerpts: Excerpts,
    stretch: slice,
    energy: Floats,
    heard: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Audio condition ``(f, a)`` and motion ``(f, c)`` of one stretch."""
    truth = excerpts.classes[stretch].astype(np.float32)
    resting = rest(excerpts.silent[stretch])
    audio = features(energy, heard, resting)
    accent = audio[:, heard.shape[1] + 1]
    around = speaking(accent, truth, excerpts.stress[stretch].astype(np.float32))
    return audio, motion(truth, resting, around, rng)


def _attitude(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """A main gaze ``(2,)`` and a distance ``(1,)``: half of the takes look at the viewer."""
    aside = rng.random() < 0.5
    gaze = rng.standard_normal(2) * (GAZE, GAZE / 2) * aside
    return gaze.astype(np.float32), (rng.standard_normal(1) * DISTANCE).astype(np.float32)
