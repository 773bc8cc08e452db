"""The ``fan`` tracker: 68 points by the face-alignment library, on CPU or CUDA, in batches.

FAN (Bulat and Tzimiropoulos, ICCV 2017) behind one of that library's detectors. Its weights come
from its own servers on first use.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlparse

import cv2
import numpy as np
import torch

from lipkit.errors import BadUsage, LipkitError, WeightsError
from lipkit.faces.warping import invert, transform, warp
from lipkit.protocols import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

log = logging.getLogger(__name__)

DETECTORS = {  # name: the library's module and the keys of its table of addresses
    "sfd": ("face_alignment.detection.sfd.sfd_detector", ("s3fd",)),
    "blazeface": (
        "face_alignment.detection.blazeface.blazeface_detector",
        ("blazeface_weights", "blazeface_anchors"),
    ),
    "retinaface": (
        "face_alignment.detection.retinaface.retinaface_detector",
        ("retinaface_mobilenet0.25",),
    ),
}
NET_SIZE = 256
HEAT_SIZE = 64
BOX_UNIT = 200.0  # the library's crops are this many pixels wide at scale one
BOX_RISE = 0.12  # of the box's height, from its centre to the crop's
REDUCED_SIDE = 960  # longest side of the copy in which faces are looked for
TIMEOUT = 30  # seconds without an answer after which a server counts as unreachable


class FanTracker:
    """Finds faces with the face-alignment library; every frame by itself."""

    name = "fan"
    scheme = "dlib68"

    def __init__(
        self,
        max_faces: int = 5,
        min_score: float = 0.5,
        device: str = "cpu",
        detector: str = "sfd",
        batch: int = 16,
    ) -> None:
        if detector not in DETECTORS:
            raise BadUsage(f"unknown detector {detector!r}", hint=f"known: {', '.join(DETECTORS)}")
        self.max_faces, self.min_score, self.batch = max_faces, min_score, batch
        self.device = device
        fetch(detector)
        with _silenced():
            from face_alignment import FaceAlignment, LandmarksType

            library = FaceAlignment(
                LandmarksType.TWO_D,
                device=device,
                flip_input=False,
                face_detector=detector,
                compile=False,
            )
        self._detector = library.face_detector
        self._net = library.face_alignment_net

    def detect(self, frames: Frames) -> list[list[Face]]:
        """Faces of each frame of ``frames (f, h, w, 3)``, largest first; points ``(68, 2)``."""
        found: list[list[Face]] = [[] for _ in frames]
        boxes = [
            box for start in range(0, len(frames), self.batch) for box in self._boxes(frames, start)
        ]
        for start in range(0, len(boxes), self.batch):
            part = boxes[start : start + self.batch]
            for (frame, box), points in zip(part, self._points(frames, part), strict=True):
                found[frame].append(Face(box[:4], points, float(box[4])))
        return found

    @torch.no_grad()
    def _boxes(self, frames: Frames, start: int) -> Iterator[tuple[int, Array]]:
        """Frame number and box with score ``(5,)`` of the faces in one batch of frames."""
        part = frames[start : start + self.batch]
        height, width = part.shape[1:3]
        shrink = min(1.0, REDUCED_SIDE / max(height, width))
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        if shrink < 1:
            part = np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in part])
        ratio = np.array([width / size[0], height / size[1]] * 2)
        stack = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2)
        with _silenced():
            found = self._detector.detect_from_batch(stack.to(self.device, torch.float32))
        for offset, rows in enumerate(found):
            boxes = [np.asarray(row, np.float32) for row in rows]
            boxes = [
                np.append(row[:4] * ratio, row[-1]) for row in boxes if row[-1] >= self.min_score
            ]
            boxes.sort(key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))
            for box in boxes[: self.max_faces]:
                yield start + offset, box.astype(np.float32)

    @torch.no_grad()
    def _points(self, frames: Frames, part: list[tuple[int, Array]]) -> list[Array]:
        """Points ``(68, 2)`` of the face in each box."""
        matrices = [crop_matrix(box, float(self._detector.reference_scale)) for _, box in part]
        crops = np.stack(
            [
                warp(frames[frame], matrix, (NET_SIZE, NET_SIZE), "constant")
                for (frame, _), matrix in zip(part, matrices, strict=True)
            ]
        )
        batch = torch.from_numpy(crops).permute(0, 3, 1, 2).to(self.device, torch.float32) / 255
        heat = self._net(batch)
        heat = heat[-1] if isinstance(heat, list | tuple) else heat
        places = peaks(heat.float().cpu().numpy())
        inside = (places + 0.5) * (NET_SIZE / HEAT_SIZE) - 0.5
        return [
            transform(points, invert(matrix)).astype(np.float32)
            for points, matrix in zip(inside, matrices, strict=True)
        ]


def crop_matrix(box: Array, reference: float) -> Array:
    """Source-to-crop matrix of the square that FAN was trained on, for a detector's box."""
    width, height = float(box[2] - box[0]), float(box[3] - box[1])
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2 - BOX_RISE * height])
    k = NET_SIZE / (BOX_UNIT * (width + height) / reference)
    shift = (NET_SIZE - 1) / 2 - k * (centre - 0.5)
    return np.array([[k, 0, shift[0]], [0, k, shift[1]]])


def peaks(heat: Array) -> Array:
    """Sub-pixel maxima ``(n, k, 2)`` of heat maps ``(n, k, h, w)``, pixel centres on integers.

    The heat's centroid in 5 x 5 pixels around the maximum; the library itself knows quarters only.
    """
    count, points, height, width = heat.shape
    best = heat.reshape(count, points, -1).argmax(-1)
    x, y = best % width, best // width
    reach = np.arange(-2, 3)
    dy, dx = np.meshgrid(reach, reach, indexing="ij")
    px = np.clip(x[..., None, None] + dx, 0, width - 1)
    py = np.clip(y[..., None, None] + dy, 0, height - 1)
    n, k = np.ogrid[:count, :points]
    weight = np.maximum(heat[n[..., None, None], k[..., None, None], py, px], 0).astype(np.float64)
    total = np.maximum(weight.sum((-2, -1)), 1e-12)
    places = np.stack([(weight * px).sum((-2, -1)), (weight * py).sum((-2, -1))], -1)
    return np.asarray(places / total[..., None])


def needed(detector: str) -> dict[str, str]:
    """File name to address of the weights that ``detector`` and FAN take."""
    module, keys = DETECTORS[detector]
    try:
        with _silenced():
            library, finder = import_module("face_alignment.api"), import_module(module)
    except ModuleNotFoundError as fault:
        raise LipkitError(
            f"detector {detector} needs {fault.name}",
            hint=f"pip install {fault.name}, or use --detector sfd",
        ) from None
    addresses = [library.models_urls["2DFAN-4"], *(finder.models_urls[key] for key in keys)]
    return {urlparse(address).path.rpartition("/")[2]: address for address in addresses}


def fetch(detector: str) -> None:
    """Puts missing weights where the library looks for them; nothing half-fetched stays.

    Raises WeightsError that names the files and their place where they cannot be fetched, or where
    a file holds more than tensors.
    """
    folder = os.path.join(torch.hub.get_dir(), "checkpoints")  # noqa: PTH118
    files = needed(detector)
    missing = {n: a for n, a in files.items() if not os.path.exists(os.path.join(folder, n))}  # noqa: PTH110, PTH118
    for name, address in missing.items():
        log.warning("fetching %s", address)
        _download(name, address, folder, missing)
    for name in files:
        if not name.endswith(".npy"):
            _check(os.path.join(folder, name))  # noqa: PTH118


def _download(name: str, address: str, folder: str, missing: dict[str, str]) -> None:
    prefix = torch.hub.HASH_REGEX.search(name)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        target = os.path.join(folder, name)  # noqa: PTH118
        torch.hub.download_url_to_file(address, target, prefix and prefix.group(1), progress=False)
    except (URLError, OSError, RuntimeError) as fault:
        reason = getattr(fault, "reason", fault)
        raise WeightsError(
            f"tracker fan cannot fetch its weights ({reason})",
            hint=f"put {', '.join(missing.values())} into {folder}, or use --tracker mediapipe",
        ) from fault
    finally:
        socket.setdefaulttimeout(patience)


def _check(path: str) -> None:
    """Refuse a file whose unpickling would run code: the library loads some without a guard."""
    try:
        with _silenced():
            torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as fault:
        raise WeightsError(
            f"{path} is damaged or no weights file", hint="delete it and run again"
        ) from fault


@contextmanager
def _silenced() -> Iterator[None]:
    """Keeps the library's warnings, which name nothing that a user could change, from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
