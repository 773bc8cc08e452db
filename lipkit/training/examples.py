"""Takes of the training data as files that people and other tools can open."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from lipkit.artifacts.clip import open_clip_writer
from lipkit.faces.geometry import Geometry, ticks
from lipkit.faces.warping import box_of
from lipkit.media.target import open_target
from lipkit.media.video import AudioTrack, VideoWriter
from lipkit.provenance import record
from lipkit.training.data import RATE, Footage, FootageData
from lipkit.training.toys.motion import CHANNELS

CHUNK = 32
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_examples(data: FootageData, folder: Path, count: int) -> Iterator[Path]:
    """Write ``count`` takes, training and held-out ones by turns; yields each as it is done.

    Each becomes a video (mp4), a clip (mkv), and the landmarks and truth of its frames in JSON,
    which ``lipkit align --landmarks`` reads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        takes = data.held_out if k % 2 else data.training
        if k // 2 < len(takes):
            yield write_example(takes[k // 2], folder)


def write_example(take: Footage, folder: Path) -> Path:
    """Write one take's three files; returns the video's path."""
    base = folder / UNSAFE.sub("-", Path(take.name).stem)
    geometry = geometry_of(take)
    tensors, header = geometry.to_tensors()
    size, fps = geometry.size, geometry.fps
    with tempfile.NamedTemporaryFile(suffix=".wav") as wave:
        soundfile.write(wave.name, take.wave, RATE, subtype="PCM_16")
        track = AudioTrack(Path(wave.name))
        video = VideoWriter(base.with_suffix(".mp4"), size=size, fps=fps, audio=track)
        clip = open_clip_writer(
            base.with_suffix(".mkv"),
            tensors,
            header,
            size=size,
            times=geometry.times,
            audio=track,
            provenance=record("train", {"example": take.name}),
        )
        with video, clip:
            for start in range(0, len(take), CHUNK):
                frames = take.pictures(start, min(start + CHUNK, len(take)))
                video.write(frames)
                clip.write(frames)
    with open_target(base.with_suffix(".json")) as part:
        part.write_text(json.dumps(described(take)) + "\n")
    return base.with_suffix(".mp4")


def geometry_of(take: Footage) -> Geometry:
    """The geometry of a take whose pictures are its crops."""
    count = len(take)
    h, w = take.pictures(0, 1).shape[1:3]
    number, base = ticks([Fraction(k) / take.fps for k in range(count)])
    return Geometry(
        matrix=np.tile(np.eye(2, 3), (count, 1, 1)),
        points=take.points,
        box=box_of(take.points),
        score=take.valid.astype(np.float32),
        valid=take.valid,
        shot=np.zeros(count, np.int32),
        ticks=number,
        time_base=base,
        fps=take.fps,
        size=(w, h),
        frame_size=(w, h),
        scheme=take.scheme,
        template="square",
        tracker=take.name,
    )


def described(take: Footage) -> dict[str, Any]:
    """A take's landmarks and truth, frame by frame, as JSON."""
    frames = [
        {"points": np.round(points.astype(np.float64), 2).tolist()} if valid else {}
        for points, valid in zip(take.points, take.valid, strict=True)
    ]
    for name, rows in take.truth.items():
        for frame, row in zip(frames, rows, strict=True):
            frame[name] = _plain(row)
    return {"name": take.name, "fps": str(take.fps), "scheme": take.scheme, "frames": frames}


def _plain(row: NDArray[Any]) -> Any:
    if row.shape == (len(CHANNELS),):
        return dict(zip(CHANNELS, np.round(row.astype(np.float64), 4).tolist(), strict=True))
    return row.tolist()
