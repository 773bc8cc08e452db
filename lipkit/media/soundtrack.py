"""A recording as bytes, to travel inside another file; and back into a file of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.ffmpeg import QUIET, READ_ONLY, run, url
from lipkit.media.probe import probe
from lipkit.media.writer import AudioTrack


def pack_sound(path: Path) -> bytes:
    """The sound of ``path`` as a Matroska file in memory: copied, raw samples as FLAC."""
    info = probe(path)
    if info.audio is None:
        raise BadInput(f"{path}: no sound in this file")
    raw = info.audio.codec.startswith("pcm_")
    return run([
        *QUIET, *READ_ONLY, "-i", url(path), "-map", "0:a:0", "-c:a", "flac" if raw else "copy",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
        "-f", "matroska", "-",
    ])  # fmt: skip


@contextmanager
def unpack_sound(packed: bytes | None) -> Iterator[AudioTrack | None]:
    """The packed sound as a track to mux, in a temporary file; None stays None."""
    if packed is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        path = Path(folder) / "sound.mka"
        path.write_bytes(packed)
        yield AudioTrack(path)
