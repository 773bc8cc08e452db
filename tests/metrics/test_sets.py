"""FID, KID and FVD around stand-ins for their networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.metrics import fid, fvd
from lipkit.protocols import Metric, Passage, Score

WIDTH = 6


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that see little: means of parts of the picture."""

    class Look:
        device = torch.device("cpu")
        fc = SimpleNamespace(weight=torch.zeros(1))

        def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures[..., ::100, ::75].flatten(1)[:, :WIDTH]

    class Logits(Look):
        def __call__(self, videos: torch.Tensor) -> torch.Tensor:
            assert videos.shape[1] == 3
            assert videos.shape[3:] == (224, 224)
            return videos.flatten(1)[:, : 400 * 700 : 700]

    monkeypatch.setattr(fid, "network", lambda: Look())
    monkeypatch.setattr(fvd, "network", lambda name: Logits())


def video(count: int, seed: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def kept(metric: Metric, frames: np.ndarray, name: str = "a", chunk: int = 7) -> Any:
    rows = np.arange(len(frames))
    clip = SimpleNamespace(path=Path(name), frame_count=len(frames), rows25=rows)
    watch = metric.watch(clip)
    for start in range(0, len(frames), chunk):
        part = slice(start, start + chunk)
        watch.see(Passage(rows[part], frames[part]))
    assert watch.scores() == {}
    return watch.contribution()


def scored(metric: Metric, made: Sequence[Any], real: Sequence[Any]) -> dict[str, Score]:
    return dict(metric.compute(made, real))


@pytest.mark.parametrize("metric", [fid.Fid(), fid.FidClean()])
def test_equal_sets_are_at_no_distance(metric: fid.Fid) -> None:
    clips = [kept(metric, video(count, count)) for count in (9, 5)]
    fid_score, kid_score = scored(metric, clips, clips).values()
    assert fid_score.value == pytest.approx(0, abs=1e-6)
    assert fid_score.settings["frames_made"] == fid_score.settings["frames_real"] == 14
    assert "biased" in fid_score.settings["warning"]
    assert kid_score.value is not None
    assert kid_score.value < 0  # unbiased, so below zero for a set against itself
    assert kid_score.settings["rows_made"] == 14


def test_how_frames_are_cut_into_passages_and_clips_does_not_matter() -> None:
    metric, frames, other = fid.Fid(), video(40, 1), video(30, 2)
    real = [kept(metric, other)]
    whole = scored(metric, [kept(metric, frames)], real)
    parts = [kept(metric, frames[k : k + 8], chunk=3) for k in range(0, 40, 8)]
    cut = scored(metric, parts, real)
    for name in ("fid", "kid"):
        assert cut[name].value == pytest.approx(whole[name].value, rel=1e-6)


def test_one_frame_has_no_distance() -> None:
    metric = fid.Fid()
    found = scored(metric, [kept(metric, video(1, 1))], [kept(metric, video(9, 1))])
    for score in found.values():
        assert score.value is None
        assert "two frames" in str(score.reason)


RECIPES = [fvd.stylegan_v, fvd.vasa, fvd.videogpt]


@pytest.mark.parametrize("recipe", RECIPES)
def test_fvd_of_a_set_with_itself_is_nought_and_warned_of(recipe: Any) -> None:
    metric = recipe()
    clips = [kept(metric, video(30, seed), str(seed)) for seed in range(3)]
    (score,) = scored(metric, clips, clips).values()
    assert score.value == pytest.approx(0, abs=1e-6)
    assert score.frames == 3 * metric.recipe.count
    assert "below 401 clips" in score.settings["warning"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_short_clips_are_left_out_and_counted(recipe: Any) -> None:
    metric = recipe()
    short = kept(metric, video(metric.recipe.count - 1, 0))
    long = [kept(metric, video(metric.recipe.count, k), str(k)) for k in (1, 2)]
    assert short["rows"].shape == (0, 400)
    (score,) = scored(metric, [short, *long], long).values()
    assert score.settings["clips_left_out"] == 1
    assert score.settings["clips_made"] == 2
    (score,) = scored(metric, [short, *long[:1]], long).values()
    assert score.value is None
    assert "two usable clips" in str(score.reason)


def test_random_starts_follow_from_the_name() -> None:
    recipe = fvd.stylegan_v().recipe
    starts = {recipe.first(f"{k}.mp4", 20) for k in range(40)}
    assert starts == {0, 1, 2, 3, 4}
    assert recipe.first("a.mp4", 500) == recipe.first("a.mp4", 500)
    assert recipe.first("a.mp4", 16) == 0
    assert recipe.first("a.mp4", 15) is None


def test_the_frames_that_a_recipe_names_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def boxes(frame: np.ndarray) -> tuple[int, int, int, int]:
        taken.append(int(frame[0, 0, 0]))
        return 2, 2, 20, 30

    monkeypatch.setattr(fvd, "face_box", boxes)
    frames = np.zeros((50, 40, 40, 3), np.uint8)
    frames[:, 0, 0, 0] = np.arange(50)
    assert kept(fvd.latentsync(), frames)["rows"].shape == (1, 400)
    assert taken == list(range(20, 36))
    assert kept(fvd.latentsync(), frames[:35])["rows"].shape == (0, 400)


def test_clips_are_cut_at_faces_in_their_own_range(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = iter([(0, 0, 10, 10), (4, 4, 14, 14)] * 2)
    monkeypatch.setattr(fvd, "face_box", lambda frame: next(corners))
    frames = video(2, 0, (20, 20))
    each, steady = fvd.faces(frames), fvd.steady_faces(frames)
    assert each is not None
    assert steady is not None
    assert each.shape == steady.shape == (3, 2, 224, 224)
    np.testing.assert_array_equal(
        each[:, 1], fvd.cut_out(frames[1], (4, 4, 14, 14)).transpose(2, 0, 1) / np.float32(255)
    )
    np.testing.assert_array_equal(
        steady[:, 1], fvd.cut_out(frames[1], (2, 2, 12, 12)).transpose(2, 0, 1) / np.float32(255)
    )
    monkeypatch.setattr(fvd, "face_box", lambda frame: None)
    assert fvd.faces(frames) is None


def test_mediapipe_finds_the_face(astronaut: np.ndarray) -> None:
    found = fvd.face_box(astronaut)
    assert found is not None
    left, top, right, bottom = found
    assert left < 225 < right  # the nose
    assert top < 115 < bottom
    assert fvd.face_box(np.zeros((120, 160, 3), np.uint8)) is None


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (300, 301), (224, 224)])
def test_the_centre_is_cut_out_of_the_short_side(size: tuple[int, int]) -> None:
    frames = video(2, 0, size)
    found = fvd.centred(frames)
    assert found.shape == (3, 2, 224, 224)
    assert -1 <= found.min() < found.max() <= 1
    if size == (224, 224):
        expected = frames.transpose(3, 0, 1, 2) / 127.5 - 1
        np.testing.assert_allclose(found, expected, atol=1e-6)
