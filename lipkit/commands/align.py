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
    default="square",
    show_default=True,
    help="square: the head as in FFHQ; latentsync: eyes to chin as its networks want it; "
    "portrait: head and shoulders, one crop for a whole shot.",
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
@_options.device
@_options.common
def align(inputs: tuple[str, ...], **options: Any) -> int:
    """Cut aligned face crops out of videos and pictures.

    Each INPUT becomes a clip: a Matroska file of crops with the sound and, attached, where each
    crop came from. Folders stand for the videos and pictures in them; - is standard input.
    """
    files_from, null = options.pop("files_from"), options.pop("null")
    keys = ("output", "out_dir", "jobs", "force", "skip_existing")
    outputs = {key: options.pop(key) for key in keys}
    if options["landmarks"] is not None:
        options["tracker"] = "file"
    elif options["tracker"] == "file":
        raise BadUsage("--tracker file needs --landmarks FILE")
    names = _media(_batch.listed((), files_from, null) + list(inputs))
    plan = _batch.plan([(name,) for name in names], suffix=".mkv", files_from=files_from, **outputs)
    return _batch.execute(plan, Alignment(**options))
