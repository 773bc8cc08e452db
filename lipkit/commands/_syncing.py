"""From a video and a sound to the video with other lips: the stages of ``sync`` in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import ui
from lipkit.commands import _latents, _video
from lipkit.commands._portrait import about
from lipkit.commands._sync_faces import Tracked, cast_of, track_all
from lipkit.commands._sync_inputs import (
    Engine,
    Material,
    engine_of,
    open_material,
    record_of,
    wanted,
)
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.commands._batch import Item
    from lipkit.commands.sync import Syncing
    from lipkit.media.storage import Storage
    from lipkit.media.video import AudioTrack, VideoWriter
    from lipkit.protocols import Editor, Pixels
    from lipkit.sync.cast import Role
    from lipkit.sync.clock import Clock
    from lipkit.sync.events import Log
    from lipkit.sync.journal import WorkFolder
    from lipkit.sync.source import Source


@dataclass(frozen=True)
class Scene:
    """A video ready to be edited: its frames, who speaks in it, and its clock under the sound."""

    source: Source
    storage: Storage
    tracked: Sequence[Tracked]
    cast: Sequence[Role]
    clock: Clock
    voice: Any


def give_lips(wish: Syncing, item: Item) -> dict[str, Any]:
    """Make what ``wish`` asks for of one video and one sound; facts for a batch's row."""
    from lipkit.sync.events import open_log

    with ExitStack() as stack:
        material = open_material(stack, wish, item)
        log = stack.enter_context(open_log(Path(wish.log) if wish.log else None, item.inputs[0]))
        target = _video.target_of(item.output, wish.video, wish.emit)
        work = work_folder(wish, item)
        engine = engine_of(wish)
        if wish.emit == "latents":
            _latents.check_faces(wish, engine)
        scene = set_scene(wish, material, target, engine, log, work)
        record = record_of(wish, material, engine)
        if wish.emit == "latents":
            with sounding(wish, material, scene) as sound:
                _latents.write_faces(wish, item, material, engine, scene, record, sound)
        else:
            film(wish, material, target, engine, scene, record, work)
        if wish.resume and work is not None:
            work.clear()
    spoken = sum(any(role.track.valid[row] for role in scene.cast) for row in scene.clock.rows)
    facts = {"frames": len(scene.clock), "with_face": spoken}
    return facts | {"fps": str(scene.tracked[0].geometry.fps)}


def work_folder(wish: Syncing, item: Item) -> WorkFolder | None:
    """Where finished work is kept, if anywhere."""
    from lipkit.sync.journal import WorkFolder

    if wish.work_dir is not None:
        return WorkFolder(Path(wish.work_dir))
    return WorkFolder(Path(f"{item.output}.lipkit")) if wish.resume else None


def set_scene(
    wish: Syncing,
    material: Material,
    target: _video.Target,
    engine: Engine,
    log: Log,
    work: WorkFolder | None,
) -> Scene:
    """Hear the sound, track the faces, lay the clock, study who speaks."""
    from lipkit.media.probe import require_video
    from lipkit.media.video import opaque
    from lipkit.sync.clock import lay
    from lipkit.sync.events import about_length
    from lipkit.sync.source import Source

    shown = material.names[0]
    with about(shown):
        _, video = require_video(material.video)
    storage = target.storage(video)
    for note in storage.notes:
        ui.warn(f"{shown}: {note}")
        log.add("fallback", note=note)
    voices, seconds = voices_of(material, engine.editor)
    with about(shown):
        tracked = track_all(wish, material, engine.editor, log, work)
        first = tracked[0].geometry
        if wish.emit == "crops" and len(tracked) > 1:
            raise BadUsage("a clip of crops shows one face", hint="choose it by --face")
        pixel = opaque(storage.pixel) if wish.emit == "crops" else storage.pixel
        source = Source(material.video, first.times, video.size, pixel)
        clock = lay(first.times, first.fps, seconds, wish.length, wish.extend)
        about_length(log, clock, seconds, len(first), wish.length)
        tell_length(shown, clock, seconds, len(first))
        cast = cast_of(wanted(wish), tracked, voices, engine.editor, source, log)
    return Scene(source, storage, tracked, cast, clock, voices[material.names[1]])


def voices_of(material: Material, editor: Editor) -> tuple[dict[str, Any], Fraction]:
    """What the editor keeps of each sound, by its name, and how long the sound of all lasts."""
    from lipkit.sync.sound import take_in

    heard = material.names[1]
    taken = {}
    for name, path in {**material.voices, heard: material.sound}.items():
        with about(name):
            taken[name] = take_in(editor, path, name)
    return {name: voice for name, (voice, _) in taken.items()}, taken[heard][1]


def tell_length(name: str, clock: Clock, seconds: Fraction, frames: int) -> None:
    """Say what was decided where picture and sound differ."""
    from lipkit.sync.clock import LATITUDE

    heard, shown = f"{float(seconds):.2f} s of sound", f"{float(clock.end):.2f} s of picture"
    if len(clock) > clock.whole:
        ui.say(f"{name}: extended by {len(clock) - clock.whole} frames for {heard} (--length)")
    elif clock.whole < frames:
        ui.say(f"{name}: {frames - clock.whole} frames cut after {heard} (--length)")
    elif seconds > clock.end + LATITUDE:
        ui.say(f"{name}: {heard}, {shown}: the end of the sound is cut (--length)")
    elif clock.end - seconds > 1:
        ui.say(f"{name}: {heard}, {shown}: the lips rest at the end (--length)")


def film(
    wish: Syncing,
    material: Material,
    target: _video.Target,
    engine: Engine,
    scene: Scene,
    record: dict[str, Any],
    work: WorkFolder | None,
) -> None:
    """Edit every frame and write the result with its sound."""
    from lipkit.sync.driver import Performance, perform
    from lipkit.sync.journal import settings_hash

    key = settings_hash({"record": record, "pixel": scene.source.pixel})
    performance = Performance(engine.editor, scene.voice, scene.cast)
    journal = work.journal(key) if work is not None else None
    frames = perform(scene.source, scene.clock, performance, threads=wish.threads, journal=journal)
    with sounding(wish, material, scene) as track:
        if wish.emit == "crops":
            writer, frames = cut_out(target, material, scene, record, track, frames)
        else:
            writer = _video.open_video(
                target,
                scene.source.size,
                record,
                times=scene.clock.times,
                sound=track,
                storage=scene.storage,
            )
        _video.write_all(writer, frames, len(scene.clock))


def sounding(
    wish: Syncing, material: Material, scene: Scene
) -> AbstractContextManager[AudioTrack | None]:
    """The sound that the result carries."""
    from lipkit.sync.sound import soundtrack

    return soundtrack(
        material.track,
        scene.clock,
        wish.length,
        over=original_sound(wish, material),
        apart=wish.audio is not None,
        container=scene.storage.encode.container or "",
    )


def original_sound(wish: Syncing, material: Material) -> Path | None:
    """The video whose sound goes on below the new one, if that is wished and there is any."""
    from lipkit.media.probe import probe

    if wish.keep_audio != "mix" or material.track is None:
        return None
    if probe(material.video).audio is None:
        ui.warn(f"{material.names[0]}: no sound to mix with; the new sound alone")
        return None
    return material.video


def cut_out(
    target: _video.Target,
    material: Material,
    scene: Scene,
    record: dict[str, Any],
    sound: AudioTrack | None,
    frames: Iterator[Pixels],
) -> tuple[VideoWriter, Iterator[Pixels]]:
    """A writer of a clip, and the edited crops that go into it."""
    import numpy as np

    from lipkit.artifacts.clip import open_clip_writer, read_clip
    from lipkit.sync import cutouts

    one, rows = scene.tracked[0], np.asarray(scene.clock.rows, np.int32)
    if material.in_crops:  # its frames are crops already
        clip = read_clip(material.video)
        geometry = cutouts.at_times(one.geometry, scene.clock)
        rows = np.asarray(cutouts.rows_of(clip.tensors, clip.count), np.int32)[rows]
    else:
        geometry = cutouts.at_times(cutouts.windows_around(one.geometry, one.track), scene.clock)
        frames = cutouts.cut(frames, geometry)
    tensors, header = geometry.to_tensors()
    writer = open_clip_writer(
        target.path,
        {**tensors, "rows": rows},
        header | {"provenance": record},
        size=geometry.size,
        times=scene.clock.times,
        audio=sound,
        provenance=record,
        color=scene.storage.color,
        pixel=scene.source.pixel,
    )
    return writer, frames
