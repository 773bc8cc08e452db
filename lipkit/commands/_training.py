"""One call of ``train``: its stages, and the record by which it can be repeated."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import ui
from lipkit.registry import load

if TYPE_CHECKING:
    from lipkit.training.loop import Progress

SETTINGS, RECORD = "settings.toml", "run.json"
PACKAGES = ("torch", "numpy", "safetensors", "accelerate", "diffusers", "transformers")


def rank() -> int:
    """The number of this process among those that a launcher started."""
    return int(os.environ.get("RANK", "0"))


class Training:
    """Which model is trained, where, how long."""

    def __init__(
        self, name: str, family: Any, config: Any, run: Path, options: dict[str, Any]
    ) -> None:
        self.name, self.family, self.config, self.run = name, family, config, run
        self.options = options
        self.weights = run / "weights.safetensors"

    def stages(self, names: list[str], source: Any) -> None:
        """Train the stages; the run's weights are those of the last one that was finished."""
        import torch

        from lipkit.models.parts import checkpoint

        torch.manual_seed(self.options["seed"])
        model = load(self.family.build)(self.config.model)
        if self.weights.is_file():
            checkpoint.load(model, self.weights)
        elif self.options["begin"]:
            from lipkit.models import find

            checkpoint.load(model, find(self.options["begin"])[0])
        else:
            for file in self.options["init"]:
                load(self.family.initialise)(model, file)
        for name in names:
            if self.options["resume"] and self.finished(name):
                ui.say(f"{name}: finished before")
                continue
            done = self.stage(name, model, source)
            ui.say(f"{name}: {self.weights if done else 'nothing to train'}")

    def finished(self, name: str) -> bool:
        """Whether the run's weights have this stage behind them."""
        from lipkit.models.parts.weights import read_header

        if not self.weights.is_file():
            return False
        done = read_header(self.weights)["origin"]["steps"].get(name, 0)
        return bool(done >= getattr(self.config.train, name).steps)

    def stage(self, name: str, model: Any, source: Any) -> bool:
        """Train one stage and write the weights; False if the model has nothing for it."""
        from lipkit.training.loop import Limits, main_first, train

        seed, config = self.options["seed"], getattr(self.config.train, name)
        with main_first():  # who speaks a corpus or fills a cache
            stage = load(self.family.stages[name])(model, self.config, source, seed)
        if stage is None:
            return False
        if rank() == 0:
            self.note(name)
        most = min(config.steps, self.options["max_steps"] or config.steps)
        with shown(name, most) as display:
            done = train(
                model,
                stage,
                config,
                self.run,
                seed=seed,
                precision=self.config.train.precision,
                limits=Limits(self.options["max_steps"], self.options["max_time"]),
                resume=self.options["resume"],
                report=display.tell,
                tick=display.tick,
            )
        if rank() == 0:
            self.save(name, model, done)
        return True

    def save(self, name: str, model: Any, steps: int) -> None:
        """Write the weights, with how they came about."""
        from lipkit.config import as_tables
        from lipkit.models.parts import checkpoint
        from lipkit.models.parts.weights import read_header

        before = read_header(self.weights)["origin"]["steps"] if self.weights.is_file() else {}
        tables = as_tables(self.config)
        checkpoint.save(
            model,
            self.weights,
            name=self.name,
            config=tables["model"],
            origin={
                "family": self.family.name,
                "data": self.options["data"] if ":" in self.options["data"] else "folder",
                "seed": self.options["seed"],
                "steps": {**before, name: steps},
                "train": tables["train"],
            },
        )

    def note(self, stage: str) -> None:
        """Write down what repeats this stage: settings for ``--config``, and all that is not one.

        The record has an entry for every stage of every call; other settings than the entry
        before had are pointed out.
        """
        from lipkit.commands.models import toml
        from lipkit.config import as_tables, flatten

        calls = self.calls()
        settings = flatten(as_tables(self.config))
        if calls:
            before = calls[-1]["settings"]
            plain = json.loads(json.dumps(settings))
            changed = [key for key in plain if before.get(key) != plain[key]]
            if changed:
                ui.warn(f"{self.run}: settings changed since it began: {', '.join(changed)}")
        calls.append(
            {
                "family": self.family.name,
                "name": self.name,
                "stage": stage,
                **{
                    key: self.options[key]
                    for key in ("data", "seed", "resume", "max_steps", "init", "begin")
                },
                "processes": int(os.environ.get("WORLD_SIZE", "1")),
                "versions": versions(),
                "settings": settings,
            }
        )
        write_text(self.run / RECORD, json.dumps({"calls": calls}, indent=1) + "\n")
        lines = toml(as_tables(self.config))
        write_text(self.run / SETTINGS, "\n".join(lines) + "\n")

    def calls(self) -> list[dict[str, Any]]:
        """The calls so far."""
        try:
            found: list[dict[str, Any]] = json.loads((self.run / RECORD).read_text())["calls"]
        except (OSError, ValueError, KeyError):
            return []
        return found


def aligned(text: str, run: Path) -> str:
    """The data; instead of a video as it was filmed, the clip in the run that `align` makes of it.

    Other data is as it is.
    """
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.commands._alignment import Alignment
    from lipkit.commands._batch import Item

    path = Path(text)
    if not path.is_file() or sniff(path) is not Kind.VIDEO:
        return text
    clip = run / "clips" / f"{path.stem}.mkv"
    if not clip.is_file():
        clip.parent.mkdir(exist_ok=True)
        align = Alignment(
            template="portrait",
            size=None,
            tracker="mediapipe",
            detector="sfd",
            landmarks=None,
            face="largest",
            on_missing="pass",
            min_score=0.5,
            codec="ffv1",
            crf=None,
            device="auto",
        )
        align(Item((text,), str(clip)))
    return str(clip)


def versions() -> Mapping[str, str]:
    """What computes: lipkit, Python and the packages whose numbers may change."""
    from importlib import metadata

    from lipkit import __version__

    found = {"lipkit": __version__, "python": sys.version.split()[0]}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def write_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    from lipkit.media.target import open_target

    with open_target(path) as part:
        part.write_text(text, encoding="utf-8")


class Shown:
    """The training for people: a bar on a terminal, and a line at every report of the loop."""

    def __init__(self, bar: ui.Progress | None) -> None:
        self.bar = bar

    def tick(self, step: int) -> None:
        """Update number ``step`` is done."""
        if self.bar is not None:
            self.bar.advance(step - self.bar.done)

    def tell(self, progress: Progress) -> None:
        """One line on the state of the training."""
        terms = "  ".join(f"{name} {value:.4f}" for name, value in progress.terms.items())
        scores = "  ".join(f"{name} {value:.3f}" for name, value in progress.scores.items())
        place = f"{progress.stage} {progress.step}/{progress.steps} {progress.seconds:.0f} s"
        line = "  ".join(part for part in (place, terms, scores) if part)
        (ui.say if self.bar is None else self.bar.say)(line)


@contextlib.contextmanager
def shown(stage: str, steps: int) -> Iterator[Shown]:
    """The display of so many updates; off a terminal the lines are enough."""
    if not sys.stderr.isatty():
        yield Shown(None)
        return
    with ui.progress(steps, stage, "steps") as bar:
        yield Shown(bar)
