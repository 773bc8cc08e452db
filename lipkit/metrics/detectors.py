"""Where faces are and where scenes begin, frame by frame, for SyncNet's recipe."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from lipkit import provenance
from lipkit.faces.warping import box_of
from lipkit.models.parts import weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames, Passage

    Array = NDArray[Any]

SHRINK = 0.25
SURE = 0.9
OVAL = 468  # points of FaceMesh before the irises
NARROW = 256  # width in pixels of the frames that are compared to find scenes
S3FD = "s3fd"


class Finder(Protocol):
    """Finds the faces of passing frames."""

    recipe: str

    @property
    def weights(self) -> Mapping[str, str] | None:
        """File to SHA-256 of what it finds faces with; None if lipkit brings it along."""
        ...

    def find(self, passage: Passage) -> list[Array]:
        """Boxes ``(n, 4)`` as x0 y0 x1 y1 of the faces in each frame."""
        ...


class S3fdFinder:
    """S3FD (Zhang et al., ICCV 2017) on frames reduced to a quarter, as in the recipe."""

    recipe = f"S3FD of face-alignment, frames x {SHRINK}, score above {SURE}"

    def __init__(self, file: Path, device: str) -> None:
        self.file, self.device = file, device
        self._net = _s3fd(file, device)

    @cached_property
    def weights(self) -> Mapping[str, str]:
        """The digest of the file."""
        return {self.file.name: _digest(self.file)}

    def find(self, passage: Passage) -> list[Array]:
        """The boxes of every face that S3FD is sure of."""
        import torch

        small = [cv2.resize(frame, None, fx=SHRINK, fy=SHRINK) for frame in passage.frames]
        batch = torch.from_numpy(np.stack(small)).movedim(-1, 1).float().to(self.device)
        found = self._net.detect_from_batch(batch)
        return [np.array([row[:4] for row in rows]).reshape(-1, 4) / SHRINK for rows in found]


@cache
def _s3fd(file: Path, device: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they name nothing that a user could change
        from face_alignment.detection.sfd.sfd_detector import SFDDetector

        return SFDDetector(device, path_to_detector=str(file), filter_threshold=SURE)


@cache
def _digest(file: Path) -> str:
    return provenance.digest(file)


class TrackFinder:
    """The face that the clip's own track follows, which needs no weights."""

    recipe = "box of the FaceMesh points of the largest face, for S3FD is not here"
    weights = None

    def __init__(self, clip: Clip) -> None:
        self._boxes = box_of(clip.track25.points[:, :OVAL])
        self._valid = clip.track25.valid

    def find(self, passage: Passage) -> list[Array]:
        """One box where the face is, none elsewhere."""
        return [self._boxes[row : row + 1][self._valid[row : row + 1]] for row in passage.rows]


def finder_of(clip: Clip, device: str) -> Finder:
    """S3FD where its weights are here, else the clip's track."""
    file = s3fd_file()
    return TrackFinder(clip) if file is None else S3fdFinder(file, device)


def s3fd_file() -> Path | None:
    """S3FD's weights: those of the store, or those that face-alignment fetched for itself."""
    if find_spec("face_alignment") is None:
        return None
    stored = weights.find(S3FD)
    if stored.present:
        return stored.path
    from torch.hub import get_dir

    file = Path(get_dir()) / "checkpoints" / Path(stored.files[0]).name
    return file if file.is_file() else None


class SceneCuts:
    """PySceneDetect's ContentDetector at its defaults, as the recipe's old version used it."""

    recipe = "PySceneDetect ContentDetector, threshold 27, 15 frames at least"

    def __init__(self, fps: float) -> None:
        from scenedetect import ContentDetector
        from scenedetect.detector import FlashFilter

        self.fps = float(fps)  # a whole number would count as frames
        # merging flashes, which is the default now, tells of a cut many frames after it
        self._detector = ContentDetector(filter_mode=FlashFilter.Mode.SUPPRESS)

    def begins(self, number: int, frame: Frames) -> bool:
        """Whether a scene begins with frame ``number``; frames come in order."""
        from scenedetect import FrameTimecode

        shrink = min(1.0, NARROW / frame.shape[1])
        small = cv2.resize(frame, None, fx=shrink, fy=shrink) if shrink < 1 else frame
        time = FrameTimecode(number, self.fps)
        return bool(self._detector.process_frame(time, np.ascontiguousarray(small[..., ::-1])))
