"""The new sound: taken in by the editor, muxed as the user gave it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lipkit.artifacts.features import read_features
from lipkit.artifacts.motion import read_motion
from lipkit.artifacts.sniff import Kind, sniff
from lipkit.errors import BadInput
from lipkit.media.audio import wave_chunks
from lipkit.media.mixing import mix
from lipkit.media.video import AudioTrack

if TYPE_CHECKING:
    from lipkit.artifacts.motion import Motion
    from lipkit.protocols import Editor, Features, Floats
    from lipkit.sync.clock import Clock, Length

RATE = 16000
RECORDINGS = (Kind.AUDIO, Kind.VIDEO, Kind.CLIP)


@runtime_checkable
class Recalling(Protocol):
    """An editor that hears by an encoder, whose features it takes as well."""

    def recall(self, features: Features, name: str) -> Any:
        """The voice in ``features`` from the file ``name``; BadInput for another encoder's."""
        ...


@runtime_checkable
class Following(Protocol):
    """An editor whose lips can follow the mouth of generated motion."""

    def follow(self, motion: Motion, name: str) -> Any:
        """The voice that ``motion`` from the file ``name`` mouths; BadInput for other codecs'."""
        ...


def take_in(editor: Editor, path: Path, name: str) -> tuple[Any, Fraction]:
    """What the editor keeps of the sound, features or motion in ``path``, and how long it lasts.

    BadInput, about the file called ``name``, where this editor cannot use it.
    """
    kind = sniff(path)
    if kind in RECORDINGS:
        return hear(editor, path)
    if kind is Kind.FEATURES and isinstance(editor, Recalling):
        features, _ = read_features(path)
        return editor.recall(features, name), len(features.data) / features.rate
    if kind is Kind.MOTION and isinstance(editor, Following):
        motion = read_motion(path)
        return editor.follow(motion, name), len(motion.data) / motion.fps
    if kind in (Kind.FEATURES, Kind.MOTION):
        raise BadInput(f"{name}: {kind}, which {editor.name} cannot use", hint="give the recording")
    raise BadInput(f"{name}: {kind}, not a recording of speech")


def hear(editor: Editor, path: Path) -> tuple[Any, Fraction]:
    """What the editor keeps of the sound in ``path``, and how many seconds it lasts."""
    samples = 0

    def counted() -> Iterator[Floats]:
        nonlocal samples
        for chunk in wave_chunks(path, RATE):
            samples += len(chunk)
            yield chunk

    voice = editor.hear(counted())
    return voice, Fraction(samples, RATE)


@contextmanager
def soundtrack(
    path: Path | None,
    clock: Clock,
    length: Length,
    *,
    over: Path | None = None,
    apart: bool = False,
    container: str = "mp4",
) -> Iterator[AudioTrack | None]:
    """The sound of ``path`` as the result carries it, ended with the picture where that rules.

    ``over`` is a video whose own sound goes on below it; the sum is made in a temporary file.
    ``apart`` says that the clock was laid by other sound. No path, no sound.
    """
    if path is None:
        yield None
        return
    cut = apart or over is not None or length in ("video", "shortest")
    limit = clock.end if cut else None
    if over is None:
        yield AudioTrack(path, duration=limit)
        return
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        mixed = Path(folder) / "mixed.mka"
        mix(path, over, mixed, codec="flac" if container == "matroska" else "pcm_f32le")
        yield AudioTrack(mixed, duration=limit)
