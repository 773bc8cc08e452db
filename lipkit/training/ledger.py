"""What a training says of itself: scalars, scores, sample pictures, a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lipkit.errors import LipkitError
from lipkit.training.config import StageConfig
from lipkit.training.feeding import seed_step
from lipkit.training.pictures import grid, write_png
from lipkit.training.stage import TrainingStage
from lipkit.training.turns import Turn


@dataclass(frozen=True)
class Progress:
    """What the loop tells while it runs; terms are means since the last report."""

    stage: str
    step: int
    steps: int
    terms: Mapping[str, float]
    scores: Mapping[str, float]
    seconds: float


class Ledger:
    """Averages the terms, validates and samples now and then, keeps the logs of a run.

    Only the main process has one that does anything.
    """

    def __init__(
        self,
        stage: TrainingStage,
        config: StageConfig,
        turn: Turn,
        run: Path,
        seed: int,
        *,
        main: bool,
        report: Callable[[Progress], None],
    ) -> None:
        self.stage, self.config, self.turn = stage, config, turn
        self.run, self.seed, self.main, self.report = run, seed, main, report
        self.started = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0
        self.told = -1
        self.writer: Any = None

    def open(self, done: int, kept: Mapping[str, Any]) -> None:
        """Begin after ``done`` updates, with the sums that an interrupted run left behind."""
        self.sums, self.count = dict(kept.get("sums", {})), int(kept.get("count", 0))
        if self.main:
            self.writer = _scalars(self.run / "logs", done)

    @property
    def kept(self) -> dict[str, Any]:
        """The sums so far, as JSON."""
        return {"sums": self.sums, "count": self.count}

    def note(self, step: int, terms: Mapping[str, float], extras: Mapping[str, float]) -> None:
        """Take in the terms of a step; report every ``log_every`` steps.

        ``extras`` are scalars for the log alone.
        """
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if step % self.config.log_every == 0:
            self.scalars(step, extras)
            self.tell(step, step % self.config.save_every == 0)

    def tell(self, step: int, look: bool) -> None:
        """Report the means since the last report, with scores and pictures if asked for."""
        terms = {name: value / max(1, self.count) for name, value in self.sums.items()}
        self.sums, self.count, self.told = {}, 0, step
        if not self.main:
            return
        scores = self.look(step) if look else {}
        self.scalars(step, {**terms, **scores})
        seconds = time.monotonic() - self.started
        self.report(Progress(self.stage.name, step, self.config.steps, terms, scores, seconds))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers to the log."""
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(f"{self.stage.name}/{name}", value, step)

    def look(self, step: int) -> Mapping[str, float]:
        """Validation scores and a sheet of samples of the averaged weights."""
        validate: Any = getattr(self.stage, "validate", lambda model: {})
        model = self.turn.module
        model.eval()
        with self.turn.average.applied(), torch.inference_mode():
            scores: Mapping[str, float] = validate(model)
            self.sample(step)
        self.turn.train()
        return scores

    def sample(self, step: int) -> None:
        """A picture of samples, into the run's folder and the log; always of the same batch."""
        sample = getattr(self.stage, "sample", None)
        if sample is None:
            return
        place = next(self.turn.module.parameters()).device
        seed_step(self.seed + 1, 0)
        batch = {
            name: value.to(place) if isinstance(value, torch.Tensor) else value
            for name, value in self.stage.batch(self.seed + 1, 0).items()
        }
        picture = grid(sample(self.turn.module, batch))
        folder = self.run / "samples"
        folder.mkdir(exist_ok=True)
        write_png(folder / f"{self.stage.name}-{step:08d}.png", picture)
        if self.writer is not None:
            self.writer.add_image(f"{self.stage.name}/samples", picture, step, dataformats="HWC")

    def close(self, step: int) -> None:
        """The last report, unless it has been made, and the end of the log."""
        if self.told != step or step % self.config.save_every:
            self.tell(step, True)
        if self.writer is not None:
            self.writer.close()


def _scalars(folder: Path, done: int) -> Any:
    """A tensorboard writer that hides what a run wrote after update ``done`` before it stopped.

    None where tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    try:
        return SummaryWriter(str(folder), purge_step=done + 1 if done else None)
    except OSError as problem:
        raise LipkitError(f"{folder}: {problem.strerror}", hint="name another run") from None
