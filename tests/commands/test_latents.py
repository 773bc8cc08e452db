"""Runs that stop at latents, and ``lipkit render`` that goes on from them to the same result."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lipkit import config
from lipkit.artifacts.latents import open_latents_writer, read_latents
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.audio import wave_chunks
from lipkit.media.video import frame_times
from tests.commands.conftest import film_head, frames_of, untrained
from tests.models.vlogger.aniportrait.conftest import TINY

QUICK = ["--steps", "1"]
LOSSLESS = ["--video-codec", "ffv1"]
SYNCERS = {"tiny-latentsync": QUICK, "tiny-musetalk": []}
PERFORMERS = {"tiny-emo": QUICK, "aniportrait": [*QUICK, "--guidance", "1"]}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights of presets' designs, autoencoders included, by the presets' names."""
    folder = tmp_path_factory.mktemp("weights")
    small = {"model": TINY["model"]}
    made = {"aniportrait": untrained("aniportrait", small, folder / "aniportrait.safetensors")}
    for name in [*SYNCERS, "tiny-emo"]:
        preset = config.load_preset(name)
        made[name] = folder / f"{name}.safetensors"
        untrained(preset.family, preset.tables, made[name], name)
    return made


@pytest.fixture(scope="module")
def talk(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Over half a second of a head that moves a little, at 30 frames a second."""
    return film_head(tmp_path_factory.mktemp("film") / "talk.mkv", astronaut, frames=20)


@pytest.fixture(scope="module")
def wide(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with room around the head."""
    path = tmp_path_factory.mktemp("portrait") / "wide.png"
    Image.fromarray(astronaut[:360]).save(path)
    return path


def lipkit(*words: object) -> int:
    return run([str(word) for word in words])


def same(one: Path, other: Path) -> None:
    """Two videos are alike in pictures, times and sound."""
    assert np.array_equal(frames_of(one), frames_of(other))
    assert frame_times(one) == frame_times(other)
    first, second = (np.concatenate(list(wave_chunks(path))) for path in (one, other))
    np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("name", list(SYNCERS))
def test_a_synced_video_from_latents_is_that_of_one_run(
    name: str,
    talk: Path,
    speech: Path,
    stored: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    whole, made, latents = (tmp_path / n for n in ("whole.mkv", "made.mkv", "l.safetensors"))
    given = ["sync", talk, speech, "--model", stored[name], *SYNCERS[name]]
    assert lipkit(*given, "-o", whole, *LOSSLESS) == ExitStatus.OK
    capfdbinary.readouterr()
    assert lipkit(*given, "-o", "-", "--emit", "latents") == ExitStatus.OK
    latents.write_bytes(capfdbinary.readouterr().out)
    rows, found = read_latents(latents)
    assert found.content == "faces"
    assert len(rows) == len(found.tensors["starts"]) * found.facts["span"]
    with io.TextIOWrapper(latents.open("rb")) as given_in:
        monkeypatch.setattr(sys, "stdin", given_in)
        finish = ["render", "-", talk, "--model", stored[name], "-o", made, *LOSSLESS]
        assert lipkit(*finish) == ExitStatus.OK
    same(whole, made)


@pytest.mark.parametrize("name", list(PERFORMERS))
def test_a_talking_portrait_from_latents_is_that_of_one_run(
    name: str, wide: Path, speech: Path, stored: dict[str, Path], tmp_path: Path
) -> None:
    whole, made, latents = (tmp_path / n for n in ("whole.mkv", "made.mkv", "l.safetensors"))
    given = ["animate", wide, speech, "--model", stored[name], *PERFORMERS[name], "--fps", 30]
    assert lipkit(*given, "-o", whole, *LOSSLESS) == ExitStatus.OK
    assert lipkit(*given, "-o", latents, "--emit", "latents") == ExitStatus.OK
    assert read_latents(latents)[1].content == "portrait"
    finish = ["render", latents, wide, "--model", stored[name], *LOSSLESS]
    assert lipkit(*finish, "-o", made) == ExitStatus.OK
    same(whole, made)
    assert lipkit(*finish, "--fps", 25, "-o", tmp_path / "slow.mkv") == ExitStatus.OK
    assert len(frame_times(tmp_path / "slow.mkv")) == 20


def test_what_does_not_belong_together_is_refused(
    talk: Path,
    speech: Path,
    stored: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    latents, out = tmp_path / "l.safetensors", tmp_path / "x.mkv"
    model = stored["tiny-musetalk"]
    made = ["sync", talk, speech, "--model", model, "--emit", "latents", "-o", latents]
    assert lipkit(*made) == ExitStatus.OK
    other = tmp_path / "other.mkv"
    shutil.copy(talk, other)
    with other.open("ab") as file:
        file.write(b"\0")

    def told(*words: object) -> str:
        capsys.readouterr()
        assert lipkit("render", *words, "-o", out) == expected
        assert not out.exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line

    expected = ExitStatus.BAD_INPUT
    assert "other.mkv: not the file" in told(latents, other, "--model", model)
    expected = ExitStatus.USAGE
    assert "keep their times" in told(latents, talk, "--model", model, "--fps", 50)
    expected = ExitStatus.WEIGHTS
    assert "name them by --model" in told(latents, talk)
    latentsync = stored["tiny-latentsync"]
    assert "latents of the autoencoder of its own" in told(latents, talk, "--model", latentsync)
    assert "tiny-musetalk has no weights" in told(latents, talk, "--model", "tiny-musetalk")
    rows, found = read_latents(latents)
    broken = tmp_path / "broken.safetensors"
    found.tensors["starts"][0] += 16  # type: ignore[index]
    with open_latents_writer(broken, found, rows.shape) as append:
        append(rows.read(0, len(rows)))
    expected = ExitStatus.BAD_INPUT
    assert "no latents for the model's frame 0" in told(broken, talk, "--model", model)


@pytest.mark.parametrize("verb", ["sync", "animate"])
def test_a_model_without_latents_says_so(
    verb: str,
    talk: Path,
    speech: Path,
    portrait: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown, out = talk if verb == "sync" else portrait, tmp_path / "l.safetensors"
    given = [verb, shown, speech, "--model", tiny_model, "--emit", "latents", "-o", out]
    assert lipkit(*given) == ExitStatus.USAGE
    assert "draws no latents; it makes --emit" in capsys.readouterr().err
    assert not out.exists()
