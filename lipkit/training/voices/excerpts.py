"""Excerpts of the corpus for training: mel power and the phone classes in it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipkit.training.voices.corpus import Item
from lipkit.training.voices.visemes import SILENCE, VISEMES, Segment, activations

Floats = NDArray[np.float32]
ROWS = 4  # mel rows in a motion frame


@dataclass(frozen=True)
class Excerpts:
    """Utterances laid end to end: log-mel ``(4 f, 64)``, activations ``(f, 23)``.

    ``stress (f,)`` is the synthesizer's mark of the syllable, 0 to 1; ``silent (f,)`` is true
    between sentences; ``ends (n,)`` are the frames at which the utterances end.
    """

    mel: NDArray[np.float16]
    classes: NDArray[np.float16]
    stress: NDArray[np.float16]
    silent: NDArray[np.bool_]
    ends: NDArray[np.int64]

    @property
    def frames(self) -> int:
        """Motion frames in all."""
        return len(self.classes)

    def cut(self, rng: np.random.Generator, frames: int) -> tuple[Floats, Floats]:
        """An excerpt at a tempo of 0.8 to 1.25: mel power ``(64, 4 f)``, activations ``(f, 23)``.

        It lies within one utterance where that is long enough, since one recording has one voice
        in one room; else it runs on into the next one.
        """
        taken = min(int(frames * rng.uniform(0.8, 1.25)), self.frames)
        place = int(rng.integers(0, self.frames))
        utterance = int(np.searchsorted(self.ends, place, "right"))
        start = int(self.ends[utterance - 1]) if utterance else 0
        latest = max(start, int(self.ends[utterance]) - taken)
        first = min(int(rng.integers(start, latest + 1)), self.frames - taken)
        mel = 10.0 ** self.mel[ROWS * first : ROWS * (first + taken)].astype(np.float32)
        classes = self.classes[first : first + taken].astype(np.float32)
        return resampled(mel, ROWS * frames).T, resampled(classes, frames)


def resampled(rows: Floats, count: int) -> Floats:
    """``rows (t, d)`` linearly resampled to ``count`` rows."""
    place = (np.arange(count) + 0.5) * len(rows) / count - 0.5
    place = place.clip(0, len(rows) - 1)
    below = np.minimum(place.astype(int), max(0, len(rows) - 2))
    part = (place - below)[:, None].astype(np.float32)
    above = np.minimum(below + 1, len(rows) - 1)
    return np.asarray(rows[below] * (1 - part) + rows[above] * part, np.float32)


def collect(items: Iterable[Item]) -> Excerpts:
    """All items as one long excerpt."""
    mels = [np.zeros((0, 64), np.float16)]
    classes = [np.zeros((0, len(VISEMES)), np.float16)]
    stress, silent = [np.zeros(0, np.float16)], [np.zeros(0, np.bool_)]
    for item in items:
        frames = len(item.mel) // ROWS
        mels.append(item.mel[: ROWS * frames])
        classes.append(activations(item.segments, frames).astype(np.float16))
        marks, quiet = marked(item.segments, frames)
        stress.append(marks)
        silent.append(quiet)
    ends = np.cumsum([len(rows) for rows in classes[1:]])
    return Excerpts(
        np.concatenate(mels),
        np.concatenate(classes),
        np.concatenate(stress),
        np.concatenate(silent),
        ends,
    )


def marked(
    segments: list[Segment], frames: int, fps: float = 25.0
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Stress and silence ``(f,)`` of an utterance, by the phone at the middle of each frame."""
    ends = np.array([segment.end for segment in segments])
    here = np.searchsorted(ends, (np.arange(frames) + 0.5) / fps).clip(0, len(segments) - 1)
    stress = np.array([segment.stress for segment in segments], np.float16)
    silent = np.array([segment.phone == SILENCE for segment in segments])
    return stress[here], silent[here]


def shuffled(items: Iterable[Item], seed: int) -> list[Item]:
    """The items in a random order, so that neighbours are of different voices."""
    order = list(items)
    random.Random(seed).shuffle(order)
    return order
