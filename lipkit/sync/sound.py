"""The new sound: heard by the editor, muxed as the user gave it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit.media.audio import wave_chunks
from lipkit.media.mixing import mix
from lipkit.media.video import AudioTrack

if TYPE_CHECKING:
    from lipkit.protocols import Editor, Floats
    from lipkit.sync.clock import Clock, Length

RATE = 16000


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
    path: Path,
    clock: Clock,
    length: Length,
    *,
    over: Path | None = None,
    container: str = "mp4",
) -> Iterator[AudioTrack]:
    """The sound of ``path`` as the result carries it, ended with the picture where that rules.

    ``over`` is a video whose own sound goes on below it; the sum is made in a temporary file.
    """
    limit = clock.end if over is not None or length in ("video", "shortest") else None
    if over is None:
        yield AudioTrack(path, duration=limit)
        return
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        mixed = Path(folder) / "mixed.mka"
        mix(path, over, mixed, codec="flac" if container == "matroska" else "pcm_f32le")
        yield AudioTrack(mixed, duration=limit)
