"""What ``sync`` would do: the plan of a dry run, from the files' headers alone."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lipkit.commands import _video
from lipkit.commands._portrait import about
from lipkit.commands._sync_faces import frames_of
from lipkit.commands._sync_inputs import open_material
from lipkit.errors import BadInput

if TYPE_CHECKING:
    from lipkit.commands._batch import Item
    from lipkit.commands._sync_inputs import Material
    from lipkit.commands.sync import Syncing
    from lipkit.media.storage import Storage
    from lipkit.sync.clock import Clock


def foresee(wish: Syncing, item: Item) -> dict[str, Any]:
    """The plan of one item; lengths are those that the files declare."""
    from lipkit.media.probe import require_video
    from lipkit.models import find
    from lipkit.sync import driver
    from lipkit.sync.source import Source

    weights, family, _ = find(wish.model.name)
    with ExitStack() as stack:
        material = open_material(stack, wish, item)
        with about(material.names[0]):
            info, video = require_video(material.video)
        storage = _video.target_of(item.output, wish.video, wish.emit).storage(video)
        frames = max(1, frames_of(info, video) or 1)
        sound, seconds = heard(material, storage, wish.keep_audio)
    times = [k / video.fps for k in range(frames)]
    clock = lay_estimate(wish, times, video.fps, seconds)
    source = Source(material.video, times, video.size, storage.pixel)
    shown: dict[str, Any] = {"size": list(video.size), "fps": str(video.fps), "frames": frames}
    shown |= {"codec": video.codec, "pixels": video.pix_fmt, "rotation": video.rotation}
    stored = {"codec": storage.encode.codec, "frames": len(clock), "seconds": float(clock.end)}
    stored |= {"extended": len(clock) - clock.whole, "notes": list(storage.notes)}
    return {
        "inputs": list(item.inputs),
        "output": item.output,
        "video": shown,
        "sound": sound,
        "result": stored,
        "model": {"name": wish.model.name, "family": family, "weights": weights.name},
        "chunk": source.chunk,
        "memory_mb": driver.memory(source, len(times), wish.threads) >> 20,
    }


def lay_estimate(
    wish: Syncing, times: list[Fraction], fps: Fraction, seconds: Fraction | None
) -> Clock:
    """The clock of frames at a constant rate; sound of unknown length counts as long enough."""
    from lipkit.sync.clock import lay

    picture = len(times) / fps
    return lay(times, fps, picture if seconds is None else seconds, wish.length, wish.extend)


def heard(
    material: Material, storage: Storage, keep_audio: str
) -> tuple[dict[str, Any], Fraction | None]:
    """What becomes of the sound, and how long that which lips follow says it is."""
    from lipkit.artifacts.features import read_features
    from lipkit.artifacts.motion import read_motion
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.encode import audio_arguments
    from lipkit.media.probe import probe

    kind, name = sniff(material.sound), material.names[1]
    if kind is Kind.FEATURES:
        features, _ = read_features(material.sound)
        seconds: Fraction | None = len(features.data) / features.rate
    elif kind is Kind.MOTION:
        motion = read_motion(material.sound)
        seconds = len(motion.data) / motion.fps
    else:
        with about(name):
            seconds = probe(material.sound).duration
    facts: dict[str, Any] = {"kind": str(kind)}
    facts |= {"seconds": None if seconds is None else float(seconds), "becomes": "nothing"}
    if material.track is None:
        return facts, seconds
    audio = probe(material.track).audio
    if audio is None:
        raise BadInput(f"{name}: no sound in this file")
    _, codec, *_ = audio_arguments(audio.codec, audio.channels, storage.encode.container or "")
    facts |= {"codec": audio.codec, "rate": audio.rate, "channels": audio.channels}
    facts["becomes"] = "copied" if codec == "copy" else f"encoded by {codec}"
    if keep_audio == "mix":
        facts["becomes"] = "mixed with the video's own"
    return facts, seconds
