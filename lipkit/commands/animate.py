"""``lipkit animate``: one picture and some sound become a talking video."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lipkit import ui
from lipkit.commands import _batch, _live, _model, _options, _portrait, _speech, _video
from lipkit.commands._model import ModelWish
from lipkit.commands._options import knob

if TYPE_CHECKING:
    from lipkit.commands._batch import Item

DEFAULT = ParameterSource.DEFAULT
FOLLOWING = "liveportrait"  # the model that follows videos best
SUFFIXES = {"video": ".mp4", "crops": ".mkv"}
SUFFIXES |= {"latents": ".safetensors", "motion": ".safetensors"}


@click.command()
@click.argument("inputs", nargs=-1, metavar="PORTRAIT... SOUND...")
@_options.output
@click.option(
    "--emit",
    type=click.Choice(list(SUFFIXES)),
    default="video",
    show_default=True,
    help="Stop early: motion or latents (safetensors), or crops (a clip), which render finishes.",
)
@click.option("--drive", metavar="VIDEO", help="Follow the face in this video, not a sound.")
@_speech.text
@_live.options
@click.option("--pairs", metavar="FILE", help="Portrait and sound, tab between, one pair a line.")
@_options.batch
@_options.force
@_model.option
@_portrait.options
@click.option(
    "--fps", default="25", show_default=True, help="Frames a second, or source, as by --drive."
)
@knob("--head-motion", key="sampling.head_motion", type=click.FloatRange(0, 3), help="Its scale.")
@knob(
    "--gaze",
    key="controls.gaze",
    type=_options.numbers,
    metavar="THETA,PHI",
    help="Where the eyes mostly look: degrees to image-right and down.",
)
@knob("--distance", key="controls.distance", type=float, help="Nearer heads: 0.1 is a tenth.")
@knob(
    "--emotion",
    key="controls.emotion",
    type=_options.numbers_or_name,
    metavar="NAME|SHARES",
    help="The mood, by its name or as a number for each that the model knows.",
)
@knob("--gaze-guidance", key="sampling.gaze_guidance", type=float, help="How strictly.")
@knob("--distance-guidance", key="sampling.distance_guidance", type=float, help="How strictly.")
@knob("--emotion-guidance", key="sampling.emotion_guidance", type=float, help="How strictly.")
@knob("--blink/--no-blink", key="sampling.blink", help="Whether the eyes blink.")
@knob(
    "--region",
    key="sampling.region",
    type=click.Choice(["box", "wide", "tall", "none"]),
    help="Where models that draw the face may put it: its box, wider, taller, anywhere.",
)
@_model.running
@_video.encode
@_options.common
@click.pass_context
def animate(context: click.Context, /, inputs: tuple[str, ...], **options: Any) -> int:
    """Make a portrait talk.

    PORTRAIT is a picture of a face; SOUND is any file with speech in it, features of the model's
    own encoder, or a motion file. With one of each, -o names the result; every portrait is
    combined with every sound in --out-dir otherwise. One - reads stdin.

    \b
    lipkit animate face.jpg speech.wav -o talk.mp4
    lipkit animate faces/*.jpg speech/*.wav --out-dir talks -j 4
    lipkit animate face.jpg --text "Hello" -o hello.mp4
    lipkit animate face.jpg --drive actor.mp4 -o acting.mp4
    arecord -f S16_LE -r 16000 | lipkit animate face.jpg - --live -o - | ffplay -
    """
    from lipkit.commands._pairing import pair

    model, fps = ModelWish.of(context), options["fps"]
    if options["text"] is not None:
        speaking = _speech.Speaking(options["voice"])
        inputs = (*inputs, context.with_resource(_speech.spoken(options["text"], speaking)))
    if options["drive"]:
        inputs = (*inputs, options["drive"])
        untold = {n for n in ("model", "fps") if context.get_parameter_source(n) is DEFAULT}
        model = replace(model, name=follower()) if "model" in untold else model
        fps = "source" if "fps" in untold else fps
    groups = pair(inputs, options["files_from"], options["null"], options["pairs"])
    plan = _batch.plan(
        groups,
        output=options["output"],
        out_dir=options["out_dir"],
        suffix=SUFFIXES[options["emit"]],
        files_from=options["files_from"] or options["pairs"],
        jobs=options["jobs"],
        force=options["force"],
        skip_existing=options["skip_existing"],
    )
    work = Animation(
        emit=options["emit"],
        model=model,
        codec=options["codec"],
        face=options["face"],
        fps=fps,
        audio=options["audio"],
        max_side=options["max_side"],
        seed=options["seed"],
        follow=options["drive"] is not None,
        live=options["live"],
        pcm=options["pcm"],
        video={k: options[k] for k in ("video_codec", "crf", "container")},
    )
    return _batch.execute(plan, work)


def follower() -> str:
    """The model that follows a video where none is named: LivePortrait, if its weights are here."""
    from lipkit.models.parts.weights import find

    if find(FOLLOWING).present:
        return FOLLOWING
    ui.say(f"the default follows the video; `lipkit models pull {FOLLOWING}` gets what does better")
    return "builtin"


@dataclass(frozen=True)
class Animation:
    """How to animate one item; travels to worker processes, which load the model once each."""

    emit: str
    model: ModelWish
    codec: str | None
    face: str
    fps: str
    audio: str | None
    max_side: int
    seed: int
    follow: bool = False  # the face of the second input, not its sound
    live: bool = False  # the sound comes while it is being made
    pcm: str | None = None
    video: dict[str, Any] = field(default_factory=dict)

    def __call__(self, item: Item) -> dict[str, Any]:
        """Animate one portrait with one sound; what to say of it in a batch."""
        if self.live:
            from lipkit.commands._live import talk_live

            return talk_live(self, item)
        from lipkit.commands._talk import talk

        return talk(self, item)
