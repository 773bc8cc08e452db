"""``lipkit train``: from data to weights that every verb accepts as ``--model``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import ui
from lipkit.commands import _options
from lipkit.errors import BadInput, BadUsage
from lipkit.registry import FAMILIES, load, nearest, resolve

if TYPE_CHECKING:
    from lipkit.training.loop import Progress

TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def seconds_of(context: click.Context, parameter: click.Parameter, value: Any) -> float | None:
    """Seconds in a time such as 90, 45m or 1h30m."""
    if value is None:
        return None
    found = TIME.fullmatch(value)
    if not value or found is None:
        raise click.BadParameter("write it as 90, 45m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(3600 * hours + 60 * minutes + seconds)


@click.command()
@click.argument("family")
@click.option("--preset", help="Start from the settings of a preset.")
@click.option("--stage", "stages", multiple=True, help="Only this stage; else all, in order.")
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="voices: speaks a corpus by free synthesizers (voices:minutes=N for another length); "
    "a folder holds one.",
)
@click.option("-o", "--output", required=True, metavar="RUN", help="The run's directory.")
@click.option("--max-steps", type=click.IntRange(min=1), help="Stop each stage after so many.")
@click.option(
    "--max-time", callback=seconds_of, metavar="TIME", help="Stop each stage: 90, 45m, 2h."
)
@click.option("--resume", is_flag=True, help="Go on where RUN stopped; equals an unbroken run.")
@_options.seed()
@_options.settings
@_options.common
def train(family: str, **options: Any) -> int:
    """Train a model family, stage by stage.

    Whatever RUN holds at the end of a stage can be used at once: --model RUN. Needs the train
    extra; voices: needs espeak-ng, flite and festival.

    \b
    lipkit train vasa --preset builtin --data voices: -o runs/builtin
    lipkit train vasa --preset tiny-vasa --data voices:minutes=5 -o runs/try --max-steps 20
    """
    from lipkit import config as settings
    from lipkit.training.voices.source import parse

    described = resolve(FAMILIES, family, "family")
    config = settings.resolve(
        load(described.config),
        preset=tables_of(options["preset"], family),
        file=options["config_file"],
        sets=options["sets"],
    )
    names = list(options["stages"] or described.stages)
    for name in names:
        if name not in described.stages:
            guess = nearest(name, list(described.stages)) or ", ".join(described.stages)
            raise BadUsage(f"{family} has no stage {name!r}", hint=f"did you mean {guess}?")
    run = open_run(Path(options["output"]), resume=options["resume"])
    source = parse(options["data"], run, ui.say)
    name = options["preset"] or family
    Training(name, described, config, run, options).stages(names, source)
    return 0


def tables_of(preset: str | None, family: str) -> Any:
    """The preset's tables; one of another family is a usage error."""
    from lipkit.config import load_preset

    if preset is None:
        return None
    found = load_preset(preset)
    if found.family != family:
        raise BadUsage(f"{preset} is a preset of {found.family}, not of {family}")
    return found.tables


def open_run(run: Path, *, resume: bool) -> Path:
    """The run's directory; one with a training in it is gone on with on request only."""
    if any(run.glob("*.state.safetensors")) and not resume:
        raise BadInput(f"{run}: holds a training already", hint="give --resume, or another RUN")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(f"{run}: {problem.strerror}") from None
    return run


class Training:
    """One call of ``train``: which model, where, how long."""

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
        for name in names:
            if self.options["resume"] and self.finished(name):
                ui.say(f"{name}: finished before")
                continue
            self.stage(name, model, source)
            ui.say(f"{name}: {self.weights}")

    def finished(self, name: str) -> bool:
        """Whether the run's weights have this stage behind them."""
        from lipkit.models.parts.weights import read_header

        if not self.weights.is_file():
            return False
        done = read_header(self.weights)["origin"]["steps"].get(name, 0)
        return bool(done >= getattr(self.config.train, name).steps)

    def stage(self, name: str, model: Any, source: Any) -> None:
        """Train one stage and write the weights."""
        from lipkit.training.loop import Limits, train

        seed = self.options["seed"]
        stage = load(self.family.stages[name])(model, self.config, source, seed)
        done = train(
            model,
            stage,
            getattr(self.config.train, name),
            self.run,
            seed=seed,
            precision=self.config.train.precision,
            limits=Limits(self.options["max_steps"], self.options["max_time"]),
            resume=self.options["resume"],
            report=tell,
        )
        self.save(name, model, done)

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


def tell(progress: Progress) -> None:
    """One line on the state of the training."""
    terms = "  ".join(f"{name} {value:.4f}" for name, value in progress.terms.items())
    scores = "  ".join(f"{name} {value:.3f}" for name, value in progress.scores.items())
    place = f"{progress.stage} {progress.step}/{progress.steps} {progress.seconds:.0f} s"
    ui.say("  ".join(part for part in (place, terms, scores) if part))
