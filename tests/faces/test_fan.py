"""The ``fan`` tracker, with stand-ins for the networks: no test fetches weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from lipkit.errors import BadUsage, WeightsError
from lipkit.faces import fan
from lipkit.faces.warping import transform, warp


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints"


@pytest.mark.parametrize("detector", ["sfd", "blazeface"])
def test_weights_out_of_reach_are_named_with_their_place(
    detector: str, weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsError) as caught:
        fan.FanTracker(detector=detector)
    line = str(caught.value)
    assert "no route to host" in line
    assert str(weights_folder) in line
    for name, address in fan.needed(detector).items():
        assert address in line
        assert not (weights_folder / name).exists()


def test_a_file_that_would_run_code_is_refused(
    weights_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    weights_folder.mkdir()
    for name in fan.needed("sfd"):
        (weights_folder / name).write_bytes(pickle.dumps(SimpleNamespace(a=print)))
    with pytest.raises(WeightsError, match="damaged or no weights"):
        fan.FanTracker()


def test_an_unknown_detector_is_a_usage_error() -> None:
    with pytest.raises(BadUsage, match="sfd, blazeface, retinaface"):
        fan.FanTracker(detector="haar")


def test_peaks_lie_between_pixels() -> None:
    want = np.random.default_rng(0).uniform(5, 58, (2, 68, 2))
    y, x = np.mgrid[:64, :64]
    away = (x - want[..., 0, None, None]) ** 2 + (y - want[..., 1, None, None]) ** 2
    found = fan.peaks(np.exp(-away / (2 * 1.0**2)).astype(np.float32))
    assert np.abs(found - want).max() < 0.05


def test_peaks_at_the_rim_stay_inside() -> None:
    heat = np.zeros((1, 1, 64, 64), np.float32)
    heat[0, 0, 0, 63] = 1
    assert fan.peaks(heat)[0, 0] == pytest.approx([63, 0])
    assert np.isfinite(fan.peaks(np.zeros((1, 2, 64, 64), np.float32))).all()


class Bright:
    """A network whose heat is the crop's red channel: its landmarks are the brightest red spots."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, crops: torch.Tensor) -> list[torch.Tensor]:
        self.batches.append(len(crops))
        heat = torch.nn.functional.avg_pool2d(crops[:, :1], 4)
        return [heat.expand(-1, 68, -1, -1) ** 4]


def stub(boxes: list[list[list[float]]], batch: int) -> tuple[fan.FanTracker, Bright]:
    """A tracker whose detector gives ``boxes`` of each frame in turn."""
    tracker = object.__new__(fan.FanTracker)
    queue = [[np.array(box, np.float32) for box in faces] for faces in boxes]

    def detect_from_batch(frames: torch.Tensor) -> list[list[np.ndarray]]:
        return [queue.pop(0) for _ in frames]

    tracker.max_faces, tracker.min_score, tracker.batch = 2, 0.5, batch
    tracker.device = "cpu"
    tracker._detector = SimpleNamespace(detect_from_batch=detect_from_batch, reference_scale=195)
    tracker._net = Bright()
    return tracker, tracker._net


def spotted(spots: list[tuple[float, float]], size: tuple[int, int]) -> np.ndarray:
    """A dark frame with round red spots at sub-pixel places."""
    y, x = np.mgrid[: size[1], : size[0]]
    heat = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 4.0**2)) for a, b in spots)
    return np.stack([255 * np.clip(heat, 0, 1), 0 * x, 0 * x], -1).astype(np.uint8)


@pytest.mark.parametrize("width", [400, 1920])
def test_landmarks_come_back_to_the_frame(width: int) -> None:
    spot = (181.3, 142.8)
    shrink = min(1.0, 960 / width)
    box = [*(v * shrink for v in (130, 90, 230, 200)), 0.9]
    tracker, _ = stub([[box]], 4)
    (face,) = tracker.detect(spotted([spot], (width, 300))[None])[0]
    assert face.box == pytest.approx([130, 90, 230, 200])
    assert face.score == pytest.approx(0.9)
    assert face.points.mean(0) == pytest.approx(spot, abs=0.5)


def test_faces_of_many_frames_share_batches_and_doubtful_ones_go() -> None:
    frame = spotted([(60, 60), (160, 60)], (240, 120))
    left, right = [20.0, 20, 90, 100, 0.8], [110.0, 10, 210, 110, 0.7]
    rows = [[left, right], [], [[*left[:4], 0.3]], [left, right, [*left[:4], 0.95]]]
    tracker, net = stub(rows, 3)
    found = tracker.detect(np.stack([frame] * 4))
    assert [len(faces) for faces in found] == [2, 0, 0, 2]
    assert net.batches == [3, 1]
    assert found[0][0].box == pytest.approx(right[:4])
    assert found[0][0].points.mean(0) == pytest.approx((160, 60), abs=0.5)


def test_the_crop_is_the_one_fan_was_trained_on() -> None:
    box = np.array([100, 120, 200, 240, 0.9])
    matrix = fan.crop_matrix(box, 195.0)
    side = 200 * (100 + 120) / 195
    # Corners in outer-edge coordinates, where the library's 0 and 256 are.
    centre = np.array([150, 180 - 0.12 * 120])
    corners = np.stack([centre - side / 2, centre + side / 2])
    assert transform(corners - 0.5, matrix) + 0.5 == pytest.approx(np.array([[0, 0], [256, 256]]))
    assert warp(np.zeros((300, 300, 3), np.uint8), matrix, (256, 256)).shape == (256, 256, 3)
