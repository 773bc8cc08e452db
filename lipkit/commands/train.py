"""``lipkit train``: from data to weights that every verb accepts as ``--model``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from lipkit import ui
from lipkit.commands import _options
from lipkit.commands._training import Training, aligned, rank
from lipkit.errors import BadInput, BadUsage
from lipkit.registry import FAMILIES, load, nearest, resolve

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
    "toy: draws talking cartoons (toy:size=64,people=50); a folder holds clips, shards or a "
    "corpus; a tar file is a shard.",
)
@click.option("-o", "--output", required=True, metavar="RUN", help="The run's directory.")
@click.option("--max-steps", type=click.IntRange(min=1), help="Stop each stage after so many.")
@click.option(
    "--max-time", callback=seconds_of, metavar="TIME", help="Stop each stage: 90, 45m, 2h."
)
@click.option("--resume", is_flag=True, help="Go on where RUN stopped; equals an unbroken run.")
@click.option(
    "--init",
    multiple=True,
    metavar="FILE",
    help="Begin with the weights of another model that FILE holds, such as Stable Diffusion's; "
    "give it again for each part.",
)
@click.option(
    "--from",
    "begin",
    metavar="MODEL",
    help="Begin with the weights and settings of a preset, a run or a weights file.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Train nothing; write N takes of toy:, clips or shards into RUN/examples, to look at.",
)
@_options.seed()
@_options.settings
@_options.common
def train(family: str, **options: Any) -> int:
    """Train a model family, stage by stage.

    Whatever RUN holds at the end of a stage can be used at once: --model RUN. Needs the train
    extra; voices: needs espeak-ng, flite and festival.

    Runs on one device, or on many under accelerate launch. RUN keeps the settings, logs for
    tensorboard and sheets of samples.

    \b
    lipkit train vasa --preset builtin --data voices: -o runs/builtin
    lipkit train vasa --preset tiny-vasa --data voices:minutes=5 -o runs/try --max-steps 20
    lipkit train latentsync --preset latentsync-1.5 --data CLIPS -o RUN --init SD15/unet.safetensors
    lipkit train vasa --data toy:size=256 --examples 4 -o toys
    """
    from lipkit import config as settings
    from lipkit.training.data import open_data

    described = resolve(FAMILIES, family, "family")
    config = settings.resolve(
        load(described.config),
        preset=tables_of(options["preset"], options["begin"], family),
        file=options["config_file"],
        sets=options["sets"],
    )
    usual = [name for name in described.stages if name not in described.on_request]
    names = [f"stage{n}" if n.isdigit() else n for n in options["stages"]] or usual
    for name in names:
        if name not in described.stages:
            guess = nearest(name, list(described.stages)) or ", ".join(described.stages)
            raise BadUsage(f"{family} has no stage {name!r}", hint=f"did you mean {guess}?")
    if options["init"] and described.initialise is None:
        raise BadUsage(f"{family} begins with fresh weights only", hint="leave --init out")
    if options["examples"]:
        return show(options["data"], Path(options["output"]), options["examples"])
    if rank():  # the first process speaks for all
        ui.settings.verbosity = -1
    run = open_run(Path(options["output"]), resume=options["resume"])
    source = open_data(aligned(options["data"], run), run, ui.say)
    name = options["preset"] or family
    Training(name, described, config, run, options).stages(names, source)
    return 0


def show(text: str, run: Path, count: int) -> int:
    """Write some takes of the data, to look at."""
    from lipkit.training.data import footage, open_data
    from lipkit.training.examples import write_examples

    data = footage(open_data(text, run), "--examples")
    for path in write_examples(data, run / "examples", count):
        ui.say(str(path))
    return 0


def tables_of(preset: str | None, begin: str | None, family: str) -> Any:
    """The tables of a preset, or of the model to begin with; another family's are a usage error."""
    from lipkit.config import load_preset

    if begin is not None:
        return tables_from(begin, preset, family)
    if preset is None:
        return None
    found = load_preset(preset)
    if found.family != family:
        raise BadUsage(f"{preset} is a preset of {found.family}, not of {family}")
    return found.tables


def tables_from(begin: str, preset: str | None, family: str) -> dict[str, Any]:
    """The tables of a trained model; its training's too, where it was trained by lipkit."""
    from lipkit.models import find
    from lipkit.models.parts.weights import read_header

    if preset is not None:
        raise BadUsage("--from brings the settings along", hint="leave --preset out")
    path, own, tables = find(begin)
    if own != family:
        raise BadUsage(f"{begin} is a model of {own}, not of {family}")
    header = read_header(path)
    train = {"train": header["origin"]["train"]} if "train" in header["origin"] else {}
    return {**tables, **train, "model": header["config"]}


def open_run(run: Path, *, resume: bool) -> Path:
    """The run's directory; one with a training in it is gone on with on request only."""
    if any(run.glob("*.state.safetensors")) and not resume and rank() == 0:
        raise BadInput(f"{run}: holds a training already", hint="give --resume, or another RUN")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadInput(f"{run}: {problem.strerror}") from None
    return run
