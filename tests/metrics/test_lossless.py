"""Picture scores of files: perfect against themselves, the same in every lossless container."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.media.ffmpeg import run
from lipkit.media.video import VideoWriter
from lipkit.metrics.choice import Chosen, find
from lipkit.metrics.clip import Clip
from lipkit.metrics.engine import examine
from lipkit.protocols import Score
from tests.metrics.conftest import Scene
from tests.sync.films import LOSSLESS

NAMES = ("psnr", "ssim", "ssim_box7", "face_similarity", "mouth_similarity", "untouched", "flicker")
RATE = Fraction(25)


@pytest.fixture(scope="module")
def films(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A real and a made film, the made one in several containers and codecs."""
    folder = tmp_path_factory.mktemp("films")
    noise = np.random.default_rng(0).integers(-9, 10, scene.frames.shape)
    made = np.clip(scene.frames + noise, 0, 255).astype(np.uint8)
    for name, frames in (("real", scene.frames), ("made", made)):
        size = (frames.shape[2], frames.shape[1])
        with VideoWriter(folder / f"{name}.mkv", size=size, fps=RATE, encode=LOSSLESS) as writer:
            writer.write(frames)
    again = {"made.mp4": ["-c:v", "libx264rgb", "-qp", "0"], "made.avi": ["-c:v", "png"]}
    for name, codec in again.items():
        run(["-v", "error", "-i", str(folder / "made.mkv"), *codec, str(folder / name)])
    return {path.name: path for path in folder.iterdir()}


def scores(made: Path, real: Path) -> dict[str, Score]:
    chosen = [Chosen(name, find(name), find(name).measures, ()) for name in NAMES]
    return examine(Clip(made.name, made, reference=Clip(real.name, real)), chosen).scores


def test_a_film_against_itself_is_perfect(films: dict[str, Path]) -> None:
    found = scores(films["real.mkv"], films["real.mkv"])
    for name, score in found.items():
        if name.startswith(("ssim", "identical")):
            assert score.value == pytest.approx(1, abs=1e-12), name
        elif name.startswith("psnr"):
            assert score.value is None, name
            assert score.reason
        else:
            assert score.value == 0, name


def test_container_and_codec_do_not_matter(films: dict[str, Path]) -> None:
    first, *others = (
        scores(films[name], films["real.mkv"]) for name in ("made.mkv", "made.mp4", "made.avi")
    )
    assert first["psnr"].value == pytest.approx(10 * np.log10(255**2 / 30), abs=0.2)
    assert {score.frames for score in first.values()} == {5, 3}  # flicker needs neighbours
    for other in others:
        assert {k: s.value for k, s in other.items()} == {k: s.value for k, s in first.items()}
