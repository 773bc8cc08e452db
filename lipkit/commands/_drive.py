"""What moves a portrait: motion from a file, or made for a sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import registry, runtime
from lipkit.commands._portrait import about
from lipkit.commands._video import rate_of
from lipkit.errors import BadInput, BadUsage
from lipkit.protocols import Spoken
from lipkit.registry import CODECS, resolve

if TYPE_CHECKING:
    from lipkit.artifacts.motion import Motion
    from lipkit.media.video import AudioTrack
    from lipkit.models import Loaded
    from lipkit.protocols import FaceCodec, Floats, Layout

PIECE = 64  # motion frames handed on at a time


@dataclass(frozen=True)
class Drive:
    """Chunks ``(f, c)`` of motion in ``layout``, ``total`` frames in all, and the sound to it."""

    chunks: Iterable[Floats]
    total: int
    fps: Fraction
    layout: Layout
    sound: AudioTrack | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def codec_of(name: str) -> FaceCodec:
    """The face codec of that name, or of a training run's weights.

    It draws with as many threads as this process has.
    """
    if name not in CODECS and Path(name).exists():
        return codec_of_run(name)
    codec: FaceCodec = resolve(CODECS, name, "codec")(threads=runtime.threads())
    return codec


def codec_of_run(name: str) -> FaceCodec:
    """The face codec whose weights a run or a weights file holds."""
    from lipkit import models

    loaded = models.load(name, verb="animate")
    if loaded.family.drawer is None:
        raise BadUsage(f"{name}: the weights of {loaded.family.name}, which draw no faces")
    return codec_for(loaded, None)


def codec_for(loaded: Loaded, wish: str | None) -> FaceCodec:
    """The codec that draws what a model moves: the model itself, where it is one."""
    family = loaded.family
    if wish not in (None, family.codec):
        resolve(CODECS, str(wish), "codec")
        raise BadUsage(f"{loaded.name} moves faces of the codec {family.codec}, not of {wish}")
    if family.drawer is None:
        return codec_of(family.codec)
    build = registry.load(family.drawer)
    codec: FaceCodec = build(loaded.module, loaded.config.sampling, threads=runtime.threads())
    return codec


@contextmanager
def drive_by_motion(motion: Motion, codec: FaceCodec, fps: str, name: str) -> Iterator[Drive]:
    """Motion from the file ``name`` at the rate asked for, with the sound that it carries."""
    from lipkit.artifacts.motion import require_codec
    from lipkit.media.soundtrack import unpack_sound
    from lipkit.models.parts.rates import resample

    require_codec(motion, codec.layout, name)
    rate = rate_of(fps, motion.fps)
    total = max(1, round(len(motion.data) * rate / motion.fps))
    chunks: Iterable[Floats] = (
        motion.data[i : i + PIECE] for i in range(0, len(motion.data), PIECE)
    )
    if rate != motion.fps:
        chunks = resample(chunks, rate, total, motion.fps)
    with unpack_sound(motion.sound) as sound:
        yield Drive(chunks, total, rate, codec.layout, sound, {}, motion.provenance)


def drive_by_sound(loaded: Loaded, path: Path, fps: str, seed: int, layout: Layout) -> Drive:
    """Motion that a model makes for the sound in ``path``, which goes along as it is."""
    from lipkit.artifacts.clip import read_provenance
    from lipkit.media.audio import wave_chunks
    from lipkit.media.probe import probe
    from lipkit.media.video import AudioTrack
    from lipkit.models.vasa.pipeline import hear

    video = probe(path).video
    native = Fraction(loaded.module.config.fps)
    rate = rate_of(fps, video.fps if video else native)
    if loaded.family.speaker:
        speak = registry.load(loaded.family.speaker)
        sampling, controls = loaded.config.sampling, controls_of(loaded)
        spoken = speak(loaded.module, sampling, wave_chunks(path), seed, **controls)
        drive = at_rate(rate, spoken, loaded.digests)
    else:
        drive = drive_by_voice(loaded, hear(loaded.module, wave_chunks(path)), rate, seed, layout)
    return replace(drive, sound=AudioTrack(path), history=read_provenance(path))


def controls_of(loaded: Loaded) -> dict[str, Any]:
    """What is wanted besides words, as an argument, where the model's settings have it."""
    controls = getattr(loaded.config, "controls", None)
    return {} if controls is None else {"controls": controls}


def at_rate(rate: Fraction, spoken: Spoken, weights: Mapping[str, str]) -> Drive:
    """Motion brought to ``rate``."""
    from lipkit.models.parts.rates import resample

    total = max(1, round(spoken.total * rate / spoken.fps))
    chunks = spoken.chunks
    if rate != spoken.fps:
        chunks = resample(chunks, rate, total, spoken.fps)
    return Drive(chunks, total, rate, spoken.layout, weights=weights)


def drive_by_video(
    codec: FaceCodec, path: Path, name: str, fps: str, weights: Mapping[str, str]
) -> Drive:
    """Motion of the face in the video ``path``, whose sound goes along as it is."""
    from lipkit.media.probe import require_video
    from lipkit.media.video import AudioTrack, frame_times, read_frames

    follow = getattr(codec, "follow", None)
    if follow is None:
        raise BadUsage(f"the codec {codec.name} follows no video", hint="--model liveportrait does")
    with about(name):
        whole, info = require_video(path)
        count = len(frame_times(path))
        if count < 2:
            raise BadInput(f"{name}: one frame, so nothing to follow", hint="give a video")
    seen = Spoken(follow(lambda: read_frames(path)), count, info.fps, codec.layout)
    sound = AudioTrack(path) if whole.audio else None
    return replace(at_rate(rate_of(fps, info.fps), seen, weights), sound=sound)


def drive_by_features(
    loaded: Loaded, path: Path, name: str, fps: str, seed: int, layout: Layout
) -> Drive:
    """Motion that a model makes for features of its own encoder; they carry no sound."""
    from lipkit.artifacts.features import read_features
    from lipkit.models.vasa.pipeline import recall

    features, header = read_features(path)
    rate = rate_of(fps, Fraction(loaded.module.config.fps))
    if loaded.family.reader:
        read = registry.load(loaded.family.reader)
        sampling, controls = loaded.config.sampling, controls_of(loaded)
        spoken = read(loaded.module, sampling, features, name, seed, **controls)
        history = header.get("provenance", {})
        return replace(at_rate(rate, spoken, loaded.digests), history=history)
    drive = drive_by_voice(loaded, recall(loaded.module, features, name), rate, seed, layout)
    return replace(drive, history=header.get("provenance", {}))


def drive_by_voice(
    loaded: Loaded, audio: Floats, rate: Fraction, seed: int, layout: Layout
) -> Drive:
    """Motion at ``rate`` to what the model heard, ``audio (f, a)``."""
    from lipkit.models.vasa.pipeline import move

    native = Fraction(loaded.module.config.fps)
    sampling, controls = loaded.config.sampling, controls_of(loaded)
    chunks = move(loaded.module, audio, sampling, seed=seed, **controls)
    return at_rate(rate, Spoken(chunks, len(audio), native, layout), loaded.digests)


@contextmanager
def open_drive(
    loaded: Loaded,
    codec: FaceCodec,
    path: Path,
    name: str,
    fps: str,
    seed: int,
    *,
    follow: bool = False,
) -> Iterator[Drive]:
    """Motion out of any file that can drive a portrait.

    ``follow``: of a video, the face and not the sound.
    """
    from lipkit.artifacts.motion import read_motion
    from lipkit.artifacts.sniff import Kind, sniff

    kind = sniff(path)
    if follow:
        yield drive_by_video(codec, path, name, fps, loaded.digests)
    elif kind is not Kind.MOTION and loaded.family.drawer and not loaded.family.speaker:
        raise BadUsage(f"{loaded.name} moves by a video, not by a sound", hint="give --drive VIDEO")
    elif kind is Kind.MOTION:
        with drive_by_motion(read_motion(path), codec, fps, name) as drive:
            yield drive
    elif kind is Kind.FEATURES:
        yield drive_by_features(loaded, path, name, fps, seed, codec.layout)
    elif kind in (Kind.AUDIO, Kind.VIDEO, Kind.CLIP):
        with about(name):
            spoken = drive_by_sound(loaded, path, fps, seed, codec.layout)
        yield spoken
    else:
        raise BadInput(f"{name}: {kind}, nothing to speak with", hint="give a recording of speech")
