"""``lipkit align`` with filters: training clips out of raw videos, as a user calls it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lipkit import cli
from lipkit.artifacts.clip import read_clip
from lipkit.faces.geometry import Geometry
from lipkit.faces.warping import warp
from lipkit.filters import scores
from lipkit.filters.verdicts import Value
from lipkit.media.audio import read_wave
from lipkit.media.video import AudioTrack, Encode, VideoWriter

RATE = 15  # frames a second of the films: half of what makes a clip is repeated
SHORT = ("--filter", "length=1..2", "--size", "96")


def film(path: Path, frames: np.ndarray, sound: np.ndarray | None = None) -> Path:
    """``path``, with the frames and a rising tone, or the sound."""
    seconds = len(frames) / RATE
    wave = np.arange(round(seconds * 16000)) / 50000 if sound is None else sound
    voice = path.with_suffix(".wav")
    soundfile.write(voice, wave, 16000, subtype="PCM_16")
    with VideoWriter(
        path, size=(256, 256), fps=RATE, audio=AudioTrack(voice), encode=Encode("ffv1")
    ) as writer:
        writer.write(frames)
    voice.unlink()
    return path


def moving(picture: np.ndarray, count: int, light: float = 1.0) -> np.ndarray:
    shifts = [np.array([[1.0, 0, -90 + k / 4], [0, 1.0, -10]]) for k in range(count)]
    return (np.stack([warp(picture, shift, (256, 256)) for shift in shifts]) * light).astype("u1")


@pytest.fixture(scope="module")
def raw(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good video, one with a cut, one without a face, and a broken file."""
    folder = tmp_path_factory.mktemp("raw")
    (folder / "anna").mkdir()
    film(folder / "anna" / "good.mkv", moving(astronaut, 24))
    second = 255 - np.roll(moving(astronaut, 20), 128, 2)
    film(folder / "cut.mkv", np.concatenate([moving(astronaut, 24), second]))
    film(folder / "empty.mkv", np.full((18, 256, 256, 3), 90, np.uint8))
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and then nothing")
    return folder


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["align", *map(str, arguments)])
    return int(ended.value.code or 0)


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def prepared(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What becomes of all four by LatentSync's filters, for smaller faces and shorter clips."""
    out = tmp_path_factory.mktemp("out")
    filters = ("--filters", "latentsync", "--filter", "resolution=60", *SHORT)
    assert run(raw, *filters, "--out-dir", out, "--log", out / "log.jsonl") == 0
    return out


def test_each_piece_has_its_row(prepared: Path) -> None:
    found = rows_in(prepared / "log.jsonl")
    rows = {(Path(row["source"]).name, row.get("shot")): row for row in found}
    assert {key: row["dropped_by"] for key, row in rows.items()} == {
        ("good.mkv", 0): None,
        ("broken.mp4", None): "readable",
        ("cut.mkv", 0): None,
        ("cut.mkv", 1): "detection",
        ("empty.mkv", 0): "detection",
    }
    good = rows["good.mkv", 0]
    assert good["clip"] == "anna/good/000.mkv"
    assert (good["start"], good["end"], good["frames"], good["fps"]) == (0.0, 1.6, 40, "25")
    assert good["filters"]["resolution"]["bound"] == "60.."
    assert good["filters"]["resolution"]["value"] > 60
    assert rows["cut.mkv", 0]["end"] == pytest.approx(1.6, abs=0.05)
    assert rows["broken.mp4", None]["filters"]["detection"]["passed"] is None


def test_clips_have_an_even_rate_and_sound_at_16_khz(prepared: Path) -> None:
    path = prepared / "anna" / "good" / "000.mkv"
    clip = read_clip(path)
    geometry = Geometry.from_tensors(clip.tensors, clip.header)
    assert (geometry.fps, len(geometry), geometry.size) == (25, 40, (96, 96))
    assert geometry.times == [Fraction(k, 25) for k in range(40)]
    assert geometry.template == "latentsync"
    wave = read_wave(path)
    assert len(wave) == 40 * 640
    assert np.allclose(wave, np.arange(len(wave)) / 50000, atol=1e-4)
    assert clip.provenance["settings"]["filters"]["resolution"] == "60.."
    crops = np.concatenate(list(clip.frames()))
    assert crops.shape == (40, 96, 96, 3)
    assert crops.std() > 20


def test_the_sound_belongs_to_the_pictures(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "obstacle", lambda rule: None)
    found = {"sync_conf": Value(4.0), "sync_offset": Value(3.0)}
    monkeypatch.setattr(scores, "judge", lambda path, rules: found)
    asked = ("--filter", "sync_conf", "--filter", "sync_offset", "--filter", "length=0.6..0.8")
    assert run(raw / "anna" / "good.mkv", *asked, "--size", 64, "--out-dir", tmp_path) == 0
    first, second = rows_in(tmp_path / "good.jsonl")
    assert (first["shift"], second["shift"], second["start"]) == (3, 3, 0.8)
    wave = read_wave(tmp_path / second["clip"])
    expected = np.arange(0.8 * 16000, 1.6 * 16000) - 3 * 640  # three frames later
    assert np.allclose(wave, expected / 50000, atol=1e-4)
    wave = read_wave(tmp_path / first["clip"])
    assert np.abs(wave[: 3 * 640]).max() == 0


def test_training_reads_the_clips_and_the_shards(raw: Path, tmp_path: Path) -> None:
    from lipkit.training.clips import Clips

    asked = ("--filter", "length=0.5..0.8", "--size", 64, "--shards", 3, "--out-dir", tmp_path)
    names = (raw / "anna" / "good.mkv", raw / "cut.mkv")
    assert run(*names, "--filter", "shots", "--filter", "detection", *asked) == 0
    assert [path.name for path in sorted(tmp_path.glob("*.tar"))] == [
        "clips-000000.tar",
        "clips-000001.tar",
    ]
    assert not list(tmp_path.rglob("*.mkv"))
    clips = Clips.of_folder(tmp_path)
    takes = [*clips.training, *clips.held_out]
    assert len(takes) == 6
    assert len({take.name.split(":")[1].split("/")[0] for take in clips.training}) == 1
    assert takes[0].pictures(3, 6).shape == (3, 64, 64, 3)
    assert takes[0].valid.all()
    assert len(takes[0].wave) == len(takes[0]) * 640
    again = (*names, "--filter", "shots", "--filter", "detection", *asked, "--skip-existing")
    assert run(*again) == 0
    assert len(list(tmp_path.glob("*.tar"))) == 2
    assert run(*again[:-1], "--force") == 2


def test_what_was_done_is_not_done_again(
    prepared: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filters = ("--filters", "latentsync", "--filter", "resolution=60", *SHORT)
    assert run(raw, *filters, "--out-dir", prepared, "--skip-existing") == 0
    said = capsys.readouterr()
    assert [json.loads(line)["status"] for line in said.out.splitlines()] == ["skipped"] * 4
    assert "4 videos, 5 pieces, 2 clips kept, 3.2 s" in said.err
    assert "--force" not in said.err
    run(raw, *filters, "--filter", "resolution=50", "--out-dir", prepared, "--skip-existing")
    assert "cut before by other settings" in capsys.readouterr().err
    assert run(raw / "cut.mkv", *filters, "--out-dir", prepared) == 1


def test_weights_that_are_missing(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sync_conf", "sync_offset", "hyperiqa"):
        assert run(raw / "empty.mkv", "--filter", name, "--out-dir", tmp_path) == 5
        assert "lipkit models pull" in capsys.readouterr().err
    assert run(raw / "empty.mkv", "--filters", "latentsync", "--out-dir", tmp_path) == 4
    said = capsys.readouterr().err
    assert "without the filter sync_conf" in said
    assert "without the filter hyperiqa" in said
    assert "no clip passed the filters" in said


def test_without_the_filter_a_broken_file_is_an_error(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = (raw / "broken.mp4", raw / "empty.mkv")
    assert run(*names, "--filter", "shots", "--out-dir", tmp_path) == 3
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["status"], second["dropped"]) == ("failed", {"no face": 1})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--filters", "mentor", "-o", "x.mkv"), "--out-dir"),
        (("--filter", "resolutoin=3", "--out-dir", "x"), "did you mean resolution?"),
        (("--fps", "24", "-o", "x.mkv"), "add --filters"),
        (("--filters", "mentor", "--fps", "0", "--out-dir", "x"), "--fps 0"),
        (("--filter", "psnr=30", "--out-dir", "x"), "reference"),
    ],
)
def test_wrong_use(
    arguments: tuple[str, ...], says: str, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raw / "empty.mkv", *arguments) == 2
    assert says in capsys.readouterr().err


def test_all_filters_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list-filters") == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["resolution"][1:4] == ["256", "256", "-"]
    assert lines["length"][2:4] == ["5..10", "10..10"]
    assert "syncnet-v2" in lines["sync_conf"]


def test_a_clip_is_judged_by_any_measure_of_score(raw: Path, tmp_path: Path) -> None:
    asked = ("--filter", "sharpness=1e9", "--filter", "hyperiqa=off", "--size", 96)
    assert run(raw / "anna" / "good.mkv", *asked, "--out-dir", tmp_path) == 4
    (row,) = rows_in(tmp_path / "good.jsonl")
    assert row["dropped_by"] == "sharpness"
    assert 0 < row["filters"]["sharpness"]["value"] < 1e9
    assert not (tmp_path / "good").exists()


def test_a_broken_off_run_is_done_again_and_strangers_stay(raw: Path, tmp_path: Path) -> None:
    video = raw / "anna" / "good.mkv"
    asked = (video, "--filter", "length=0.7..0.8", "--size", 64, "--out-dir", tmp_path)
    assert run(*asked) == 0
    (tmp_path / "good.jsonl").unlink()
    first = (tmp_path / "good" / "000.mkv").read_bytes()
    (tmp_path / "good" / "001.mkv").replace(tmp_path / "good" / "007.mkv")
    assert run(*asked) == 0
    assert sorted(path.name for path in (tmp_path / "good").iterdir()) == ["000.mkv", "001.mkv"]
    assert (tmp_path / "good" / "000.mkv").read_bytes() == first
    stranger = tmp_path / "good" / "001.mkv"
    stranger.write_bytes((raw / "cut.mkv").read_bytes())
    assert run(*asked, "--force") == 1
    assert stranger.read_bytes() == (raw / "cut.mkv").read_bytes()
