"""The ``file`` tracker: faces that the user brings, for what no detector knows.

Coordinates are source pixels, upright as a player shows them, pixel centres on integers. Formats:

- JSON: a list with an entry per frame, or ``{"frames": [...]}`` around it. An entry is a face, a
  list of faces, or null. A face is ``{"points": [[x, y], ...]}`` or ``{"box": [x0, y0, x1, y1]}``
  with an optional ``"score"``. A file with one entry serves all frames.
- JSON lines: an entry a line; ``"frame": N`` (from 0) places it, else lines follow each other.
- npz or safetensors: ``points (f, k, 2|3)`` or ``box (f, 4)``, optional ``score (f,)`` and
  ``valid (f,)``.

The number of points tells their scheme (478 or 468 FaceMesh, 68 dlib, 106 InsightFace, 5). From a
box alone the five points of an average upright face are placed in it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from lipkit.errors import BadInput
from lipkit.faces.landmarks import scheme_of
from lipkit.faces.warping import box_of
from lipkit.protocols import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

FIVE_IN_BOX = ((0.31, 0.40), (0.69, 0.40), (0.5, 0.60), (0.35, 0.77), (0.65, 0.77))


class FileTracker:
    """Gives the faces of a file, frame after frame.

    ``data`` are the file's bytes; ``label`` names it in messages. Raises BadInput for what it
    cannot read.
    """

    name = "file"

    def __init__(self, data: bytes, label: str = "landmarks") -> None:
        self.label = label
        self._faces, self.scheme = parse(data, label)
        self._next = 0

    def __len__(self) -> int:
        return len(self._faces)

    def reset(self) -> None:
        """Nothing to forget: a file knows its frames by number."""

    def detect(self, frames: Frames) -> list[list[Face]]:
        """The faces of the next ``len(frames)`` frames; BadInput when the file has no more."""
        start, end = self._next, self._next + len(frames)
        self._next = end
        if len(self._faces) == 1:
            return self._faces * len(frames)
        if end > len(self._faces):
            raise BadInput(
                f"{self.label}: faces of {len(self._faces)} frames for a video of {end} or more",
                hint="bring one entry per frame, or a single one for all",
            )
        return self._faces[start:end]


def parse(data: bytes, label: str) -> tuple[list[list[Face]], str]:
    """Faces of every frame and the scheme of their points."""
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                frames = _from_arrays({name: arrays[name] for name in arrays.files})
        elif data[8:9] == b"{" and not data.lstrip().startswith((b"{", b"[")):
            frames = _from_arrays(load(data))
        else:
            frames = _from_json(data.decode())
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        SafetensorError,
        zipfile.BadZipFile,
    ) as fault:
        raise BadInput(
            f"{label}: no landmarks or boxes in it ({fault})",
            hint="lipkit-align(1) has the formats",
        ) from None
    counts = {len(face.points) for faces in frames for face in faces}
    if not counts:
        raise BadInput(f"{label}: no frame has a face")
    if len(counts) > 1:
        raise BadInput(f"{label}: faces with different numbers of points: {sorted(counts)}")
    try:
        return frames, scheme_of(counts.pop())
    except BadInput as fault:
        raise BadInput(f"{label}: {fault.message}", hint=fault.hint) from None


def _from_arrays(arrays: Mapping[str, Array]) -> list[list[Face]]:
    key = "points" if "points" in arrays else "box"
    rows = arrays[key]
    score = arrays.get("score", np.ones(len(rows)))
    valid = arrays.get("valid", np.ones(len(rows), bool))
    return [
        [_face({key: row, "score": float(s)})] if there else []
        for row, s, there in zip(rows, score, valid, strict=True)
    ]


def _from_json(text: str) -> list[list[Face]]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError:
        return _from_lines([json.loads(line) for line in text.splitlines() if line.strip()])
    if isinstance(data, dict) and "frames" in data:
        data = data["frames"]
    return [_entry(entry) for entry in (data if isinstance(data, list) else [data])]


def _from_lines(entries: Sequence[Any]) -> list[list[Face]]:
    placed: dict[int, list[Face]] = {}
    for number, entry in enumerate(entries):
        frame = entry.get("frame", number) if isinstance(entry, dict) else number
        placed.setdefault(int(frame), []).extend(_entry(entry))
    if min(placed) < 0 or max(placed) > 100 * len(entries) + 1000:
        raise ValueError(f"frame numbers {min(placed)} to {max(placed)} in {len(entries)} lines")
    return [placed.get(frame, []) for frame in range(max(placed) + 1)]


def _entry(entry: Any) -> list[Face]:
    if not entry:
        return []
    faces = entry if isinstance(entry, list) else entry.get("faces", [entry])
    return [_face(face) for face in faces if "points" in face or "box" in face]


def _face(entry: Mapping[str, Any]) -> Face:
    score = float(entry.get("score", 1.0))
    if "points" in entry:
        points = np.asarray(entry["points"], np.float32)
        if points.ndim != 2 or points.shape[1] not in (2, 3) or not np.isfinite(points).all():
            raise ValueError(f"points of shape {points.shape}")
        box = np.asarray(entry.get("box", box_of(points)), np.float32)
    else:
        box = np.asarray(entry["box"], np.float32)
        if box.shape != (4,) or not (box[2:] > box[:2]).all():
            raise ValueError(f"box {box.tolist()}")
        points = box[:2] + np.asarray(FIVE_IN_BOX, np.float32) * (box[2:] - box[:2])
    return Face(box, points.astype(np.float32), score)
