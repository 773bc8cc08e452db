"""Where faces are looked for, and where scenes begin."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.metrics import detectors
from lipkit.models.parts import weights
from lipkit.protocols import Passage
from tests.metrics.conftest import Scene

FRAMES = np.zeros((3, 80, 160, 3), np.uint8)
PASSAGE = Passage(np.arange(1, 4), FRAMES)


class Library:
    """What face-alignment's detector answers: rows of box and score for each picture."""

    def detect_from_batch(self, batch: torch.Tensor) -> list[Any]:
        assert batch.shape == (3, 3, 20, 40)
        return [np.array([[1.0, 2, 11, 12, 0.99]]), [], [np.array([2.0, 2, 5, 6, 0.95])] * 2]


def test_boxes_of_s3fd_are_scaled_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(detectors, "_s3fd", lambda file, device: Library())
    file = tmp_path / "s3fd.pth"
    file.write_bytes(b"weights")
    finder = detectors.S3fdFinder(file, "cpu")
    first, none, two = finder.find(PASSAGE)
    assert first.tolist() == [[4, 8, 44, 48]]
    assert (none.shape, two.shape) == ((0, 4), (2, 4))
    assert finder.weights.keys() == {"s3fd.pth"}


def test_without_s3fd_the_clips_own_track_is_used(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    valid = np.array([True, True, False, True, True])
    clip: Any = SimpleNamespace(track25=SimpleNamespace(points=scene.track.points, valid=valid))
    finder = detectors.finder_of(clip, "cpu")
    assert "S3FD is not here" in finder.recipe
    assert finder.weights is None
    found = finder.find(PASSAGE)
    assert [len(boxes) for boxes in found] == [1, 0, 1]
    x0, y0, x1, y1 = found[0][0]
    assert 60 < x1 - x0 < y1 - y0 < 180
    assert len(finder.find(Passage(np.array([99]), FRAMES[:1]))[0]) == 0


def test_s3fd_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    other = tmp_path / "checkpoints" / "s3fd-619a316812.pth"
    other.parent.mkdir()
    other.touch()
    assert detectors.s3fd_file() == other
    stored = weights.find("s3fd").path
    stored.parent.mkdir()
    stored.touch()
    assert detectors.s3fd_file() == stored


def test_a_scene_begins_where_the_picture_changes() -> None:
    dark, light = np.full((90, 400, 3), 20, np.uint8), np.full((90, 400, 3), 220, np.uint8)
    cuts = detectors.SceneCuts(25)
    shown = [dark] * 20 + [light] * 30 + [dark] * 5 + [light] * 20
    begins = [k for k, frame in enumerate(shown) if cuts.begins(k, frame)]
    assert begins == [20, 50]  # the scene after 50 would be too short to end at 55
