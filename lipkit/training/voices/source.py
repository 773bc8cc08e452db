"""Where the speech of a training comes from: ``voices:``, or a folder that holds a corpus."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput, BadUsage
from lipkit.training.voices.corpus import CorpusSpec, Mel, build, read
from lipkit.training.voices.excerpts import Excerpts, collect, shuffled

SCHEME = "voices:"


@dataclass(frozen=True)
class Recordings:
    """The corpus in memory: voices to train on, and voices kept for validation."""

    training: Excerpts
    held_out: Excerpts


@dataclass(frozen=True)
class Source:
    """A corpus folder, and what to speak into it where it lacks something."""

    folder: Path
    spec: CorpusSpec | None = None
    report: Callable[[str], None] = field(default=lambda line: None, compare=False)

    @property
    def name(self) -> str:
        """What the weights' header says of it."""
        return SCHEME if self.spec else self.folder.name

    def gather(self, features: Callable[[NDArray[np.float32]], Mel]) -> Recordings:
        """All recordings; ``features`` turns sound ``(n,)`` into log-mel ``(t, 64)``."""
        if self.spec is not None:
            build(self.folder, self.spec, features, self.report)
        items = shuffled(read(self.folder), 0)
        training = collect(item for item in items if not item.held_out)
        held_out = collect(item for item in items if item.held_out)
        if not training.frames or not held_out.frames:
            raise BadInput(f"{self.folder}: too few voices", hint="speak more minutes")
        self.report(f"corpus: {training.frames / 1500:.0f} minutes to train on")
        return Recordings(training, held_out)


def parse(data: str, run: Path, report: Callable[[str], None] = lambda line: None) -> Source:
    """The source that ``--data`` names: ``voices:``, ``voices:minutes=N`` or a corpus folder.

    What is spoken for a run is kept in it.
    """
    if not data.startswith(SCHEME):
        folder = Path(data)
        if not folder.is_dir():
            raise BadInput(f"{data}: no such folder", hint=f"use {SCHEME} to speak a corpus")
        return Source(folder, report=report)
    spec, wish = CorpusSpec(), data[len(SCHEME) :]
    if wish:
        key, _, value = wish.partition("=")
        try:
            minutes = float(value)
        except ValueError:
            minutes = math.nan
        if key != "minutes" or not 0 < minutes < 1e5:
            raise BadUsage(f"--data {data}", hint=f"write {SCHEME} or {SCHEME}minutes=60")
        spec = spec.scaled(minutes)
    return Source(run / "corpus", spec, report)
