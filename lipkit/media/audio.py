"""The sound of any media file as mono samples on the picture's clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.media.ffmpeg import QUIET, READ_ONLY, Process, url
from lipkit.media.probe import probe

log = logging.getLogger(__name__)


def read_wave(path: Path, rate: int = 16000) -> NDArray[np.float32]:
    """All sound of ``path`` as mono samples ``(n,)`` in -1..1 at ``rate`` a second.

    An hour at 16 kHz takes 230 MB. Sample 0 is the file's first moment: sound that sets in late is
    preceded by silence. BadInput when there is no sound or none can be decoded.
    """
    # One buffer that grows in place: joining chunks at the end would hold everything twice.
    buffer = bytearray()
    for wave in wave_chunks(path, rate):
        buffer += wave.data
    return np.frombuffer(buffer, np.float32)


def wave_chunks(
    path: Path, rate: int = 16000, seconds: float = 30
) -> Iterator[NDArray[np.float32]]:
    """The samples of ``read_wave`` in chunks of ``seconds``, in constant memory."""
    info = probe(path)
    if info.audio is None:
        raise BadInput(f"{path}: no sound in this file")
    # Gaps and a late start become silence, so that sample n is heard at n / rate. Left to itself
    # the mix to mono keeps power, which lifts loud stereo beyond full scale.
    to_mono = f"aresample={rate}:async=1:first_pts=0:out_chlayout=mono:rematrix_maxval=1"
    args = [
        *QUIET, *READ_ONLY, "-copyts", "-itsoffset", f"{round(-info.start * 1_000_000)}us",
        "-i", url(path), "-map", "0:a:0", "-af", to_mono, "-c:a", "pcm_f32le", "-f", "f32le", "-",
    ]  # fmt: skip
    size = max(1, round(rate * seconds))
    count = 0
    with Process(args, read=True) as decoder:
        while True:
            wave = np.empty(size, np.float32)
            got = decoder.fill(wave) // wave.itemsize
            count += got
            if got:
                yield wave if got == size else wave[:got].copy()
            if got < size:
                break
        status = decoder.close()
        if not count:
            broken = status or not decoder.silent
            reason = decoder.complaint() if broken else f"not one sample at {rate} Hz"
            raise BadInput(f"{path}: no sound can be decoded: {reason}")
        if status or not decoder.silent:
            log.warning("%s: damaged, sound read as far as it goes: %s", path, decoder.complaint())
        elif _breaks_off(path):
            log.warning("%s: breaks off after %.2f s", path, count / rate)


def _breaks_off(path: Path) -> bool:
    """Whether a WAV file is shorter than its header says, which ffmpeg passes over in silence."""
    with path.open("rb") as file:
        head = file.read(8)
    declared = int.from_bytes(head[4:], "little") + 8
    streamed = declared >= 1 << 32  # written to a pipe: the length was not known
    return head[:4] == b"RIFF" and not streamed and declared > path.stat().st_size + 1
