"""A portrait that talks while its voice is still speaking: ``animate --live``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from lipkit import provenance, registry, runtime, ui
from lipkit.commands import _options, _video
from lipkit.commands._drive import codec_for, controls_of
from lipkit.commands._model import load
from lipkit.commands._portrait import about, open_appearance
from lipkit.errors import BadInput, BadUsage
from lipkit.flow import ahead

if TYPE_CHECKING:
    from lipkit.commands._batch import Item
    from lipkit.commands.animate import Animation
    from lipkit.media.live import Heard, LiveSound
    from lipkit.media.pcm import Pcm
    from lipkit.models import Loaded
    from lipkit.protocols import FaceCodec, Floats, Frames

options: _options.Decorator = _options.chain(
    click.option(
        "--live",
        is_flag=True,
        help="The sound is still being made: write frames as it comes, here also y4m or raw.",
    ),
    click.option(
        "--pcm",
        metavar="FORMAT[,RATE[,CHANNELS]]",
        help="Live sound without a WAV header: u8, s16le, s24le, s32le, f32le or f64le.",
    ),
)


class Tape:
    """The bytes of a sound, until they are asked for by their place; used by two threads."""

    def __init__(self, pcm: Pcm, fps: Fraction) -> None:
        self.pcm, self.fps = pcm, fps
        self.lock = threading.Lock()
        self.bytes = bytearray()
        self.given = 0  # samples

    def record(self, sound: Iterable[Heard]) -> Iterator[Floats]:
        """The waves of a sound, whose bytes are kept."""
        for heard in sound:
            with self.lock:
                self.bytes += heard.data
            yield heard.wave

    def until(self, frame: int) -> bytes:
        """What is heard from where it was cut last until ``frame`` frames are over."""
        end = int(frame / self.fps * self.pcm.rate)
        return self._cut((end - self.given) * self.pcm.unit)

    def rest(self) -> bytes:
        """All that is left."""
        return self._cut(len(self.bytes))

    def _cut(self, count: int) -> bytes:
        with self.lock:
            part = bytes(self.bytes[:count])
            del self.bytes[:count]
        self.given += len(part) // self.pcm.unit
        return part


def talk_live(wish: Animation, item: Item) -> dict[str, Any]:
    """Animate one portrait by a sound that comes while it is drawn; facts for a batch's row."""
    portrait, name = item.inputs
    loaded = load(wish.model, "animate")
    speak = speaker_of(wish, loaded)
    codec = codec_for(loaded, wish.codec)
    with ExitStack() as stack:
        from lipkit.media.source import open_source

        if portrait == "-":
            raise BadUsage("--live takes the sound from a pipe", hint="name the portrait's file")
        path = stack.enter_context(open_source(portrait))
        shown = open_appearance(codec, path, portrait, wish.face, wish.max_side)
        inputs = [provenance.source(portrait, path), {"name": name, "live": True}]
        sound = stack.enter_context(open_sound(name, wish.pcm))
        fps = Fraction(loaded.module.config.fps)
        with about("standard input" if name == "-" else name):
            tape = Tape(sound.pcm, fps)
        sampling, controls = loaded.config.sampling, controls_of(loaded)
        motion = speak(loaded.module, sampling, tape.record(sound), wish.seed, **controls)
        coming = stack.enter_context(closing(ahead(motion, wake=sound.close)))
        crops = drawn(codec, shown.appearance, coming)
        frames = _video.pasted(shown.appearance, crops)
        own = {"codec": codec.name, "face": wish.face, "fps": str(fps), "seed": wish.seed}
        record = provenance.record("animate", own | wish.model.record, inputs, loaded.digests)
        target = _video.Target(item.output, **wish.video)
        count = write(target, shown.size, frames, tape, sound, record)
    return {"frames": count, "fps": str(fps)}


def speaker_of(wish: Animation, loaded: Loaded) -> Any:
    """What moves the model by a live sound; BadUsage for what cannot go live."""
    if loaded.family.live is None:
        raise BadUsage(f"{loaded.name} cannot animate live", hint="--model builtin can")
    if wish.emit != "video":
        raise BadUsage("--live emits video only", hint="leave --emit out")
    if wish.fps not in ("25", str(loaded.module.config.fps)):
        raise BadUsage(f"--live runs at {loaded.module.config.fps} frames a second, not {wish.fps}")
    if wish.follow or wish.audio is not None:
        raise BadUsage("--live follows its sound alone", hint="leave --drive and --audio out")
    return registry.load(loaded.family.live)


@contextmanager
def open_sound(name: str, pcm: str | None) -> Iterator[LiveSound]:
    """The sound in a pipe or file, closed in the end."""
    from lipkit.media.live import LiveSound
    from lipkit.media.pcm import parse

    layout = None if pcm is None else parse(pcm)
    with ExitStack() as stack:
        if name == "-":
            if sys.stdin is None or sys.stdin.isatty():
                raise BadUsage("standard input is a terminal", hint="pipe sound into it")
            stream: Any = sys.stdin.buffer
        else:
            stream = stack.enter_context(opened(Path(name)))
        sound = LiveSound(stream, layout)
        stack.callback(sound.close)
        yield sound


def opened(path: Path) -> IO[bytes]:
    """A pipe or file by its name; BadInput where there is none."""
    try:
        return path.open("rb", buffering=0)
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None


def drawn(codec: FaceCodec, appearance: Any, motion: Iterable[Floats]) -> Iterator[Frames]:
    """Crops as they are ready: no more at once than are drawn side by side."""
    few = runtime.threads()
    for rows in motion:
        for first in range(0, len(rows), few):
            yield from codec.render(appearance, rows[first : first + few])


def write(
    target: _video.Target,
    size: tuple[int, int],
    frames: Iterable[Frames],
    tape: Tape,
    sound: LiveSound,
    record: dict[str, Any],
) -> int:
    """Write every frame with its sound at once; how many they were."""
    from lipkit.media.livewriter import LiveWriter

    tags = {"comment": _video.SYNTHETIC, "lipkit": provenance.compact(record)}
    writer = LiveWriter(
        target.path, size=size, fps=tape.fps, encode=target.encode, sound=sound.pcm, metadata=tags
    )
    count = 0
    # Closed here, not when it is collected: its threads must end before the program does.
    coming = closing(ahead(frames, wake=sound.close))
    with writer as out, ui.progress(None, target.output) as shown, coming as chunks:
        for chunk in chunks:
            for frame in chunk:
                count += 1
                out.write(frame, tape.until(count))
                shown.advance()
        out.finish(tape.rest())
    return count
