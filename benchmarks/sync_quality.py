"""How well the builtin editor gives a clip other lips: edited, encoded, decoded, tracked again.

``python -m benchmarks.sync_quality [--model NAME] [VIDEO SOUND...]`` takes every pair of videos and
sounds named in turn, and prints a table on stderr and JSON on stdout; without any it pairs what
lies in ``../shared/media``. ``!`` marks a figure beyond its limit, and one makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.faces.survey import Wish
from lipkit.media.audio import wave_chunks
from lipkit.media.probe import require_video
from lipkit.media.video import Encode, VideoWriter, read_frames
from lipkit.models import load
from lipkit.models.vasa import pipeline
from lipkit.models.vasa.editing import MouthEditor
from lipkit.models.vasa.listen import REST
from lipkit.protocols import FaceTrack
from lipkit.sync.tracking import follow, track_of

Array = NDArray[Any]

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"
CHUNK = 8
PATCH = 96  # pixels a side of the mouth that flicker and sharpness are measured in
SILENCE = 0.5  # seconds
# name: (lowest, highest), None for no limit
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "target_r": (0.94, None),
    "original_r": (None, 0.3),
    "flicker": (None, 1.3),
    "outside": (None, 0.0),
    "rest": (None, 0.03),
    "sharpness": (0.8, 1.25),
    "ms_per_frame": (None, 25.0),
}


@dataclass
class Tally:
    """What is counted while frames go by."""

    before: list[Array]
    after: list[Array]
    outside: int = 0
    seconds: float = 0.0


def tracked(path: Path) -> FaceTrack:
    """The track of the largest face in a video."""
    video = require_video(path)[1]
    tracker = MediapipeTracker(max_faces=1)
    wish = Wish(fps=video.fps)
    return track_of(follow(path, tracker, wish, seen=video.size, frame_size=video.size))


def reader(path: Path) -> Any:
    """What hands out single frames of ``path`` by number, ascending."""

    def read(rows: Sequence[int]) -> Iterator[Array]:
        wanted, number = list(rows), 0
        for chunk in read_frames(path, chunk=CHUNK):
            for frame in chunk:
                if wanted and number == wanted[0]:
                    wanted.pop(0)
                    yield frame[None]
                number += 1
            if not wanted:
                return

    return read


def mouth(frame: Array, points: Array) -> Array:
    """The mouth ``(96, 96)`` in grey, upright and of the same size in every frame."""
    pose = mesh.face_frame(points.astype(np.float64))
    middle = mesh.to_local(points.astype(np.float64), pose)[2] + np.array([0, 0.22, 0])
    corners = mesh.from_local(
        middle + np.array([[-0.45, -0.35, 0], [0.45, -0.35, 0], [-0.45, 0.55, 0]]), pose
    )
    ends = np.float32([[0, 0], [PATCH, 0], [0, PATCH]])
    matrix = cv2.getAffineTransform(corners[:, :2].astype(np.float32), ends)
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(grey, matrix, (PATCH, PATCH), flags=cv2.INTER_AREA).astype(np.float32)


def far_from_mouth(points: Array, size: tuple[int, int]) -> Array:
    """Mask ``(h, w)`` of what no edit may touch: all but the lower face and its surroundings."""
    unit = float(mesh.face_frame(points.astype(np.float64)).unit)
    rows = mesh.UPPER_LIP_ROWS[3] + mesh.LOWER_LIP_ROWS[3] + (mesh.CHIN,)
    low, high = points[list(rows), :2].min(0), points[list(rows), :2].max(0)
    x0, y0 = low - unit * np.array([0.6, 0.35])
    x1, y1 = high + unit * np.array([0.6, 0.7])
    far = np.ones(size[::-1], bool)
    far[max(0, int(y0)) : max(0, int(y1)), max(0, int(x0)) : max(0, int(x1))] = False
    return far


def flicker(patches: list[Array]) -> float:
    """How far mouths are, on average, from the mean of the two beside them in time."""
    stack = np.stack(patches)
    return float(np.abs(stack[1:-1] - (stack[:-2] + stack[2:]) / 2).mean())


def sharpness(patches: list[Array]) -> float:
    """Mean strength of edges."""
    return float(np.mean([np.abs(cv2.Laplacian(patch, cv2.CV_32F)).mean() for patch in patches]))


def correlation(first: Array, second: Array) -> float:
    """Pearson's r; 0 where one does not vary."""
    if min(first.std(), second.std()) < 1e-6:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def silent(heard: Array, times: Array) -> NDArray[np.bool_]:
    """Frames at ``times`` well inside silences of more than half a second."""
    resting = np.concatenate([[0], (heard[:, REST] > 0.99).astype(int), [0]])
    edges = np.flatnonzero(np.diff(resting)).reshape(-1, 2) / 25
    inside = np.zeros(len(times), bool)
    for start, end in edges[edges[:, 1] - edges[:, 0] >= SILENCE]:
        inside |= (times > start + 0.15) & (times < end - 0.15)
    return inside


def write_edited(
    editor: MouthEditor, video: Path, track: FaceTrack, voice: Any, output: Path
) -> tuple[Tally, Any]:
    """Edit ``video`` into ``output``; what was counted and the study."""
    study = editor.study(track, reader(video))
    tally, first = Tally([], []), 0
    info = require_video(video)[1]
    with VideoWriter(output, size=info.size, fps=info.fps, encode=Encode(crf=18)) as writer:
        for frames in read_frames(video, chunk=CHUNK):
            rows = range(first, first + len(frames))
            times = [track.times[row] - track.times[0] for row in rows]
            began = time.process_time()
            edited = editor.edit(frames, rows, times, track, voice, study)
            tally.seconds += time.process_time() - began
            for row, before, after in zip(rows, frames, edited, strict=True):
                if track.valid[row]:
                    tally.before.append(mouth(before, track.points[row]))
                    tally.after.append(mouth(after, track.points[row]))
                    far = far_from_mouth(track.points[row], track.frame_size)
                    tally.outside += int((before[far] != after[far]).any(-1).sum())
                else:
                    tally.outside += int((before != after).any(-1).sum())
            writer.write(edited)
            first += len(frames)
    return tally, study


def measure(editor: MouthEditor, video: Path, sound: Path) -> dict[str, float | None]:
    """All figures of one video under one sound."""
    track, heard = tracked(video), pipeline.hear(editor.model, wave_chunks(sound))
    voice = editor.hear(wave_chunks(sound))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.mp4"
        tally, study = write_edited(editor, video, track, voice, output)
        again = tracked(output)
    both = np.flatnonzero(track.valid & again.valid)
    times = [track.times[row] - track.times[0] for row in both]
    target = editor.targets(both.tolist(), times, track, voice, study)[:, 0]
    own, got = mesh.aperture(track.points[both]), mesh.aperture(again.points[both])
    quiet = silent(heard, np.array([float(t) for t in times])) & (study.weight[both] > 0.99)
    return {
        "frames": float(len(track)),
        "target_r": correlation(got, target),
        "original_r": abs(correlation(got, own)) - abs(correlation(target, own)),
        "flicker": flicker(tally.after) / max(flicker(tally.before), 1e-6),
        "outside": float(tally.outside),
        "rest": float(np.quantile(got[quiet], 0.9)) if quiet.any() else None,
        "sharpness": sharpness(tally.after) / max(sharpness(tally.before), 1e-6),
        "ms_per_frame": 1e3 * tally.seconds / max(1, len(track)),
    }


def failing(name: str, value: float | None) -> bool:
    """Whether a figure lies beyond its limit."""
    low, high = LIMITS.get(name, (None, None))
    if value is None:
        return False
    return (low is not None and value < low) or (high is not None and value > high)


def pairs(names: list[str]) -> list[tuple[Path, Path]]:
    """Videos and sounds named in turn, or those of the shared media."""
    if names:
        return [(Path(a), Path(b)) for a, b in zip(names[::2], names[1::2], strict=True)]
    videos, sounds = (sorted((MEDIA / kind).glob("*.*")) for kind in ("video", "speech"))
    return list(zip(videos, cycle(sounds), strict=False)) if sounds else []


def main() -> None:
    """Print the figures of every pair; exit 1 where one lies beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="VIDEO SOUND")
    parser.add_argument("--model", default="builtin")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    loaded = load(options.model, verb="animate", device="cpu")
    editor = MouthEditor(loaded.module, loaded.config.sampling)
    failed = False
    for video, sound in pairs(options.names):
        found = measure(editor, video, sound)
        row = {"video": video.name, "sound": sound.name}
        print(json.dumps(row | {k: v if v is None else round(v, 4) for k, v in found.items()}))
        cells = [
            f"{name} {'-' if value is None else format(value, '.3g')}{'!' * failing(name, value)}"
            for name, value in found.items()
        ]
        print(f"{video.name} + {sound.name}: {'  '.join(cells)}", file=sys.stderr, flush=True)
        failed |= any(failing(name, value) for name, value in found.items())
    sys.exit(failed)


if __name__ == "__main__":
    main()
