"""``lipkit align``: aligned face crops out of videos and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lipkit.commands import _batch, _options
from lipkit.commands._alignment import Alignment
from lipkit.errors import BadInput, BadUsage


def _media(names: list[str]) -> list[str]:
    """The inputs, folders replaced by the videos and pictures in them."""
    from lipkit.artifacts.sniff import Kind, sniff

    useful = (Kind.VIDEO, Kind.IMAGE, Kind.CLIP)
    found = []
    for name in names:
        if name == "-" or not Path(name).is_dir():
            found.append(name)
            continue
        inside = [path for path in _batch.expand(name) if Path(path).stat().st_size]
        inside = [path for path in inside if sniff(Path(path)) in useful]
        if not inside:
            raise BadInput(f"{name}: no video or picture in this folder")
        found += inside
    return found


@click.command()
@click.argument("inputs", nargs=-1)
@_options.output
@_options.batch
@_options.force
@click.option(
    "--template",
    type=click.Choice(["square", "latentsync", "portrait"]),
    help="square: the head as in FFHQ (the default); latentsync: eyes to chin as its networks "
    "want it; portrait: head and shoulders, one crop for a whole shot. --filters sets its own.",
)
@click.option(
    "--size", type=click.IntRange(16, 4096), help="Side of the crops; 512, for latentsync 256."
)
@click.option(
    "--tracker",
    type=click.Choice(["mediapipe", "fan", "file"]),
    default="mediapipe",
    show_default=True,
    help="What finds the face.",
)
@click.option(
    "--detector",
    type=click.Choice(["sfd", "blazeface", "retinaface"]),
    default="sfd",
    show_default=True,
    help="What finds boxes for --tracker fan.",
)
@click.option("--landmarks", metavar="FILE", help="Landmarks or boxes for --tracker file.")
@click.option(
    "--face",
    default="largest",
    show_default=True,
    metavar="WHICH",
    help="largest, center, left, right, a number from the left, or a picture of the person.",
)
@click.option(
    "--on-missing",
    type=click.Choice(["pass", "hold", "fail"]),
    default="pass",
    show_default=True,
    help="Frames without the face: mark them, keep the crop where it was, or refuse.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How sure the tracker must be of a face.",
)
@click.option(
    "--codec",
    type=click.Choice(["ffv1", "h264"]),
    default="ffv1",
    show_default=True,
    help="ffv1 is lossless.",
)
@click.option("--crf", type=click.IntRange(0, 51), help="Quality of h264; lower is better.")
@click.option(
    "--filters",
    "recipe",
    type=click.Choice(["latentsync", "mentor"]),
    help="Make training data: cut each video into clips and keep those that pass the filters of "
    "LatentSync's data or of VLOGGER's MENTOR.",
)
@click.option(
    "--filter",
    "asked",
    multiple=True,
    metavar="NAME[=BOUND]",
    help="One filter, alone or over those of --filters, with its bound: N, A..B, A.., ..B or off; "
    "may be repeated. Measures of score are filters, too.",
)
@click.option(
    "--list-filters", is_flag=True, help="Show all filters and their bounds, and do nothing."
)
@click.option("--fps", metavar="N", help="Frames a second of filtered clips; mentor 24, else 25.")
@click.option(
    "--log", metavar="FILE", help="Write a JSON line a piece: every filter's verdict and value."
)
@click.option(
    "--shards",
    type=click.IntRange(1),
    metavar="N",
    help="Pack filtered clips into WebDataset shards of N.",
)
@_options.device
@_options.common
def align(inputs: tuple[str, ...], **options: Any) -> int:
    """Cut aligned face crops out of videos and pictures.

    Each INPUT becomes a clip: a Matroska file of crops with the sound and, attached, where each
    crop came from. Folders stand for the videos and pictures in them; - is standard input.

    With --filters or --filter each video becomes as many clips of an even frame rate, with sound
    at 16 kHz, as pass: DIR/NAME/000.mkv and on, and DIR/NAME.jsonl says what became of every piece.
    """
    filters = {key: options.pop(key) for key in ("recipe", "asked", "fps", "log", "shards")}
    if options.pop("list_filters"):
        from lipkit.commands._prepared import show_filters

        show_filters()
        return 0
    if options["landmarks"] is not None:
        options["tracker"] = "file"
    elif options["tracker"] == "file":
        raise BadUsage("--tracker file needs --landmarks FILE")
    if filters["recipe"] or filters["asked"]:
        return _prepare(inputs, filters, options)
    for name in ("fps", "log", "shards"):
        if filters[name] is not None:
            raise BadUsage(f"--{name} is for filtered clips", hint="add --filters or --filter")
    options["template"] = options["template"] or "square"
    files_from, null = options.pop("files_from"), options.pop("null")
    keys = ("output", "out_dir", "jobs", "force", "skip_existing")
    outputs = {key: options.pop(key) for key in keys}
    names = _media(_batch.listed((), files_from, null) + list(inputs))
    plan = _batch.plan([(name,) for name in names], suffix=".mkv", files_from=files_from, **outputs)
    return _batch.execute(plan, Alignment(**options))


def _prepare(inputs: tuple[str, ...], filters: dict[str, Any], options: dict[str, Any]) -> int:
    """Clips that pass filters, out of each video."""
    from lipkit.commands import _prepared, _preparing
    from lipkit.filters.rules import RECIPES, rules

    output, out_dir = options.pop("output"), options.pop("out_dir")
    if out_dir is None or output is not None:
        raise BadUsage("filters make several clips of a video", hint="use --out-dir DIR, not -o")
    files_from, null = options.pop("files_from"), options.pop("null")
    batch = {key: options.pop(key) for key in ("jobs", "force", "skip_existing")}
    recipe = RECIPES.get(filters["recipe"] or "")
    options["template"] = options["template"] or (recipe.template if recipe else "square")
    fps = _options.frame_rate(filters["fps"] or (str(recipe.fps) if recipe else "25"))
    chosen = _preparing.runnable(rules(filters["recipe"], filters["asked"]))
    names = _batch.read_names(files_from, "--files-from", null=null) if files_from else []
    _prepared.check_shards(Path(out_dir), filters["shards"], batch["force"])
    plan = _preparing.plan(_preparing.videos([*names, *inputs]), out_dir, **batch)
    work = _preparing.Preparation(Alignment(**options), chosen, fps, out_dir)
    status = _batch.execute(plan, work)
    return _prepared.conclude(plan, work, Path(out_dir), filters, status)
