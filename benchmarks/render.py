"""How well the mesh codec obeys: portraits are driven, encoded, decoded, tracked again, compared.

``python -m benchmarks.render [PORTRAITS...]`` prints a table, or JSON with ``--json``. Every number
with a limit is marked ``!`` where it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker, person_matte
from lipkit.media.encode import Encode
from lipkit.media.image import limited, read_image
from lipkit.media.video import VideoWriter, read_frames
from lipkit.models.vasa.codecs.mesh import MESH_LAYOUT, MeshAppearance, MeshCodec

Array = NDArray[Any]

ASTRONAUT = Path(__file__).resolve().parent.parent / "lipkit" / "assets" / "astronaut.png"
FRAMES = 150
SIDE = 1024  # larger pictures are reduced, as a video of them would be
# name: (lowest, highest) of one portrait, None for no limit
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "found": (1.0, None),
    "aperture_r": (0.97, None),
    "aperture_slope": (0.85, 1.20),
    "closed_p90": (None, 0.02),
    "width_r": (0.65, None),
    "yaw_r": (0.97, None),
    "yaw_slope": (0.65, 1.35),
    "pitch_r": (None, None),
    "pitch_slope": (None, None),
    "roll_slope": (None, None),
    "gaze_r": (0.90, None),
    "gaze_slope": (None, None),
    "blink_ratio": (None, 0.3),
    "background": (None, 0.3),
    "outside": (None, 0.0),
    "rest": (None, 0.15),
    "setup_s": (None, None),
    "fps_512": (25.0, None),
}


def script(rest: Array) -> Array:
    """A motion ``(f, c)`` that uses every channel: speech-like mouth, blinks, gaze, head."""
    t = np.arange(FRAMES)
    aperture = np.clip(0.12 * (1 - np.cos(t / 25 * 2 * np.pi * 1.6)) * (t % 40 < 34), 0, 0.26)
    aperture[t % 25 < 3] = 0
    blink = np.isin(t % 45, (3, 4)).astype(float)
    columns = {
        "aperture": aperture,
        "jaw": 0.44 * aperture,
        "width": 0.04 * np.sin(t / 4),
        "blink_left": blink,
        "blink_right": blink,
        "gaze_x": 9 * np.sin(t / 9),
        "gaze_y": 4 * np.sin(t / 15),
        "yaw": 6 * np.sin(t / 13),
        "pitch": 3 * np.sin(t / 17),
        "roll": 3 * np.sin(t / 23),
        "x": 0.02 * np.sin(t / 19),
    }
    motion = np.tile(rest, (FRAMES, 1))
    for name, values in columns.items():
        motion[:, MESH_LAYOUT.index(name)] = values
    return motion


def retrack(frames: Array) -> tuple[Array, Array]:
    """Points ``(f, 478, 3)`` and whether a face was found ``(f,)`` after an h264 encoding."""
    height, width = (v - v % 2 for v in frames.shape[1:3])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.mp4"
        encode = Encode(codec="h264", crf=18)
        with VideoWriter(path, size=(width, height), fps=Fraction(25), encode=encode) as writer:
            writer.write(np.ascontiguousarray(frames[:, :height, :width]))
        tracker = MediapipeTracker(max_faces=1)
        faces = [found for chunk in read_frames(path) for found in tracker.detect(chunk)]
    found = np.array([bool(face) for face in faces])
    points = np.stack([f[0].points if f else np.zeros((mesh.POINTS, 3)) for f in faces])
    return points[found].astype(np.float64), found


def line(commanded: Array, tracked: Array) -> tuple[float, float]:
    """Correlation and slope of ``tracked`` over ``commanded``."""
    r = float(np.corrcoef(commanded, tracked)[0, 1])
    return r, float(np.polyfit(commanded, tracked, 1)[0])


def obedience(motion: Array, points: Array, found: Array) -> dict[str, float]:
    """How the re-tracked face follows the commanded motion."""
    command = {name: motion[found, i] for i, name in enumerate(MESH_LAYOUT.channels)}
    angles = mesh.euler(mesh.face_frame(points).rotation)
    aperture, width = mesh.aperture(points), mesh.width(points)
    eyes, opening = mesh.gaze(points)[..., 0].mean(1), mesh.eye_opening(points).mean(1)
    closed, seeing = command["blink_left"] > 0.9, command["blink_left"] < 0.1
    report = {"found": float(found.mean())}
    report["aperture_r"], report["aperture_slope"] = line(command["aperture"], aperture)
    report["closed_p90"] = float(np.quantile(aperture[command["aperture"] == 0], 0.9))
    report["width_r"], _ = line(command["width"], width)
    for i, name in enumerate(("yaw", "pitch", "roll")):
        report[f"{name}_r"], report[f"{name}_slope"] = line(command[name], angles[:, i])
    turned = 0.133 * np.sin(np.radians(command["gaze_x"]))
    report["gaze_r"], report["gaze_slope"] = line(turned[seeing], eyes[seeing])
    report["blink_ratio"] = float(np.median(opening[closed]) / np.median(opening[seeing]))
    return report


def stillness(appearance: MeshAppearance, frames: Array, rest: Array) -> dict[str, float]:
    """Mean change of the far background, of all outside the crop, and of the face at rest."""
    rows, columns = appearance.crop.slices
    outside = np.ones(appearance.picture.shape[:2], bool)
    outside[rows, columns] = False
    matte = person_matte(np.ascontiguousarray(appearance.picture[rows, columns]))
    reach = round(0.15 * appearance.shape.height * appearance.crop.width / appearance.size)
    far = cv2.dilate((matte > 0.02).astype(np.uint8), np.ones((3, 3)), iterations=reach) == 0
    inside = np.zeros_like(outside)
    inside[rows, columns] = far
    picture = appearance.picture.astype(np.int16)
    sample = frames[:: max(1, FRAMES // 12)].astype(np.int16)
    change = np.abs(sample - picture).mean(-1)
    return {
        "background": float(change[:, inside].mean()) if inside.any() else 0.0,
        "outside": float(change[:, outside].max()) if outside.any() else 0.0,
        "rest": float(np.abs(rest.astype(np.int16) - picture).mean()),
    }


def speed(codec: MeshCodec, picture: Array, crop: int) -> float:
    """Frames a second at a crop of 512 x 512 on one thread, in processor time."""
    scale = 512 / crop
    size = tuple(round(v * scale) + 1 for v in picture.shape[1::-1])
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else 1)
    appearance = MeshCodec(size=512).encode_appearance(picture)
    motion = script(appearance.rest)[5:55]
    start = time.process_time()
    for _ in codec.render(appearance, motion):
        pass
    return len(motion) / (time.process_time() - start)


def measure(path: Path) -> dict[str, float]:
    """All figures of the portrait at ``path``."""
    picture = limited(read_image(path), SIDE).rgb
    codec = MeshCodec()
    start = time.perf_counter()
    appearance = codec.encode_appearance(picture)
    setup = time.perf_counter() - start
    motion = script(appearance.rest)
    frames = np.concatenate([appearance.paste(c) for c in codec.render(appearance, motion)])
    rest = appearance.paste(next(codec.render(appearance, appearance.rest[None])))[0]
    points, found = retrack(frames)
    report = obedience(motion, points, found) | stillness(appearance, frames, rest)
    return report | {"setup_s": setup, "fps_512": speed(codec, picture, appearance.crop.width)}


def passes(name: str, value: float) -> bool:
    """Whether a figure keeps its limits."""
    low, high = LIMITS.get(name, (None, None))
    return (low is None or value >= low) and (high is None or value <= high)


def table(reports: dict[str, dict[str, float]]) -> str:
    """One row for each figure, one column for each portrait, and their mean."""
    names = [name[:12] for name in reports]
    rows = ["".join([f"{'':16}", *(f"{n:>14}" for n in names), f"{'mean':>10}"])]
    for figure in LIMITS:
        values = [report[figure] for report in reports.values()]
        cells = [f"{v:13.3f}{' ' if passes(figure, v) else '!'}" for v in values]
        rows.append("".join([f"{figure:16}", *cells, f"{np.mean(values):10.3f}"]))
    return "\n".join(rows)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    parser.add_argument("portraits", nargs="*", type=Path, default=[ASTRONAUT])
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    reports = {path.stem: measure(path) for path in options.portraits}
    print(json.dumps(reports, indent=1) if options.json else table(reports))


if __name__ == "__main__":
    main(sys.argv[1:])
