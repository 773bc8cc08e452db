"""``lipkit sync``: a video and some sound become the same video with other lips."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import jsonl, runtime
from lipkit.commands import _batch, _model, _options, _video
from lipkit.commands._model import ModelWish
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.commands._batch import Item, Plan
    from lipkit.sync.clock import Extend, Length

LENGTHS = ["longest", "video", "audio", "shortest"]
EXTENSIONS = ["pingpong", "loop", "hold"]

timing: _options.Decorator = _options.chain(
    click.option(
        "--length",
        type=click.Choice(LENGTHS),
        default="longest",
        show_default=True,
        help="What rules where picture and sound differ: longest keeps all of both, video all "
        "frames and no more, audio as many as are heard, shortest what both have.",
    ),
    click.option(
        "--extend",
        type=click.Choice(EXTENSIONS),
        default="pingpong",
        show_default=True,
        help="How a picture that is too short goes on: back and forth, from the start, or still.",
    ),
    click.option(
        "--keep-audio",
        type=click.Choice(["replace", "mix"]),
        default="replace",
        show_default=True,
        help="The new sound alone, copied; or over the video's own, which goes on 12 dB lower.",
    ),
    click.option(
        "--audio", metavar="FILE", help="Soundtrack of the result, instead of SOUND's own."
    ),
)

who: _options.Decorator = _options.chain(
    click.option(
        "--face",
        default="largest",
        show_default=True,
        metavar="WHICH",
        help="largest, center, left, right, a number from the left, or a picture of the person.",
    ),
    click.option(
        "--speaker-map",
        metavar="JSON",
        help='Who speaks when: a list of {"start": 0, "end": 2.5, "face": WHICH}, with a "sound": '
        "FILE beside them where that face follows a sound of its own.",
    ),
    click.option(
        "--on-missing",
        type=click.Choice(["pass", "hold", "fail"]),
        default="pass",
        show_default=True,
        help="Frames without the face: leave them alone, edit where it last was, or refuse.",
    ),
)

keeping: _options.Decorator = _options.chain(
    click.option(
        "--work-dir",
        metavar="DIR",
        help="Keep tracked faces and edited regions there, and use what is there already.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Keep them beside the output until it is done; go on where a run broke off.",
    ),
    click.option("--log", metavar="FILE", help="Write what happened as JSON lines."),
    click.option("-n", "--dry-run", is_flag=True, help="Print the plan as JSON; write nothing."),
)

drawing: _options.Decorator = _options.chain(
    _options.knob(
        "--scheduler",
        key="sampling.scheduler",
        type=click.Choice(["ddim", "dpm++"]),
        help="How models that draw the face step from noise to it; dpm++ needs fewer steps.",
    ),
    _options.knob(
        "--edit",
        key="sampling.edit",
        type=click.Choice(["mouth", "eyes", "expression"]),
        help="What vlogger draws anew; all else keeps its pixels. By default the mouth.",
    ),
    _options.knob(
        "--speed",
        key="sampling.speed",
        type=click.Choice(["exact", "fast"]),
        help="fast: such models keep what changes little from step to step.",
    ),
    _options.knob(
        "--compile/--no-compile",
        key="sampling.compile",
        help="Compile such a network first, by torch.compile: slow to begin, then faster.",
    ),
)


@click.command()
@click.argument("inputs", nargs=-1, metavar="VIDEO... SOUND...")
@_options.output
@click.option(
    "--emit",
    type=click.Choice(["video", "crops", "latents"]),
    default="video",
    show_default=True,
    help="crops: a clip of the edited faces; latents: what a model drew before its autoencoder "
    "makes faces of it. Render puts back either.",
)
@click.option("--pairs", metavar="FILE", help="Video and sound, tab between, one pair a line.")
@_options.batch
@_options.force
@_model.option
@who
@timing
@keeping
@drawing
@_model.running
@_video.encode_alike
@_options.common
@click.pass_context
def sync(context: click.Context, /, inputs: tuple[str, ...], **options: Any) -> int:
    """Give a video other lips.

    VIDEO is a film of somebody, or a clip from align; SOUND any file with speech in it, features
    of the model's own encoder, or motion. Frames, their times and all pixels but the mouth's stay
    as they are, and the sound is copied. With one of each, -o names the result; every video meets
    every sound in --out-dir otherwise. One - reads stdin.

    \b
    lipkit sync talk.mp4 dub.wav -o out.mp4
    lipkit sync talks/*.mp4 dub.wav --out-dir dubbed -j 2
    """
    from lipkit.commands._pairing import VIDEO, pair

    # The decoder, the encoder and the edit share the cores; numpy's and torch's own threads, which
    # wait for work by spinning, would take them away. Read when those are imported, below.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    groups = pair(inputs, options["files_from"], options["null"], options["pairs"], VIDEO)
    plan = plan_of(groups, options)
    if options["resume"] and (options["work_dir"] or options["output"] == "-"):
        raise BadUsage("--resume keeps its work beside the output", hint="or use --work-dir alone")
    names = [n for n in Syncing.__dataclass_fields__ if n in options and n != "model"]
    work = Syncing(
        **{name: options[name] for name in names},
        model=ModelWish.of(context),
        video={k: options[k] for k in ("video_codec", "encode_preset", "crf", "container")},
        threads=max(1, runtime.cores() // min(plan.jobs, len(plan.items))),
    )
    if options["dry_run"] and plan.single:
        click.echo(jsonl.row(work(plan.items[0])))
        return 0
    if options["log"] and not options["dry_run"]:
        start_log(options["log"])
    return _batch.execute(plan, work)


def plan_of(groups: list[tuple[str, str]], options: dict[str, Any]) -> Plan:
    """Where the results go; a dry run makes no folder for them."""
    suffixes = {"crops": "mkv", "latents": "safetensors"}
    container = suffixes.get(options["emit"], options["container"] or "mp4")
    return _batch.plan(
        groups,
        output=options["output"],
        out_dir=options["out_dir"],
        suffix=f".{container}",
        files_from=options["files_from"] or options["pairs"],
        jobs=options["jobs"],
        force=options["force"],
        skip_existing=options["skip_existing"],
        dry=options["dry_run"],
    )


def start_log(name: str) -> None:
    """Begin the log anew: it tells of this run."""
    if name == "-":
        raise BadUsage("--log needs a file", hint="/dev/stderr shows it")
    try:
        Path(name).write_bytes(b"")
    except OSError as problem:
        raise BadUsage(f"--log {name}: {problem.strerror}") from None


@dataclass(frozen=True)
class Syncing:
    """How to sync one item; travels to worker processes, which load the model once each."""

    emit: str
    model: ModelWish
    face: str
    speaker_map: str | None
    on_missing: str
    length: Length
    extend: Extend
    keep_audio: str
    audio: str | None
    work_dir: str | None
    resume: bool
    log: str | None
    dry_run: bool
    seed: int
    threads: int = 1
    video: dict[str, Any] = field(default_factory=dict)

    def __call__(self, item: Item) -> dict[str, Any]:
        """Sync one video with one sound; what to say of it in a batch."""
        if self.dry_run:
            from lipkit.commands._sync_plan import foresee

            return foresee(self, item)
        from lipkit.commands._syncing import give_lips

        return give_lips(self, item)
