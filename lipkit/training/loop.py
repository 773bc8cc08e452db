"""The training loop: one for every family and every stage.

All random numbers of a step depend on the seed and the step alone, so a run that was interrupted
and resumed is the run that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lipkit.errors import LipkitError
from lipkit.training import checkpoints
from lipkit.training.config import Precision, StageConfig
from lipkit.training.ema import Average


class TrainingStage(Protocol):
    """A ``Stage`` that makes its own batches and can say how good the model is."""

    name: str

    def parameters(self, model: Any) -> list[nn.Parameter]:
        """What this stage trains."""
        ...

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Batch number ``index``, the same for the same seed."""
        ...

    def loss(self, model: Any, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        """Named terms, already weighted."""
        ...

    def validate(self, model: Any) -> Mapping[str, float]:
        """Named scores on held-out data."""
        ...


@dataclass(frozen=True)
class Progress:
    """What the loop tells while it runs; terms are means since the last report."""

    stage: str
    step: int
    steps: int
    terms: Mapping[str, float]
    scores: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Limits:
    """When to stop before the last step; None is never."""

    steps: int | None = None
    seconds: float | None = None


class _Costed(nn.Module):
    """A stage's loss as the forward of a module, which is what data-parallel wrappers hook into."""

    def __init__(self, model: nn.Module, stage: TrainingStage) -> None:
        super().__init__()
        self.model = model
        self.stage = stage

    def forward(self, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        return self.stage.loss(self.model, batch, step)


def accelerator(precision: Precision, accumulate: int) -> Any:
    """An ``accelerate.Accelerator``; raises LipkitError where the library is missing."""
    try:
        from accelerate import Accelerator
    except ImportError:
        raise LipkitError("training needs accelerate", hint="pip install 'lipkit[train]'") from None
    return Accelerator(mixed_precision=precision, gradient_accumulation_steps=accumulate)


def seed_step(seed: int, index: int) -> None:
    """Seed torch for batch ``index``: dropout and noise of the step depend on nothing else."""
    torch.manual_seed((seed * 1_000_003 + index) % 2**63)


def train(
    model: nn.Module,
    stage: TrainingStage,
    config: StageConfig,
    run: Path,
    *,
    seed: int = 0,
    precision: Precision = "no",
    limits: Limits = Limits(),
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> int:
    """Train one stage in a run directory; the number of updates made in all.

    The model is left holding the averaged weights. Raises LipkitError if the loss is no number.
    """
    engine = accelerator(precision, config.accumulate)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    trained = stage.parameters(model)
    for parameter in trained:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(
        trained, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    costed, optimizer = engine.prepare(_Costed(model, stage), optimizer)
    average = Average(trained, config.ema)
    state = checkpoints.path_of(run, stage.name)
    done = 0
    if resume and state.is_file():
        done = checkpoints.restore(state, seed, average, optimizer.optimizer)
    steps = _Steps(engine, costed, optimizer, stage, config, seed)
    last = min(config.steps, limits.steps or config.steps)
    told = _Ledger(stage, config, model, average, run / "logs", engine, report)
    for step in steps.run(done, last, limits.seconds):
        done = step
        average.update(done)
        told.note(done, steps.terms)
        if engine.is_main_process and (done % config.save_every == 0 or done == last):
            checkpoints.save(state, done, seed, average, optimizer.optimizer)
    if engine.is_main_process and done:
        checkpoints.save(state, done, seed, average, optimizer.optimizer)
    told.close(done)
    average.assign()
    return done


class _Steps:
    """Runs updates one by one; ``terms`` holds the loss terms of the last one."""

    def __init__(
        self,
        engine: Any,
        costed: nn.Module,
        optimizer: Any,
        stage: TrainingStage,
        config: StageConfig,
        seed: int,
    ) -> None:
        self.engine, self.costed, self.optimizer = engine, costed, optimizer
        self.stage, self.config, self.seed = stage, config, seed
        self.terms: dict[str, float] = {}

    def run(self, done: int, last: int, seconds: float | None) -> Iterator[int]:
        """Numbers of finished updates, from ``done + 1`` to ``last`` or until time is up."""
        started = time.monotonic()
        self.costed.train()
        while done < last and (seconds is None or time.monotonic() - started < seconds):
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self.config.rate(done)
            self.update(done)
            done += 1
            yield done

    def update(self, step: int) -> None:
        """One update of the weights, from ``accumulate`` batches."""
        sums: dict[str, float] = {}
        count, processes = self.config.accumulate, self.engine.num_processes
        for part in range(count):
            index = (step * count + part) * processes + self.engine.process_index
            seed_step(self.seed, index)
            batch = self.stage.batch(self.seed, index)
            batch = {name: value.to(self.engine.device) for name, value in batch.items()}
            with self.engine.accumulate(self.costed), self.engine.autocast():
                terms = self.costed(batch, step)
                total = torch.stack(list(terms.values())).sum()
                self.engine.backward(total)
                if self.engine.sync_gradients:
                    self.engine.clip_grad_norm_(self.stage_parameters(), self.config.clip)
                self.optimizer.step()
                self.optimizer.zero_grad()
            for name, value in {**terms, "loss": total}.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / count
        if not math.isfinite(sums["loss"]):
            raise LipkitError(
                f"{self.stage.name}: the loss is {sums['loss']} at step {step}",
                hint="lower train.*.learning_rate",
            )
        self.terms = sums

    def stage_parameters(self) -> list[nn.Parameter]:
        """The trained parameters."""
        return [p for p in self.costed.parameters() if p.requires_grad]


class _Ledger:
    """Averages the terms, validates now and then, writes tensorboard scalars, tells the caller."""

    def __init__(
        self,
        stage: TrainingStage,
        config: StageConfig,
        model: nn.Module,
        average: Average,
        folder: Path,
        engine: Any,
        report: Callable[[Progress], None],
    ) -> None:
        self.stage, self.config, self.model, self.average = stage, config, model, average
        self.engine, self.report = engine, report
        self.started = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0
        self.writer = _scalars(folder) if engine.is_main_process else None

    def note(self, step: int, terms: Mapping[str, float]) -> None:
        """Take in the terms of a step; report every ``log_every`` steps."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        if step % self.config.log_every == 0:
            self.tell(step, step % self.config.save_every == 0)

    def tell(self, step: int, validate: bool) -> None:
        """Report the means since the last report, with scores if asked for."""
        if not self.engine.is_main_process:
            return
        terms = {name: value / max(1, self.count) for name, value in self.sums.items()}
        self.sums, self.count = {}, 0
        scores: Mapping[str, float] = self.scores() if validate else {}
        if self.writer is not None:
            for name, value in {**terms, **scores}.items():
                self.writer.add_scalar(f"{self.stage.name}/{name}", value, step)
        seconds = time.monotonic() - self.started
        self.report(Progress(self.stage.name, step, self.config.steps, terms, scores, seconds))

    def scores(self) -> Mapping[str, float]:
        """Validation scores of the averaged weights."""
        self.model.eval()
        with self.average.applied(), torch.inference_mode():
            scores = self.stage.validate(self.model)
        self.model.train()
        return scores

    def close(self, step: int) -> None:
        """The last report, and the end of the log."""
        self.tell(step, True)
        if self.writer is not None:
            self.writer.close()


def _scalars(folder: Path) -> Any:
    """A tensorboard writer, or None where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
