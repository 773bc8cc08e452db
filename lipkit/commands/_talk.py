"""From a portrait and a sound to motion, crops or a video: the stages of ``animate`` in a row."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import provenance, ui
from lipkit.commands import _video
from lipkit.commands._drive import Drive, codec_for, open_drive
from lipkit.commands._model import load
from lipkit.commands._performance import perform
from lipkit.commands._portrait import open_appearance
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.commands._batch import Item
    from lipkit.commands.animate import Animation


def talk(wish: Animation, item: Item) -> dict[str, Any]:
    """Make what ``wish`` asks for of one portrait and one sound; facts for a batch's row."""
    from lipkit.media.source import open_source
    from lipkit.media.video import AudioTrack

    loaded = load(wish.model, "animate")
    if loaded.family.performer is not None:
        return perform(wish, item, loaded)
    if wish.emit == "latents":
        hint = "it makes --emit motion, crops or video"
        raise BadUsage(f"{wish.model.name} draws no latents", hint=hint)
    codec = codec_for(loaded, wish.codec)
    portrait, sound = item.inputs
    with ExitStack() as stack:
        path = stack.enter_context(open_source(sound))
        drive = stack.enter_context(
            open_drive(loaded, codec, path, sound, wish.fps, wish.seed, follow=wish.follow)
        )
        if wish.audio is not None:
            track = stack.enter_context(open_source(wish.audio))
            drive = replace(drive, sound=AudioTrack(track))
        heard = provenance.source(sound, path, drive.history)
        if wish.emit == "motion":
            write_motion(item, drive, record_of(wish, codec.name, [heard], drive))
        else:
            picture = stack.enter_context(open_source(portrait))
            inputs = [provenance.source(portrait, picture), heard]
            record = record_of(wish, codec.name, inputs, drive)
            shown = open_appearance(codec, picture, portrait, wish.face, wish.max_side)
            target = _video.Target(item.output, **wish.video)
            crops_only = wish.emit == "crops"
            _video.write_rendered(codec, shown, drive, target, crops_only=crops_only, record=record)
    return {"frames": drive.total, "fps": str(drive.fps)}


def record_of(
    wish: Animation, codec: str, inputs: list[dict[str, Any]], drive: Drive
) -> dict[str, Any]:
    """How the result was made."""
    own = {"codec": codec, "face": wish.face, "fps": wish.fps, "seed": wish.seed}
    return provenance.record("animate", own | wish.model.record, inputs, drive.weights)


def write_motion(item: Item, drive: Drive, record: dict[str, Any]) -> None:
    """The motion file, with the sound packed in."""
    import numpy as np

    from lipkit.artifacts import motion as files
    from lipkit.media.soundtrack import pack_sound

    rows = []
    with ui.progress(drive.total, item.output) as shown:
        for chunk in drive.chunks:
            rows.append(chunk)
            shown.advance(len(chunk))
    sound = pack_sound(drive.sound.path) if drive.sound else None
    motion = files.Motion(np.concatenate(rows), drive.layout, drive.fps, sound, record)
    files.write_motion(None if item.output == "-" else Path(item.output), motion)
