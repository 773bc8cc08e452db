"""Latents into files: where a run stops that draws them but does not decode them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import ui
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.artifacts.latents import Latents
    from lipkit.commands._batch import Item
    from lipkit.commands._performance import Part
    from lipkit.commands._portrait import Portrait
    from lipkit.commands._sync_inputs import Engine, Material
    from lipkit.commands._syncing import Scene
    from lipkit.commands._video import Course
    from lipkit.commands.animate import Animation
    from lipkit.commands.sync import Syncing
    from lipkit.media.video import AudioTrack
    from lipkit.models import Loaded
    from lipkit.protocols import Floats


def check_faces(wish: Syncing, engine: Engine) -> None:
    """Refuse what no latents file can hold."""
    from lipkit.sync.crops import CropEditor

    name = wish.model.name
    if not isinstance(engine.editor, CropEditor) or engine.loaded.family.finisher is None:
        raise BadUsage(f"{name} draws no latents", hint="it makes --emit crops or video")
    if wish.speaker_map is not None:
        raise BadUsage("latents are of one face and one sound", hint="leave --speaker-map out")


def write_faces(
    wish: Syncing,
    item: Item,
    material: Material,
    engine: Engine,
    scene: Scene,
    record: dict[str, Any],
    sound: AudioTrack | None,
) -> None:
    """The latents of a video's new faces, and all that puts them back."""
    from lipkit import provenance
    from lipkit.artifacts.latents import Latents
    from lipkit.models.finishing import coder_of, model_facts
    from lipkit.sync import drawing
    from lipkit.sync.crops import CropEditor

    editor, (role,), clock = engine.editor, scene.cast, scene.clock
    assert isinstance(editor, CropEditor)
    form = editor.cropping
    cuts = drawing.windows(clock, scene.source, editor.beat, role)
    tensors, facts = drawing.kept_clock(clock)
    tensors["starts"] = drawing.first_frames(clock, cuts, form.fps, form.window)
    facts |= {"span": form.window + 2 * form.margin}
    digest = provenance.digest(material.video)
    latents = Latents(
        content="faces",
        coder=coder_of(engine.loaded),
        model=model_facts(engine.loaded),
        fps=form.fps,
        frames=len(clock),
        geometry=drawing.kept_geometry(scene.tracked[0].geometry, role.track, digest),
        tensors=tensors,
        facts=facts | ended(sound),
        sound=packed(sound),
        provenance=record,
    )
    drawn = drawing.draw(scene.source, clock, editor, scene.voice, role, wish.threads)
    write(item, latents, drawn, len(cuts) * int(facts["span"]))


def write_portrait(
    wish: Animation,
    item: Item,
    loaded: Loaded,
    portrait: Portrait,
    drawn: Iterable[Floats],
    part: Part,
    course: Course,
    record: dict[str, Any],
) -> None:
    """The latents of a talking portrait's crop, and all that puts it back."""
    from lipkit.artifacts.latents import Latents
    from lipkit.commands._video import geometry_of
    from lipkit.models.finishing import coder_of, model_facts

    latents = Latents(
        content="portrait",
        coder=coder_of(loaded),
        model=model_facts(loaded),
        fps=Fraction(loaded.config.model.fps),
        frames=course.total,
        geometry=geometry_of(portrait, 1, course.fps, record["inputs"][0]["sha256"]),
        facts={"max_side": wish.max_side} | ended(course.sound),
        sound=packed(course.sound),
        provenance=record,
    )
    write(item, latents, drawn, part.frames)


def write(item: Item, latents: Latents, drawn: Iterable[Floats], count: int) -> None:
    """A file of ``count`` latents that come in pieces ``(r, c, h, w)``."""
    from lipkit.artifacts.latents import open_latents_writer

    pieces = iter(drawn)
    first = next(pieces, None)
    if first is None:
        raise ValueError(f"{item.output}: nothing was drawn")
    path = None if item.output == "-" else Path(item.output)
    shape = (count, *first.shape[1:])
    with (
        open_latents_writer(path, latents, shape) as append,
        ui.progress(count, item.output) as shown,
    ):
        for piece in chain([first], pieces):
            append(piece)
            shown.advance(len(piece))


def packed(sound: AudioTrack | None) -> bytes | None:
    """The sound that the finished video will carry."""
    from lipkit.media.soundtrack import pack_sound

    return pack_sound(sound.path) if sound else None


def ended(sound: AudioTrack | None) -> dict[str, Any]:
    """After how many seconds that sound ends, if it is to end before its time."""
    return {"seconds": str(Fraction(sound.duration))} if sound and sound.duration else {}
