"""From a portrait and a sound straight to pictures, by models that need no face codec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import provenance
from lipkit.commands import _video
from lipkit.commands._latents import write_portrait
from lipkit.commands._model import load
from lipkit.commands._portrait import Portrait, about, find_face, read_portrait
from lipkit.errors import BadInput, BadUsage
from lipkit.performance import Sketcher

if TYPE_CHECKING:
    from lipkit.commands._batch import Item
    from lipkit.commands._model import ModelWish
    from lipkit.commands.animate import Animation
    from lipkit.media.video import AudioTrack
    from lipkit.models import Loaded
    from lipkit.protocols import Floats, Frames, Performer

SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Part:
    """What is heard: pieces of it for so many model frames, and the soundtrack that goes along."""

    pieces: Iterator[Floats]
    frames: int
    source: Fraction  # frames a second of the file that the sound is from, or the model's
    sound: AudioTrack | None
    history: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def performer_of(model: ModelWish, seed: int) -> Performer:
    """The performer of a model, made once a process."""
    from lipkit import registry

    loaded = load(model, "animate")
    build = registry.load(loaded.family.performer or "")
    made: Performer = build(loaded.module, loaded.config, seed=seed)
    return made


def perform(wish: Animation, item: Item, loaded: Loaded) -> dict[str, Any]:
    """Draw one portrait talking to one sound; facts for a batch's row."""
    from lipkit.media.source import open_source
    from lipkit.media.video import AudioTrack

    check(wish)
    performer = performer_of(wish.model, wish.seed)
    if wish.emit == "latents" and not isinstance(performer, Sketcher):
        raise BadUsage(f"{wish.model.name} draws no latents", hint="it makes --emit crops or video")
    name, sound = item.inputs
    with ExitStack() as stack:
        picture, path = (stack.enter_context(open_source(each)) for each in item.inputs)
        with about(sound):
            opened = open_driver if wish.follow else open_part
            part = opened(performer, path, sound)
        rate = _video.rate_of(wish.fps, part.source)
        course = _video.Course(max(1, round(part.frames * rate / performer.fps)), rate, part.sound)
        if wish.audio is not None:
            track = stack.enter_context(open_source(wish.audio))
            course = replace(course, sound=AudioTrack(track))
        image = read_portrait(picture, name, wish.max_side)
        face = find_face(image, name, wish.face)
        portrait = Portrait(image, face, performer.sit(image.rgb, face))
        inputs = [provenance.source(name, picture)]
        inputs.append(provenance.source(sound, path, part.history))
        own = {"face": wish.face, "fps": wish.fps, "seed": wish.seed}
        weights = {**loaded.digests, **performer.digests}
        record = provenance.record("animate", own | wish.model.record, inputs, weights)
        if isinstance(performer, Sketcher) and wish.emit == "latents":
            latents = performer.draw(portrait.appearance, part.pieces, part.frames)
            write_portrait(wish, item, loaded, portrait, latents, part, course, record)
        else:
            drawn = performer.perform(portrait.appearance, part.pieces, part.frames)
            crops = paced(drawn, performer.fps, rate, course.total)
            write(wish, item, portrait, crops, course, record)
    return {"frames": course.total, "fps": str(rate)}


def check(wish: Animation) -> None:
    """Refuse what only models that move a face codec do."""
    name = wish.model.name
    if wish.emit == "motion":
        hint = "it draws pictures at once: --emit crops or video"
        raise BadUsage(f"{name} makes no motion", hint=hint)
    if wish.codec is not None:
        raise BadUsage(f"{name} takes no --codec", hint="it draws pictures itself")


def write(
    wish: Animation,
    item: Item,
    portrait: Portrait,
    crops: Iterable[Frames],
    course: _video.Course,
    record: dict[str, Any],
) -> None:
    """The clip of crops, or the finished video."""
    target = _video.Target(item.output, **wish.video)
    if wish.emit == "crops":
        writer = _video.open_crops(target, portrait, course, record)
    else:
        sound = course.sound
        writer = _video.open_video(target, portrait.size, record, fps=course.fps, sound=sound)
        crops = _video.pasted(portrait.appearance, crops)
    _video.write_all(writer, crops, course.total)


def open_part(performer: Performer, path: Path, name: str) -> Part:
    """What the model hears in any file that can drive a portrait."""
    from lipkit.artifacts.features import read_features
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.audio import wave_chunks
    from lipkit.media.probe import probe
    from lipkit.media.video import AudioTrack

    kind = sniff(path)
    if kind is Kind.FEATURES:
        features, header = read_features(path)
        seconds = Fraction(len(features.data)) / features.rate
        frames = performer.count(int(seconds * SAMPLE_RATE))
        heard = performer.recall(features, name)
        return Part(heard, frames, performer.fps, None, header.get("provenance", {}))
    if kind not in (Kind.AUDIO, Kind.VIDEO, Kind.CLIP):
        raise BadInput(f"{name}: {kind}, nothing to speak with", hint="give a recording of speech")
    samples = sum(len(chunk) for chunk in wave_chunks(path))
    video = probe(path).video
    pieces = performer.hear(lambda: wave_chunks(path))
    source = video.fps if video else performer.fps
    return Part(pieces, performer.count(samples), source, AudioTrack(path))


def open_driver(performer: Performer, path: Path, name: str) -> Part:
    """What the face of a video does, for models that can follow one."""
    from lipkit.media.probe import require_video
    from lipkit.media.video import AudioTrack, frame_times, read_frames

    follow = getattr(performer, "follow", None)
    if follow is None:
        raise BadUsage("this model follows no video", hint="--model liveportrait does")
    whole, info = require_video(path)
    count = len(frame_times(path))
    if count < 2:
        raise BadInput(f"{name}: one frame, so nothing to follow", hint="give a video")
    frames = max(1, round(count * performer.fps / info.fps))
    sound = AudioTrack(path) if whole.audio else None
    seen = list(follow(lambda: read_frames(path), info.fps))  # now, while errors name the video
    return Part(iter(seen), frames, info.fps, sound)


def paced(
    chunks: Iterable[Frames], native: Fraction, rate: Fraction, total: int
) -> Iterator[Frames]:
    """``total`` frames at ``rate`` from frames at ``native``: each shows what is up at its time."""
    import numpy as np

    first = shown = 0
    for chunk in chunks:
        rows = []
        while shown < total and (place := int(shown * native / rate) - first) < len(chunk):
            rows.append(place)
            shown += 1
        if rows:
            yield chunk[np.array(rows)]
        first += len(chunk)
