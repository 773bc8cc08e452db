"""score: lines, tables, sets, what is bad, what is kept, and what is said."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.metrics import choice
from lipkit.protocols import FaceTrack
from tests.metrics import tiny
from tests.metrics.tiny import STEP, numbered


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Tiny metrics instead of the real ones; tests may add to them."""
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    metrics = dict(tiny.TABLE)
    monkeypatch.setattr(choice, "table", lambda: metrics)
    choice.find.cache_clear()
    yield metrics
    choice.find.cache_clear()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Two clips of 4 and 8 frames, of which b has sound, and references of half their length."""
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(np.arange(6000) / 8), 16000)
    for folder, (a, b) in {"made": (4, 8), "real": (2, 4)}.items():
        (tmp_path / folder).mkdir()
        numbered(tmp_path / folder / "a.mkv", a)
        sound = tmp_path / "tone.wav" if folder == "made" else None
        numbered(tmp_path / folder / "b.mkv", b, sound=sound)
    return tmp_path


Captured = pytest.CaptureFixture[str]


def call(*arguments: Any) -> int:
    return run(["score", *map(str, arguments)])


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def mean(count: int) -> float:
    return STEP * (count - 1) / 2


@pytest.mark.usefixtures("table")
def test_one_clip_is_one_line(made: Path, capsys: Captured) -> None:
    assert call(made / "made" / "b.mkv") == ExitStatus.OK
    captured = capsys.readouterr()
    (row,) = lines(captured.out)
    assert row["grey"] == mean(8)
    assert row["loudness"] > 0.3
    assert (row["frames"], row["fps"], row["size"], row["status"]) == (8, 25, [48, 32], "ok")
    assert row["scores"]["grey"]["recipe"] == "mean of all pixels"
    assert "beside" not in row
    assert captured.err.splitlines() == [
        "left out: beside, beside25: needs a reference video; give --reference FILE or DIR",
        "left out: apart: needs a set of reference videos; give --reference FILE or DIR",
    ]


@pytest.mark.usefixtures("table")
def test_folders_are_paired_by_name_and_compared_as_sets(made: Path, capsys: Captured) -> None:
    assert call(made / "made", "--reference", made / "real", "-q") == ExitStatus.OK
    *clips, whole = lines(capsys.readouterr().out)
    assert [Path(row["clip"]).name for row in clips] == ["a.mkv", "b.mkv"]
    assert [Path(row["reference"]).name for row in clips] == ["a.mkv", "b.mkv"]
    assert [row["scores"]["beside"]["frames"] for row in clips] == [2, 4]
    assert [row["scores"]["loudness"]["reason"] for row in clips] == ["no sound in this file", None]
    assert (whole["set"], whole["clips"], whole["references"]) == (True, 2, 2)
    assert whole["greys"] == pytest.approx((4 * mean(4) + 8 * mean(8)) / 12)
    gap = whole["greys"] - (2 * mean(2) + 4 * mean(4)) / 6
    assert whole["apart_mean"] == pytest.approx(gap)


@pytest.mark.usefixtures("table")
def test_another_length_and_few_faces_are_told(
    made: Path, capsys: Captured, table: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table["faces"] = "tests.metrics.tiny:Faces"
    valid = np.arange(8) < 6

    def track(path: Path, size: tuple[int, int], fps: Fraction, advance: Any) -> FaceTrack:
        times = tuple(Fraction(k, 25) for k in range(8))
        points = np.ones((8, 5, 2), np.float32)
        return FaceTrack(points, valid, np.zeros(8, int), times, fps, size, "five")

    monkeypatch.setattr("lipkit.metrics.clip.track_face", track)
    b = made / "made" / "b.mkv"
    arguments = ("--reference", made / "real" / "b.mkv", "--metrics", "faces,beside")
    assert call(b, *arguments) == ExitStatus.OK
    captured = capsys.readouterr()
    (row,) = lines(captured.out)
    assert (row["unreliable"], row["faces"], row["with_face"]) == (True, 0.75, 6)
    assert f"{b}: unreliable: only 75% of the frames show a face" in captured.err
    assert f"{b}: 0.32 s, its reference 0.16 s: compared as far as both go" in captured.err
    valid[:] = False
    assert call(b, "--metrics", "faces") == ExitStatus.BAD_INPUT
    assert capsys.readouterr().err.endswith("b.mkv: no face in any frame\n")
    assert call(b, "--metrics", "faces,grey") == ExitStatus.OK
    about = lines(capsys.readouterr().out)[0]["scores"]["with_face"]
    assert (about["value"], about["reason"]) == (None, "no face in any frame")


@pytest.mark.usefixtures("table")
def test_systems_are_sets_of_their_own(made: Path, capsys: Captured) -> None:
    (made / "other").mkdir()
    for name in ("a", "b"):
        numbered(made / "other" / f"{name}.mkv", 2)
    assert call(made / "made", made / "other", "--metrics", "greys") == ExitStatus.OK
    sets = {row["system"]: row["greys"] for row in lines(capsys.readouterr().out) if "set" in row}
    assert sets == {"made": pytest.approx((4 * mean(4) + 8 * mean(8)) / 12), "other": mean(2)}


@pytest.mark.usefixtures("table")
def test_pairs_and_sounds_come_from_files(made: Path, capsys: Captured) -> None:
    a, b = made / "made" / "a.mkv", made / "made" / "b.mkv"
    pairs = made / "pairs.tsv"
    as_json = json.dumps({"clip": str(b), "reference": str(a)})
    pairs.write_text(f"{a}\t{b}\t{made / 'tone.wav'}\n{as_json}\n")
    assert call("--pairs", pairs, "--metrics", "beside,loud") == ExitStatus.OK
    first, second = lines(capsys.readouterr().out)
    assert (first["reference"], second["reference"]) == (str(b), str(a))
    assert first["loudness"] == pytest.approx(second["loudness"], abs=0.05)
    assert call(a, "--audio", made / "tone.wav", "--metrics", "loud") == ExitStatus.OK
    assert lines(capsys.readouterr().out)[0]["audio"] == str(made / "tone.wav")
    pairs.write_text("a\tb\tc\td\n")
    assert call("--pairs", pairs) == ExitStatus.USAGE
    assert "line 1 is no pair" in capsys.readouterr().err


@pytest.mark.usefixtures("table")
def test_standard_input_is_a_clip(made: Path, capsys: Captured, monkeypatch: Any) -> None:
    with (made / "made" / "a.mkv").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file, isatty=lambda: False))
        assert call("-", "--metrics", "grey,greys") == ExitStatus.OK
    clip, whole = lines(capsys.readouterr().out)
    assert (clip["clip"], clip["grey"], whole["greys"]) == ("-", mean(4), mean(4))


@pytest.fixture
def bad(made: Path) -> Path:
    """A folder's worth of what users pass by mistake, beside one good clip."""
    folder = made / "bad"
    folder.mkdir()
    (folder / "text.mp4").write_text("hello\n")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "sound.mp4").write_bytes((made / "tone.wav").read_bytes())
    whole = (made / "made" / "b.mkv").read_bytes()
    (folder / "broken.mkv").write_bytes(whole[:600])
    Image.new("RGB", (8, 8)).save(folder / "picture.png")
    return folder


MISTAKES = {
    "text.mp4": "text, not a video",
    "empty.mp4": "empty file",
    "sound.mp4": "no video in this file; metrics of sound alone can be asked for by --metrics",
    "broken.mkv": "",
    "picture.png": "image, not a video",
    "none.mp4": "no such file",
}


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(("name", "message"), MISTAKES.items())
def test_a_bad_clip_is_one_line_of_error(
    bad: Path, name: str, message: str, capsys: Captured
) -> None:
    assert call(bad / name, "-q") == ExitStatus.BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"lipkit score: error: {bad / name}: {message}")


@pytest.mark.usefixtures("table")
def test_bad_clips_do_not_stop_the_good_ones(bad: Path, capsys: Captured) -> None:
    good = bad.parent / "made" / "a.mkv"
    names = [bad / name for name in MISTAKES]
    status = call(*names, good, "-q", "--metrics", "grey,greys")
    captured = capsys.readouterr()
    assert status == ExitStatus.PARTIAL
    *rows, whole = lines(captured.out)
    failed = [row for row in rows if row["status"] == "failed"]
    assert [Path(row["clip"]).name for row in failed] == list(MISTAKES)
    assert {row["exit"] for row in failed} == {ExitStatus.BAD_INPUT}
    assert len(captured.err.splitlines()) == len(MISTAKES)
    assert whole["greys"] == rows[-1]["grey"] == mean(4)
    assert call(*names, "-q", "--metrics", "grey") == ExitStatus.FAILED


@pytest.mark.usefixtures("table")
def test_files_of_a_folder_that_only_look_like_videos_fail(bad: Path, capsys: Captured) -> None:
    (bad / "good.mkv").write_bytes((bad.parent / "made" / "a.mkv").read_bytes())
    (bad / "notes.txt").write_text("no clip")
    assert call(bad, "-q", "--metrics", "grey") == ExitStatus.PARTIAL
    rows = {Path(row["clip"]).name: row["status"] for row in lines(capsys.readouterr().out)}
    assert rows.pop("good.mkv") == "ok"
    assert rows == dict.fromkeys(["broken.mkv", "empty.mp4", "sound.mp4", "text.mp4"], "failed")


@pytest.mark.usefixtures("table")
def test_a_silent_clip_is_refused_where_only_sound_was_asked_for(
    made: Path, capsys: Captured
) -> None:
    assert call(made / "made" / "a.mkv", "--metrics", "loud") == ExitStatus.BAD_INPUT
    assert "a.mkv: no sound in this file" in capsys.readouterr().err
    assert call(made / "tone.wav", "--metrics", "loud") == ExitStatus.OK
    assert lines(capsys.readouterr().out)[0]["size"] is None


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--metrics", "beside"], ExitStatus.USAGE, "give --reference"),
        (["--metrics", "gray"], ExitStatus.USAGE, "did you mean grey"),
        (["--metrics", ","], ExitStatus.USAGE, "names none"),
        (["--skip-existing"], ExitStatus.USAGE, "-o FILE"),
        (["--reference", "none.mp4"], ExitStatus.BAD_INPUT, "no such file"),
        (["--audio", "none.wav"], ExitStatus.BAD_INPUT, "no such file"),
        (["--reference", "{made}/tone.wav"], ExitStatus.BAD_INPUT, "neither a video nor"),
        (["-o", "{made}/tone.wav"], ExitStatus.USAGE, "exists; --force"),
    ],
)
def test_wrong_usage_is_told_at_once(
    made: Path, capsys: Captured, arguments: list[str], status: int, message: str
) -> None:
    clip = made / "made" / "a.mkv"
    assert call(clip, *(a.format(made=made) for a in arguments)) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err.splitlines()[-1]


def test_missing_weights_and_packages_are_named(
    made: Path, capsys: Captured, table: dict[str, str]
) -> None:
    table |= tiny.FAULTY
    clip = made / "made" / "a.mkv"
    assert call(clip, "--metrics", "heavy") == ExitStatus.WEIGHTS
    line = capsys.readouterr().err.strip()
    assert "syncnet_v2.model of ByteDance/LatentSync-1.5" in line
    assert "lipkit models pull syncnet-v2" in line
    assert call(clip, "--metrics", "foreign") == ExitStatus.USAGE
    assert "pip install 'lipkit[metrics]'" in capsys.readouterr().err
    assert call(clip) == ExitStatus.OK
    assert "left out: heavy: needs the weights syncnet-v2" in capsys.readouterr().err


@pytest.mark.usefixtures("table")
def test_the_list_says_what_can_run_and_what_is_missing(made: Path, capsys: Captured) -> None:
    assert call("--list", "--format", "json") == ExitStatus.OK
    rows = {row["name"]: row for row in lines(capsys.readouterr().out)}
    assert (rows["grey"]["runs"], rows["grey"]["of"], rows["grey"]["direction"]) == (
        True, "clip", "none",
    )  # fmt: skip
    assert (rows["beside"]["runs"], rows["apart_mean"]["of"]) == (False, "set")
    assert rows["beside"]["reason"] == "needs a reference video; give --reference FILE or DIR"
    assert call("--list", "--reference", made / "real") == ExitStatus.OK
    captured = capsys.readouterr()
    assert captured.out.split("\n")[0].split() == [
        "measure", "metric", "better", "unit", "needs", "now",
    ]  # fmt: skip
    assert all(line.split()[-1] == "yes" for line in captured.out.splitlines()[1:])


@pytest.mark.usefixtures("table")
def test_a_table_is_for_people(made: Path, capsys: Captured) -> None:
    assert call(made / "made", "--format", "table", "-o", made / "s.jsonl") == ExitStatus.OK
    captured = capsys.readouterr()
    table = [line.split() for line in captured.out.splitlines()]
    assert table[0] == ["measure", "better", "a.mkv", "b.mkv", "all", "clips"]
    assert ["grey", "(levels)", "-", f"{mean(4):.4g}", f"{mean(8):.4g}"] in table
    assert "a.mkv: loudness: no sound in this file" in captured.err
    assert len(lines((made / "s.jsonl").read_text())) == 3


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the clips that are really looked at from now on."""
    seen: list[str] = []
    watch = tiny.Greys.watch

    def note(self: tiny.Greys, clip: Any) -> tiny.GreyWatch:
        seen.append(clip.name)
        return watch(self, clip)

    monkeypatch.setattr(tiny.Greys, "watch", note)
    return seen


@pytest.mark.usefixtures("table")
def test_finished_lines_are_kept_and_the_rest_is_done(
    made: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, a, b = made / "s.jsonl", made / "made" / "a.mkv", made / "made" / "b.mkv"
    again = ("--metrics", "grey", "-o", output, "--skip-existing")
    assert call(a, *again) == ExitStatus.OK
    line = output.read_text()
    with output.open("a") as file:
        file.write('{"clip": "half a li')
    seen = counted(monkeypatch)
    assert call(a, b, *again) == ExitStatus.OK
    assert seen == [str(b)]
    assert output.read_text().startswith(line)
    assert [row["grey"] for row in lines(output.read_text())] == [mean(4), mean(8)]
    numbered(a, 6)  # another file of the same name
    from lipkit.commands import _score_keep

    _score_keep.digest.cache_clear()
    assert call(a, b, *again) == ExitStatus.OK
    assert seen == [str(b), str(a)]
    assert {row["grey"] for row in lines(output.read_text())} == {mean(6), mean(8)}
    assert call(a, b, "--metrics", "grey25", *again[2:]) == ExitStatus.OK
    assert [set(row) & {"grey", "grey25"} for row in lines(output.read_text())] == [{"grey25"}] * 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("work", [True, False])
def test_what_sets_need_is_kept_in_the_work_folder(
    made: Path, monkeypatch: pytest.MonkeyPatch, work: bool, table: dict[str, str]
) -> None:
    table["chorus"] = "tests.metrics.tiny:Chorus"
    arguments = [made / "made", "--reference", made / "real", "-o", made / "s.jsonl"]
    arguments += ["--metrics", "greys,apart,chorus,grey25", "--skip-existing"]
    arguments += ["--work-dir", made / "work"] if work else []
    assert call(*arguments) == ExitStatus.OK
    first = lines((made / "s.jsonl").read_text())
    assert first[-1]["chorus"] == 1, "one clip has sound"
    seen = counted(monkeypatch)
    assert call(*arguments) == ExitStatus.OK
    again = lines((made / "s.jsonl").read_text())
    assert again == first
    assert bool(seen) != work


def test_a_killed_run_leaves_whole_lines_and_goes_on(tmp_path: Path) -> None:
    for k in range(6):
        numbered(tmp_path / f"{k}.mkv", 40, size=(320, 240))
    output = tmp_path / "s.jsonl"
    clips = sorted(map(str, tmp_path.glob("*.mkv")))
    command = [
        sys.executable,
        "-m",
        "lipkit",
        "score",
        "-q",
        "--metrics",
        "ssim",
        "-o",
        str(output),
    ]
    command += ["--skip-existing", "--reference", clips[0], *clips]
    with subprocess.Popen(command) as process:
        while process.poll() is None and not (output.exists() and output.stat().st_size):
            time.sleep(0.01)
        process.kill()
    kept = output.read_text()
    assert all(json.loads(line)["ssim"] is not None for line in kept.splitlines())
    assert subprocess.run(command, check=False).returncode == ExitStatus.OK
    whole = output.read_text()
    assert whole.startswith(kept)
    assert [row["clip"] for row in lines(whole)] == clips


@pytest.mark.usefixtures("table")
def test_the_report_shows_every_clip(made: Path, capsys: Captured) -> None:
    page = made / "report.html"
    arguments = ("--reference", made / "real", "--report", page, "-q")
    assert call(made / "made", made / "tone.wav", *arguments) == ExitStatus.PARTIAL
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("data:image/jpeg;base64,") > 4
    assert "no video in this file" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert call(made / "made", *arguments) == ExitStatus.USAGE
    assert "exists" in capsys.readouterr().err


def test_workers_give_the_same_lines(made: Path, capsys: Captured) -> None:
    arguments = [made / "made", "--reference", made / "real", "--metrics", "ssim,audio_peak", "-q"]
    (made / "made" / "c.mp4").write_text("text")
    (made / "made" / "d.mp4").write_bytes((made / "made" / "b.mkv").read_bytes())
    status = call(*arguments)
    alone = lines(capsys.readouterr().out)
    assert call(*arguments, "-j", 2) == status == ExitStatus.PARTIAL
    assert sorted(map(str, lines(capsys.readouterr().out))) == sorted(map(str, alone))
    assert [row.get("ssim", "-") for row in alone] == [1, 1, "-", None]


def test_a_closed_pipe_ends_quietly(made: Path) -> None:
    clips = [str(made / "made" / f"{name}.mkv") for name in "ab"] * 2
    command = [sys.executable, "-m", "lipkit", "score", "-q", "--metrics", "ssim"]
    command += ["--reference", str(made / "real"), *clips]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["ssim"] == 1
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (ExitStatus.OK, ExitStatus.BROKEN_PIPE)
