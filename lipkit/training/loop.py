"""The training loop: one for every family and every stage.

All random numbers of a step depend on the seed and the step alone, so a run that was interrupted
and resumed is the run that was not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.errors import LipkitError
from lipkit.training import checkpoints
from lipkit.training.config import Precision, StageConfig
from lipkit.training.feeding import feed
from lipkit.training.ledger import Ledger, Progress
from lipkit.training.stage import TrainingStage
from lipkit.training.turns import Turn, give_turn, take_turns

__all__ = ["Limits", "Progress", "accelerator", "main_first", "train"]


@dataclass(frozen=True)
class Limits:
    """When to stop before the last step; None is never."""

    steps: int | None = None
    seconds: float | None = None


def accelerator(precision: Precision, accumulate: int) -> Any:
    """An ``accelerate.Accelerator``; raises LipkitError where the library is missing.

    Its launcher decides on devices and processes. Sharded weights are refused, because the states
    that are saved hold whole ones.
    """
    library = _accelerate()
    engine = library.Accelerator(
        cpu=_on_processors(), mixed_precision=precision, gradient_accumulation_steps=accumulate
    )
    kinds = library.DistributedType
    sharded = (kinds.FSDP, kinds.DEEPSPEED, kinds.MEGATRON_LM)
    if engine.distributed_type in sharded:
        raise LipkitError(
            f"training under {engine.distributed_type.value} is not supported",
            hint="launch it data-parallel: accelerate launch --multi_gpu",
        )
    return engine


@contextmanager
def main_first() -> Iterator[bool]:
    """Lets the main process do something before the others do; yields whether this is it."""
    state = _accelerate().PartialState(cpu=_on_processors())
    with state.main_process_first():
        yield bool(state.is_main_process)


def _on_processors() -> bool:
    """Whether this is one of several processes without an accelerator.

    Left to itself, accelerate would then train as many models, each alone.
    """
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return several and not torch.accelerator.is_available()


def _accelerate() -> Any:
    try:
        import accelerate
    except ImportError:
        raise LipkitError("training needs accelerate", hint="pip install 'lipkit[train]'") from None
    return accelerate


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
    tick: Callable[[int], None] = lambda step: None,
) -> int:
    """Train one stage in a run directory; the number of updates made in all.

    ``report`` hears the losses now and then, ``tick`` the number of every finished update. The
    model is left holding the averaged weights. Raises LipkitError if the loss is no number.
    """
    engine = accelerator(precision, config.accumulate)
    turns = take_turns(engine, model, stage, config)
    states = States(engine, turns, run, seed, config.keep)
    done, kept = states.restore() if resume else (0, {})
    main = bool(engine.is_main_process)
    ledger = Ledger(stage, config, turns[0], run, seed, main=main, report=report)
    ledger.open(done, kept)
    last, saved = min(config.steps, limits.steps or config.steps), done
    steps = Steps(engine, turns, stage, config, seed)
    for step in steps.run(done, last, limits.seconds):
        done = step
        for turn in turns:
            turn.average.update(done)
        ledger.note(done, steps.terms, steps.extras)
        tick(done)
        if done % config.save_every == 0:
            states.save(done, ledger.kept)
            saved = done
    if done != saved:
        states.save(done, ledger.kept)
    ledger.close(done)
    turns[0].average.assign()
    finish = getattr(stage, "finish", None)
    if finish is not None:
        finish(model)
    engine.wait_for_everyone()
    return done


class States:
    """Saves the state of a stage into its run, and takes it up again."""

    def __init__(self, engine: Any, turns: list[Turn], run: Path, seed: int, keep: int) -> None:
        self.engine, self.turns, self.run, self.seed, self.keep = engine, turns, run, seed, keep

    def restore(self) -> tuple[int, dict[str, Any]]:
        """The number of updates made, and what the ledger kept; nothing if there is no state."""
        found = checkpoints.newest(self.run, self.turns[0].name)
        if found is None:
            return 0, {}
        done, kept = checkpoints.restore(found, self.turns, self.seed)
        if self.engine.scaler is not None and "scaler" in kept:
            self.engine.scaler.load_state_dict(kept["scaler"])
        return done, kept

    def save(self, done: int, kept: Mapping[str, Any]) -> None:
        """Write the state after ``done`` updates; only the main process does."""
        scaler = self.engine.scaler
        extra = {**kept, **({} if scaler is None else {"scaler": scaler.state_dict()})}
        if self.engine.is_main_process:
            checkpoints.save(self.run, self.turns, done, self.seed, self.keep, extra)


class Steps:
    """Runs updates one by one; ``terms`` holds the loss terms of the last one.

    ``extras`` are the learning rates and the norms of the gradients.
    """

    def __init__(
        self,
        engine: Any,
        turns: list[Turn],
        stage: TrainingStage,
        config: StageConfig,
        seed: int,
    ) -> None:
        self.engine, self.turns, self.stage = engine, turns, stage
        self.config, self.seed = config, seed
        self.terms: dict[str, float] = {}
        self.extras: dict[str, float] = {}

    def run(self, done: int, last: int, seconds: float | None) -> Iterator[int]:
        """Numbers of finished updates, from ``done + 1`` to ``last`` or until time is up."""
        started = time.monotonic()
        for turn in self.turns:
            turn.train()
        processes, each = self.engine.num_processes, self.config.accumulate
        stride = each * processes
        indices = range(done * stride + self.engine.process_index, last * stride, processes)
        batches = feed(self.stage, self.seed, indices, self.config.workers, self.engine.device)
        while done < last and not self.late(seconds, started):
            for turn in self.turns:
                self.extras[f"rate{turn_mark(turn, self.turns)}"] = turn.set_rate(done)
            self.update(done, batches)
            done += 1
            yield done

    def late(self, seconds: float | None, started: float) -> bool:
        """Whether the time is up; the main process's clock decides for all."""
        if seconds is None:
            return False
        over = time.monotonic() - started >= seconds
        if self.engine.num_processes > 1:
            told = torch.tensor(float(over and self.engine.is_main_process))
            over = bool(self.engine.reduce(told.to(self.engine.device)) > 0)
        return over

    def update(self, step: int, batches: Iterator[Mapping[str, Any]]) -> None:
        """One update of the weights, from ``accumulate`` batches."""
        sums: dict[str, Tensor] = {}
        for _ in range(self.config.accumulate):
            batch = next(batches)
            with self.engine.accumulate(*(turn.costed for turn in self.turns)):
                for turn in self.turns:
                    for name, value in self.play(turn, batch, step).items():
                        sums[name] = sums.get(name, torch.zeros_like(value)) + value
        values = torch.stack(list(sums.values())) / self.config.accumulate
        if self.engine.num_processes > 1:
            values = self.engine.reduce(values, "mean")
        self.terms = dict(zip(sums, values.tolist(), strict=True))
        for name, mean in self.terms.items():
            if name.startswith("loss") and not math.isfinite(mean):
                raise LipkitError(
                    f"{self.stage.name}: the {name} is {mean} at step {step}",
                    hint="lower train.*.learning_rate",
                )

    def play(self, turn: Turn, batch: Mapping[str, Any], step: int) -> dict[str, Tensor]:
        """One turn with one batch: its terms and their sum, detached."""
        give_turn(self.turns, turn)
        with self.engine.autocast():
            terms = turn.costed(batch, step)
            if not terms:
                return {}
            total = torch.stack([value.float() for value in terms.values()]).sum()
        self.engine.backward(total)
        mark = turn_mark(turn, self.turns)
        if self.engine.sync_gradients:
            # accelerate's own clipping would unscale what the rivals are still accumulating
            self.engine.unscale_gradients(turn.optimizer)
            norm = nn.utils.clip_grad_norm_(turn.parameters, turn.config.clip)
            self.extras[f"gradient{mark}"] = float(norm)
        turn.optimizer.step()
        turn.optimizer.zero_grad()
        return {
            **{f"{name}{mark}": value.detach().float() for name, value in terms.items()},
            f"loss{mark}": total.detach(),
        }


def turn_mark(turn: Turn, turns: list[Turn]) -> str:
    """What the names of a rival's numbers end in."""
    return "" if turn is turns[0] else f".{turn.name}"
