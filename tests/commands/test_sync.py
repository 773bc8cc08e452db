"""``lipkit sync``, as a user calls it, with an editor and a tracker that need no network."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lipkit import cli
from lipkit.artifacts.clip import read_clip
from lipkit.artifacts.features import write_features
from lipkit.commands import _sync_faces, _sync_inputs, _syncing
from lipkit.faces.geometry import Geometry
from lipkit.media.probe import probe
from lipkit.media.video import Encode, VideoWriter, frame_times, read_frames
from lipkit.protocols import Features
from tests.commands.conftest import frames_of
from tests.sync.films import Blinker, Spotter, film, speech, steady

TIMES = steady(40, Fraction(30000, 1001))
DARK = range(15, 34)  # too long to be bridged
EDITOR = Blinker()


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine and a tracker that start at once."""
    model = SimpleNamespace(digests={"weights": "0"})
    engine = _sync_inputs.Engine(model, EDITOR)
    monkeypatch.setattr(_syncing, "engine_of", lambda wish: engine)
    monkeypatch.setattr(_sync_faces, "fresh_tracker", lambda name: Spotter())
    monkeypatch.setitem(_sync_faces.TRACKER_OF, "five", "spotter")


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    own = speech(folder / "own.wav", 1.3, 44100)
    encode = Encode("h264", lossless=True)
    return film(folder / "talk.mp4", TIMES, (64, 48), encode=encode, sound=own)


@pytest.fixture(scope="session")
def dub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return speech(tmp_path_factory.mktemp("dub") / "dub.flac", 1.0, 24000)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["sync", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_a_video_gets_other_lips_and_the_new_sound(talk: Path, dub: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert run(talk, dub, "-o", out) == 0
    assert frame_times(out) == TIMES
    info = probe(out)
    assert info.audio is not None
    assert (info.audio.codec, info.audio.rate) == ("flac", 24000)
    near = np.abs(frames_of(out).astype(int) - frames_of(talk))
    assert near[:, :20].max() < 30
    assert near[:, 22:31, 28:37].max() > 60


def test_pixels_outside_are_the_decoders(talk: Path, dub: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    assert run(talk, dub, "-o", out, "--video-codec", "ffv1", "-q") == 0
    same = (frames_of(out) == frames_of(talk)).all(-1)
    assert not same[:, 22:31, 28:37].any(0).all()
    same[:, 22:31, 28:37] = True
    assert same.all()


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (["--length", "video"], 40),
        (["--length", "audio"], 30),
        (["--length", "shortest"], 30),
        (["--length", "longest"], 40),
    ],
)
def test_a_shorter_sound(
    talk: Path, dub: Path, tmp_path: Path, options: list[str], frames: int
) -> None:
    assert run(talk, dub, "-o", tmp_path / "out.mkv", *options) == 0
    assert len(frames_of(tmp_path / "out.mkv")) == frames


@pytest.mark.parametrize("extend", ["pingpong", "loop", "hold"])
def test_a_longer_sound(
    talk: Path, tmp_path: Path, extend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    long = speech(tmp_path / "long.wav", 2.0)
    log = tmp_path / "log.jsonl"
    options = ["--extend", extend, "--log", log, "--video-codec", "ffv1"]
    assert run(talk, long, "-o", tmp_path / "out.mkv", *options) == 0
    made = frames_of(tmp_path / "out.mkv")
    assert len(made) == 60
    row = {"pingpong": 38, "loop": 0, "hold": 39}[extend]
    assert (made[40, :20] == frames_of(talk)[row, :20]).all()
    assert "extended by 20 frames" in capsys.readouterr().err
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert {"length", "extended"} <= {row["event"] for row in events}
    assert next(r for r in events if r["event"] == "extended")["frames"] == 20


def test_a_longer_sound_can_be_cut(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = speech(tmp_path / "long.wav", 2.0)
    assert run(talk, long, "-o", tmp_path / "out.mkv", "--length", "video") == 0
    assert "the end of the sound is cut" in capsys.readouterr().err
    assert frame_times(tmp_path / "out.mkv") == TIMES
    assert float(probe(tmp_path / "out.mkv").duration or 0) == pytest.approx(4 / 3, abs=0.1)


@pytest.fixture
def hidden(dub: Path, tmp_path: Path) -> Path:
    encode = Encode("h264", lossless=True)
    return film(tmp_path / "hidden.mp4", TIMES, (64, 48), dark=DARK, encode=encode)


@pytest.mark.parametrize("policy", ["pass", "hold"])
def test_faceless_frames(hidden: Path, dub: Path, tmp_path: Path, policy: str) -> None:
    out, log = tmp_path / "out.mkv", tmp_path / "log.jsonl"
    options = ["--on-missing", policy, "--video-codec", "ffv1", "--log", log]
    assert run(hidden, dub, "-o", out, *options) == 0
    same = (frames_of(out) == frames_of(hidden)).all((1, 2, 3))
    assert same[DARK.start : DARK.stop].all() == (policy == "pass")
    assert not same[: DARK.start].all()
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    gone = next(row for row in events if row["event"] == "no face")
    assert (gone["first"], gone["last"]) == (DARK.start, DARK.stop - 1)


def test_faceless_frames_can_be_refused(
    hidden: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert run(hidden, dub, "-o", out, "--on-missing", "fail") == 4
    assert "no face in frames 15-33" in capsys.readouterr().err
    assert not out.exists()


def test_a_speaker_map(talk: Path, dub: Path, tmp_path: Path) -> None:
    who = tmp_path / "who.json"
    spans = [{"start": 0.2, "end": 0.4, "face": "left"}, {"start": 0.8, "end": 0.9, "face": "1"}]
    who.write_text(json.dumps(spans), "utf-8")
    out = tmp_path / "out.mkv"
    assert run(talk, dub, "-o", out, "--speaker-map", who, "--video-codec", "ffv1") == 0
    changed = (frames_of(out) != frames_of(talk)).any((1, 2, 3))
    times = np.array([float(time) for time in TIMES])
    spoken = ((times >= 0.2) & (times < 0.4)) | ((times >= 0.8) & (times < 0.9))
    assert not changed[~spoken].any()
    assert changed[spoken].sum() >= spoken.sum() - 1


def test_a_speaker_with_a_sound_of_his_own(talk: Path, dub: Path, tmp_path: Path) -> None:
    own, who, log = speech(tmp_path / "own.wav", 1.3), tmp_path / "who.json", tmp_path / "log"
    spans = [
        {"start": 0, "end": 0.5, "face": "left", "sound": str(own)},
        {"start": 0.5, "end": 9, "face": "left"},
    ]
    who.write_text(json.dumps(spans), "utf-8")
    exact = ["--video-codec", "ffv1", "-q"]
    outs = [tmp_path / name for name in ("both.mkv", "dub.mkv", "own.mkv")]
    assert run(talk, dub, "-o", outs[0], "--speaker-map", who, "--log", log, *exact) == 0
    assert run(talk, dub, "-o", outs[1], *exact) == 0
    assert run(talk, own, "-o", outs[2], *exact) == 0
    both, by_dub, by_own = (frames_of(out) for out in outs)
    assert (both[:15] == by_own[:15]).all()
    assert (both[15:] == by_dub[15:]).all()
    assert (by_dub[:15] != by_own[:15]).any()
    audio = probe(outs[0]).audio
    assert audio is not None
    assert (audio.codec, audio.rate) == ("flac", 24000)
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    speakers = [row for row in events if row["event"] == "speaker"]
    assert [row.get("sound") for row in speakers] == [str(own), None]


def test_a_speakers_sound_must_be_there(
    talk: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = tmp_path / "who.json"
    for sound, complaint in (("none.wav", "no such file"), (str(who), "text, not a recording")):
        spans = [{"start": 0, "end": 1, "face": "left", "sound": sound}]
        who.write_text(json.dumps(spans), "utf-8")
        assert run(talk, dub, "-o", tmp_path / "out.mp4", "--speaker-map", who) == 4
        assert f"{sound}: {complaint}" in capsys.readouterr().err
        assert run(talk, dub, "-o", tmp_path / "out.mp4", "--speaker-map", who, "-n") == 4


def test_another_soundtrack(talk: Path, dub: Path, tmp_path: Path) -> None:
    song = speech(tmp_path / "song.flac", 3.0, 48000)
    out, plain = tmp_path / "out.mkv", tmp_path / "plain.mkv"
    exact = ["--video-codec", "ffv1", "-q"]
    assert run(talk, dub, "-o", out, "--audio", song, *exact) == 0
    assert run(talk, dub, "-o", plain, *exact) == 0
    assert (frames_of(out) == frames_of(plain)).all()
    info = probe(out)
    assert info.audio is not None
    assert info.audio.rate == 48000
    assert float(info.duration or 0) == pytest.approx(40 * 1.001 / 30, abs=0.1)


def test_a_soundtrack_needs_sound(
    talk: Path, dub: Path, portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mute = film(tmp_path / "mute.mp4", TIMES[:3], (64, 48), encode=Encode())
    for sound in (mute, portrait):
        assert run(talk, dub, "-o", tmp_path / "out.mp4", "--audio", sound) == 4
        assert sound.name in capsys.readouterr().err


def test_features_are_for_editors_that_know_them(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "features.safetensors"
    steps = np.zeros((40, 1, 3), np.float32)
    write_features(path, Features(steps, Fraction(20), "x"), {})
    assert run(talk, path, "-o", tmp_path / "out.mp4", "-q") == 4
    said = capsys.readouterr().err
    assert "features, which blinker cannot use" in said
    assert run(talk, path, "-o", tmp_path / "out.mp4", "-n") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["sound"] == {"kind": "features", "seconds": 2.0, "becomes": "nothing"}
    assert run(talk, path, "-o", tmp_path / "out.mp4", "--keep-audio", "mix") == 2


def test_crops_of_deep_colour_stay_deep(dub: Path, tmp_path: Path) -> None:
    base = np.linspace(12000, 50000, 48 * 64 * 3).reshape(1, 48, 64, 3)
    frames = np.concatenate([base + 150 * k for k in range(20)]).astype(np.uint16)
    deep = tmp_path / "deep.mp4"
    encode = Encode("hevc", pixel="yuv420p10le")
    with VideoWriter(deep, size=(64, 48), fps=25, encode=encode, pixel="rgb48") as writer:
        writer.write(frames)
    whole, crops, back = (tmp_path / name for name in ("whole.mkv", "crops.mkv", "back.mkv"))
    assert run(deep, dub, "-o", whole, "--video-codec", "ffv1") == 0
    assert run(deep, dub, "-o", crops, "--emit", "crops") == 0
    assert read_clip(crops).video.bit_depth == 16
    with pytest.raises(SystemExit) as ended:
        cli.main(["render", str(crops), str(deep), "-o", str(back), "--video-codec", "ffv1"])
    assert not ended.value.code
    wide = [np.concatenate(list(read_frames(path, pixel="rgb48"))) for path in (whole, back)]
    assert (wide[0] % 257).any()
    assert (wide[0] == wide[1]).all()
    hevc = tmp_path / "hevc.mp4"
    with pytest.raises(SystemExit) as ended:
        cli.main(["render", str(crops), str(deep), "-o", str(hevc)])
    video = probe(hevc).video
    assert video is not None
    assert (video.codec, video.pix_fmt) == ("hevc", "yuv420p10le")


def test_crops_go_back_pixel_for_pixel(talk: Path, tmp_path: Path) -> None:
    long = speech(tmp_path / "long.wav", 2.0)
    whole, crops, back = (tmp_path / name for name in ("whole.mkv", "crops.mkv", "back.mkv"))
    exact = ["--video-codec", "ffv1"]
    assert run(talk, long, "-o", whole, *exact) == 0
    assert run(talk, long, "-o", crops, "--emit", "crops") == 0
    clip = read_clip(crops)
    geometry = Geometry.from_tensors(clip.tensors, clip.header)
    assert geometry.template == "native"
    assert clip.tensors["rows"].tolist()[38:43] == [38, 39, 38, 37, 36]
    with pytest.raises(SystemExit) as ended:
        cli.main(["render", str(crops), str(talk), "-o", str(back), *exact])
    assert not ended.value.code
    assert (frames_of(back) == frames_of(whole)).all()
    assert frame_times(back) == frame_times(whole)


def test_a_clip_is_edited_as_it_is(talk: Path, dub: Path, tmp_path: Path) -> None:
    crops, again = tmp_path / "crops.mkv", tmp_path / "again.mkv"
    assert run(talk, dub, "-o", crops, "--emit", "crops") == 0
    assert run(crops, dub, "-o", again, "--emit", "crops") == 0
    before, after = read_clip(crops), read_clip(again)
    assert (before.tensors["matrix"] == after.tensors["matrix"]).all()
    assert (before.tensors["rows"] == after.tensors["rows"]).all()
    assert (frames_of(crops) != frames_of(again)).any()


def test_render_wants_the_video_of_the_crops(
    talk: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crops = tmp_path / "crops.mkv"
    assert run(talk, dub, "-o", crops, "--emit", "crops") == 0
    small = film(tmp_path / "small.mp4", TIMES, (32, 32), encode=Encode())
    brief = film(tmp_path / "brief.mp4", TIMES[:9], (64, 48), encode=Encode())
    for source, complaint in ((small, "32x32, but the crops"), (brief, "9 frames, but")):
        with pytest.raises(SystemExit) as ended:
            cli.main(["render", str(crops), str(source), "-o", str(tmp_path / "o.mp4")])
        assert ended.value.code == 4
        assert complaint in capsys.readouterr().err


def test_own_sound_below_the_new(talk: Path, dub: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert run(talk, dub, "-o", out, "--keep-audio", "mix") == 0
    audio = probe(out).audio
    assert audio is not None
    assert (audio.codec, audio.rate, audio.channels) == ("aac", 24000, 1)
    assert float(probe(out).duration or 0) == pytest.approx(40 * 1.001 / 30, abs=0.06)


def test_work_is_kept_and_gone_on_with(talk: Path, dub: Path, tmp_path: Path) -> None:
    whole, out, work = tmp_path / "whole.mp4", tmp_path / "out.mp4", tmp_path / "work"
    assert run(talk, dub, "-o", whole) == 0
    EDITOR.most = EDITOR.edits + 25
    assert run(talk, dub, "-o", out, "--work-dir", work) == 130
    assert not out.exists()
    EDITOR.most = None
    before = EDITOR.edits
    assert run(talk, dub, "-o", out, "--work-dir", work) == 0
    assert EDITOR.edits - before < 40
    assert out.read_bytes() == whole.read_bytes()
    assert run(talk, dub, "-o", out, "--work-dir", work, "--seed", 1, "-f") == 0
    assert len(list(work.glob("faces-*"))) == 1
    assert len(list(work.glob("edits-*"))) == 2


def test_resume_keeps_its_work_beside_the_output(talk: Path, dub: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    EDITOR.most = EDITOR.edits + 25
    assert run(talk, dub, "-o", out, "--resume") == 130
    EDITOR.most = None
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4.lipkit"]
    assert run(talk, dub, "-o", out, "--resume") == 0
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert run(talk, dub, "-o", "-", "--resume") == 2


def test_a_dry_run_writes_nothing(
    talk: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new"
    options = ["--length", "audio", "--work-dir", tmp_path / "w", "--log", tmp_path / "l"]
    assert run(talk, dub, "-o", tmp_path / "a.mp4", "--dry-run", *options) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["result"]["frames"] == 30
    assert plan["sound"]["becomes"] == "copied"
    assert plan["video"]["fps"] == "30000/1001"
    assert plan["memory_mb"] > 100
    assert run(talk, talk, dub, "--out-dir", out, "-n") == 2  # both would get one name
    assert run(talk, dub, "--out-dir", out, "-n") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_batch_goes_on_after_a_bad_file(
    talk: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"x" * 100)
    pairs = tmp_path / "pairs.jsonl"
    rows = [{"video": str(bad), "sound": str(dub)}, {"video": str(talk), "sound": str(dub)}]
    pairs.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    out = tmp_path / "out"
    assert run("--pairs", pairs, "--out-dir", out) == 3
    report = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["status"] for row in report] == ["failed", "ok"]
    assert report[1]["with_face"] == 40
    assert [p.name for p in out.iterdir()] == ["talk-dub.mp4"]
    assert run(talk, dub, "--out-dir", out, "--skip-existing") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "skipped"


NAMES = ["a b.mp4", 'it\'s "so".mp4', "new\nline.mp4", "-dash.mp4", "$(touch x).mp4", b"\xff.mp4"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_are_only_names(
    talk: Path, dub: Path, tmp_path: Path, name: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(name)
    sound = name.replace(".mp4", ".flac")
    Path(name).write_bytes(talk.read_bytes())
    Path(sound).write_bytes(dub.read_bytes())
    options = ["--log", "log of " + name, "--work-dir", "work of " + name]
    assert run("-o", "out " + name, *options, "--", name, sound) == 0
    assert len(frame_times(Path("out " + name))) == 40
    assert not Path("x").exists()
    pairs = Path("pairs.tsv")
    if "\n" not in name:
        pairs.write_bytes(os.fsencode(f"{name}\t{sound}\n"))
        assert run("--pairs", pairs, "--out-dir", "many") == 0
        assert len(list(Path("many").iterdir())) == 1


def test_unusable_inputs(
    talk: Path, dub: Path, portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(talk.read_bytes()[:3000])
    mute = film(tmp_path / "mute.mp4", TIMES[:3], (64, 48), encode=Encode())
    dark = film(tmp_path / "dark.mp4", TIMES[:3], (64, 48), dark=range(3), encode=Encode())
    out = tmp_path / "out.mp4"
    rows = [
        (tmp_path / "none.mp4", dub, "no such file"),
        (empty, dub, "empty file"),
        (cut, dub, "cut.mp4"),
        (dub, dub, "audio, not a video"),
        (portrait, dub, "lipkit animate makes it talk"),
        (talk, mute, "mute.mp4: no sound"),
        (talk, portrait, "not a recording"),
        (dark, dub, "dark.mp4: no face in any frame"),
    ]
    for video, sound, complaint in rows:
        assert run(video, sound, "-o", out) == 4, complaint
        said = capsys.readouterr().err
        assert complaint in said
        assert len(said.strip().splitlines()) == 1, said
        assert not out.exists()
    assert not list(tmp_path.glob(".lipkit*"))


def test_wrong_usage(
    talk: Path, dub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert run(talk, "-o", out) == 2
    assert run(talk, dub, "-o", out, "--speaker-map", tmp_path / "none.json") == 2
    assert run(talk, dub, "-o", out, "--face", "nobody.jpg") == 2
    assert run(talk, dub, "-o", out, "--video-codec", "mpeg9") == 2
    capsys.readouterr()
    for more in ([], ["-n"]):
        assert run(talk, dub, "-o", tmp_path / "out.avi", *more) == 2
        assert capsys.readouterr().err.startswith(f"lipkit sync: error: {tmp_path}/out.avi: no")
    assert run("-", "-", "-o", out) == 2
    assert run(talk, dub, "-o", out, "--log", "-") == 2
    assert run(talk, dub, "-o", tmp_path / "out.mp4", "--log", tmp_path / "no" / "log") == 2


def test_pipes(talk: Path, dub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(talk.read_bytes()), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stdin)
    out = tmp_path / "out.mp4"
    assert run("-", dub, "-o", out) == 0
    assert frame_times(out) == TIMES
    taken = tmp_path / "taken.mkv"
    with taken.open("wb") as file:
        sink = SimpleNamespace(buffer=file, isatty=lambda: False, flush=file.flush)
        monkeypatch.setattr(sys, "stdout", sink)
        assert run(talk, dub, "-o", "-") == 0
    assert len(frame_times(taken)) == 40


def test_the_real_thing_starts(talk: Path, dub: Path, tmp_path: Path) -> None:
    """A process of its own, without the light engine, refuses a model that does not exist."""
    command = [sys.executable, "-m", "lipkit", "sync", talk, dub, "-o", tmp_path / "o.mp4"]
    done = subprocess.run([*command, "--model", "bultin"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"did you mean builtin?" in done.stderr
