"""From latents to the finished video: decoded, and put where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import provenance, registry, runtime, ui
from lipkit.commands import _video
from lipkit.commands._portrait import about, read_portrait
from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.artifacts.latents import Latents
    from lipkit.artifacts.rows import Rows
    from lipkit.commands._batch import Item
    from lipkit.commands.render import Rendering
    from lipkit.media.video import AudioTrack
    from lipkit.models.finishing import Finish
    from lipkit.protocols import Frames

AT_ONCE = 16  # latents of a portrait that are decoded before they are written


@dataclass(frozen=True)
class Draft:
    """Latents, what finishes them, and what the result will carry."""

    rows: Rows
    latents: Latents
    found: Finish
    record: dict[str, Any]
    sound: AudioTrack | None


def finish(
    wish: Rendering, item: Item, path: Path, source: Path, track: AudioTrack | None
) -> dict[str, Any]:
    """The video that latents were drawn for, on the source that they were made of."""
    from lipkit.artifacts.latents import read_latents, require_source
    from lipkit.models import finishing

    made, name = item.inputs
    with about(made):
        rows, latents = read_latents(path)
    if latents.content == "seen":
        raise BadInput(f"{made}: faces that have yet to speak", hint="lipkit sync takes them")
    if latents.content == "faces" and wish.fps != "source":
        raise BadUsage(f"{made}: faces of a video, whose frames keep their times", hint="no --fps")
    require_source(latents, provenance.digest(source), name, made)
    found = finishing.load(latents, wish.model, made, wish.device)
    put = onto_video if latents.content == "faces" else onto_picture
    record = record_of(wish, item, path, source, latents, found)
    with ExitStack() as stack:
        sound = track or stack.enter_context(sound_of(latents))
        return put(wish, item, source, Draft(rows, latents, found, record, sound))


def record_of(
    wish: Rendering, item: Item, path: Path, source: Path, latents: Latents, found: Finish
) -> dict[str, Any]:
    """How the result was made."""
    made, name = item.inputs
    inputs = [provenance.source(name, source), provenance.source(made, path, latents.provenance)]
    return provenance.record("render", {"fps": wish.fps}, inputs, found.digests)


@contextmanager
def sound_of(latents: Latents) -> Iterator[AudioTrack | None]:
    """The sound that lies beside the latents, ended as their run ended it."""
    from lipkit.media.soundtrack import unpack_sound

    with unpack_sound(latents.sound) as track:
        end = latents.facts.get("seconds")
        yield replace(track, duration=Fraction(end)) if track and end else track


def onto_video(wish: Rendering, item: Item, video: Path, draft: Draft) -> dict[str, Any]:
    """New faces into the video: the very edit of ``sync``, but for what is drawn already."""
    from lipkit.media.probe import require_video
    from lipkit.sync.cast import Role
    from lipkit.sync.drawing import clock_of, places_of
    from lipkit.sync.driver import Performance, perform
    from lipkit.sync.source import Source
    from lipkit.sync.tracking import track_of

    made, name = item.inputs
    latents, found = draft.latents, draft.found
    try:
        clock, drawn = clock_of(latents), places_of(latents, draft.rows)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise BadInput(f"{made}: damaged latents: {problem}") from None
    with about(name):
        _, info = require_video(video)
    target = _video.Target(item.output, **wish.video)
    storage = target.storage(info)
    for note in storage.notes:
        ui.warn(f"{name}: {note}")
    source = Source(video, latents.geometry.times, info.size, storage.pixel)
    editor = registry.load(found.family.finisher or "")(found.config, found.coder)
    track = track_of(latents.geometry)
    role = Role(track, editor.study(track, source.read))
    performance = Performance(editor, drawn, [role])
    writer = _video.open_video(
        target, source.size, draft.record, times=clock.times, sound=draft.sound, storage=storage
    )
    frames = perform(source, clock, performance, threads=runtime.cores())
    _video.write_all(writer, frames, len(clock))
    return {"frames": len(clock), "fps": str(latents.geometry.fps)}


def onto_picture(wish: Rendering, item: Item, picture: Path, draft: Draft) -> dict[str, Any]:
    """A talking crop into the picture, at the rate that its run was asked for."""
    from lipkit.commands._performance import paced
    from lipkit.commands.render import require_size
    from lipkit.models.parts.canvas import Canvas

    made, name = item.inputs
    latents, geometry = draft.latents, draft.latents.geometry
    image = read_portrait(picture, name, int(latents.facts.get("max_side", wish.max_side))).rgb
    require_size(name, (image.shape[1], image.shape[0]), made, geometry)
    canvas = Canvas(image, geometry.matrix[0], geometry.size[0], None)
    rate = _video.rate_of(wish.fps, geometry.fps)
    total = max(1, round(len(draft.rows) * rate / latents.fps))
    crops = paced(decoded(draft.rows, draft.found), latents.fps, rate, total)
    target = _video.Target(item.output, **wish.video)
    sound = draft.sound
    writer = _video.open_video(target, geometry.frame_size, draft.record, fps=rate, sound=sound)
    _video.write_all(writer, _video.pasted(canvas, crops), total)
    return {"frames": total, "fps": str(rate)}


def decoded(rows: Rows, found: Finish) -> Iterator[Frames]:
    """Crops ``(f, r, r, 3)`` of all latents, some at a time."""
    import torch

    from lipkit.models.parts import vae
    from lipkit.models.parts.canvas import frames_of
    from lipkit.models.parts.placing import place

    place((found.coder,), found.coder.device, found.config.sampling.precision)
    for first in range(0, len(rows), AT_ONCE):
        some = torch.from_numpy(rows.read(first, min(first + AT_ONCE, len(rows))))
        with torch.inference_mode():
            yield frames_of(vae.pictures_of(found.coder, some.to(found.coder.device)))
