"""New speech over the sound that a video already has."""

from __future__ import annotations

import math
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.description import AudioInfo
from lipkit.media.ffmpeg import QUIET, READ_ONLY, run, url
from lipkit.media.probe import MediaInfo, probe

BELOW_DB = -12  # the original under a voice-over: heard, but not in the way
_CEILING = 0.97


def mix(speech: Path, original: Path, out: Path, *, codec: str = "pcm_f32le") -> None:
    """Write the sum of both to ``out`` (.mka), the original ``BELOW_DB`` lower, as long as both.

    At the rate of ``speech``, with the channels of the richer of both; a limiter keeps loud sums
    within full scale. BadInput if one of them has no sound.
    """
    above, below = (_sound(path) for path in (speech, original))
    rate = above[1].rate
    wide = max((above[1], below[1]), key=lambda audio: audio.channels)
    layout = wide.layout if "channels" not in wide.layout else f"{wide.channels}c"
    # Gaps and late starts become silence, so that both stay on the picture's clock.
    even = f"aresample={rate}:async=1:first_pts=0:out_chlayout={layout}:rematrix_maxval=1"
    gains = [_spread(above[1], wide), _spread(below[1], wide) * 10 ** (BELOW_DB / 20)]
    graph = (
        f"[0:a:0]{even},volume={gains[0]:.8f}[a];[1:a:0]{even},volume={gains[1]:.8f}[b];"
        f"[a][b]amix=inputs=2:duration=longest:normalize=0,"
        f"alimiter=level=0:limit={_CEILING}:latency=1"
    )
    inputs = []
    for path, (info, _) in zip((speech, original), (above, below), strict=True):
        shift = f"{round(-info.start * 1_000_000)}us"
        inputs += ["-itsoffset", shift, "-i", url(path)]
    run([
        *QUIET, "-y", *READ_ONLY, "-copyts", *inputs, "-filter_complex", graph, "-c:a", codec,
        "-map_metadata", "-1", "-fflags", "+bitexact", "-f", "matroska", url(out),
    ])  # fmt: skip


def _sound(path: Path) -> tuple[MediaInfo, AudioInfo]:
    info = probe(path)
    if info.audio is None:
        raise BadInput(f"{path}: no sound in this file")
    return info, info.audio


def _spread(audio: AudioInfo, wide: AudioInfo) -> float:
    """What gives mono its level back, of which ffmpeg leaves each side of stereo its power only."""
    return math.sqrt(2) if (audio.channels, wide.channels) == (1, 2) else 1.0
