"""A portrait and a sound become motion, crops and a video, in one go or in stages."""

from __future__ import annotations

import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from lipkit.artifacts.clip import read_clip
from lipkit.artifacts.motion import read_motion
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.ffmpeg import run as ffmpeg
from lipkit.media.probe import probe
from lipkit.media.video import frame_times
from tests.commands.conftest import frames_of


def animate(portrait: Path, sound: Path, model: Path, *more: str) -> int:
    return run(["animate", str(portrait), str(sound), "--model", str(model), *more])


def test_a_portrait_talks(portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "talk $(x) ü.mp4"
    assert animate(portrait, speech, tiny_model, "-o", str(out)) == 0
    info = probe(out)
    assert info.video is not None
    assert info.video.size == (224, 256)
    assert info.audio is not None
    assert (info.audio.rate, info.audio.channels) == (44100, 2)
    assert frame_times(out) == [Fraction(k, 25) for k in range(20)]
    frames = frames_of(out).astype(int)
    assert np.abs(np.diff(frames, axis=0)).max() > 20
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_equal_wishes_give_equal_bytes(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        animate(portrait, speech, tiny_model, "-o", str(tmp_path / f"{name}.mp4"), "--seed", "3")
    animate(portrait, speech, tiny_model, "-o", str(tmp_path / "c.mp4"), "--seed", "4")
    a, b, c = ((tmp_path / f"{name}.mp4").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_stages_make_what_the_one_liner_makes(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    whole, motion, again = (tmp_path / n for n in ("w.mkv", "m.safetensors", "a.mkv"))
    lossless = ["--video-codec", "ffv1"]
    assert animate(portrait, speech, tiny_model, "-o", str(whole), *lossless) == 0
    assert animate(portrait, speech, tiny_model, "--emit", "motion", "-o", str(motion)) == 0
    assert run(["render", str(motion), str(portrait), "-o", str(again), *lossless]) == 0
    np.testing.assert_array_equal(frames_of(again), frames_of(whole))
    made = read_motion(motion)
    assert made.fps == 25
    assert made.provenance["verb"] == "animate"
    info = probe(again)
    assert info.audio is not None
    assert (info.audio.rate, info.audio.channels) == (44100, 2)


def test_crops_go_back_where_they_were(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    whole, crops, again = (tmp_path / n for n in ("w.mkv", "c.mkv", "a.mkv"))
    lossless = ["--video-codec", "ffv1"]
    animate(portrait, speech, tiny_model, "-o", str(whole), *lossless)
    assert animate(portrait, speech, tiny_model, "--emit", "crops", "-o", str(crops)) == 0
    assert read_clip(crops).count == 20
    assert run(["render", str(crops), str(portrait), "-o", str(again), *lossless]) == 0
    difference = np.abs(frames_of(again).astype(int) - frames_of(whole))
    assert difference.mean() < 0.5
    assert difference.max() <= 40


@pytest.mark.parametrize(
    ("fps", "count", "rate"), [("30", 24, 30), ("source", 20, 25), ("30000/1001", 24, None)]
)
def test_frame_rates(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    fps: str,
    count: int,
    rate: int | None,
) -> None:
    out = tmp_path / "out.mp4"
    assert animate(portrait, speech, tiny_model, "--fps", fps, "-o", str(out)) == 0
    expected = Fraction(fps) if rate is None else Fraction(rate)
    assert frame_times(out) == [k / expected for k in range(count)]


def test_controls_change_what_they_name(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.safetensors"
    more = ["--emit", "motion", "-o", str(out), "--head-motion", "0", "--no-blink"]
    assert animate(portrait, speech, tiny_model, *more) == 0
    motion = read_motion(out)
    for channel in ("yaw", "pitch", "roll", "blink_left", "blink_right"):
        assert not motion.data[:, motion.layout.index(channel)].any()
    assert motion.data[:, motion.layout.index("gaze_x")].any()


def test_every_portrait_meets_every_sound(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(speech.read_bytes())
    dog = tmp_path / "dog.png"
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(dog)
    names = [str(p) for p in (portrait, dog, speech, other)]
    options = ["--out-dir", str(tmp_path / "out"), "--model", str(tiny_model)]
    assert run(["animate", *names, *options, "-q"]) == ExitStatus.PARTIAL
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["status"] for row in rows) == ["failed", "failed", "ok", "ok"]
    assert all("no face" in row["error"] for row in rows if row["status"] == "failed")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "face with space-other.mp4",
        "face with space-speech.mp4",
    ]


def test_pairs_come_from_a_file(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    listing = tmp_path / "pairs"
    second = json.dumps({"portrait": str(portrait), "sound": str(speech)})
    (tmp_path / "copy.png").write_bytes(portrait.read_bytes())
    listing.write_text(f"{tmp_path / 'copy.png'}\t{speech}\n{second}\n")
    options = ["--pairs", str(listing), "--out-dir", str(tmp_path / "out"), "--emit", "motion"]
    assert run(["animate", *options, "--model", str(tiny_model)]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_pipe_carries_sound_in_and_video_out(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.BytesIO()
    sink = SimpleNamespace(buffer=out, isatty=lambda: False, flush=lambda: None)
    source = io.TextIOWrapper(io.BytesIO(speech.read_bytes()))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", sink)
        patch.setattr(sys, "stdin", source)
        arguments = ["animate", str(portrait), "-", "-o", "-", "--model", str(tiny_model)]
        assert run([*arguments, "--format", "mp4"]) == 0
    (tmp_path / "out.mp4").write_bytes(out.getvalue())
    assert len(frame_times(tmp_path / "out.mp4")) == 20


def test_features_drive_as_the_sound_does(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    features, heard, direct = (tmp_path / n for n in ("f.safetensors", "h", "d"))
    assert run(["embed-audio", str(speech), "--encoder", "mel-64", "-o", str(features)]) == 0
    for source, out in ((features, heard), (speech, direct)):
        emit = ["--emit", "motion", "-o", str(out)]
        assert animate(portrait, source, tiny_model, *emit) == 0
    np.testing.assert_allclose(read_motion(heard).data, read_motion(direct).data, atol=2e-3)
    assert read_motion(heard).sound is None
    out = tmp_path / "out.mp4"
    more = ["--audio", str(speech), "-o", str(out)]
    assert animate(portrait, features, tiny_model, *more) == 0
    assert probe(out).audio is not None


def test_features_of_another_encoder_are_refused(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    features = tmp_path / "f.safetensors"
    run(["embed-audio", str(speech), "--encoder", "mel", "-o", str(features)])
    out = str(tmp_path / "out.mp4")
    assert animate(portrait, features, tiny_model, "-o", out) == ExitStatus.BAD_INPUT
    error = capsys.readouterr().err
    assert "features of mel" in error
    assert "mel-64" in error


def test_a_picture_says_whose_face(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with Image.open(portrait) as image:
        twice = Image.new("RGB", (448, 256))
        twice.paste(image, (0, 0))
        twice.paste(image.convert("L").convert("RGB").transpose(Image.FLIP_LEFT_RIGHT), (224, 0))
    twice.save(tmp_path / "two.png")
    moved = {}
    for choice in ("left", "right", str(portrait)):
        out = tmp_path / "out.mkv"
        more = ["--face", choice, "-o", str(out), "--video-codec", "ffv1", "--force"]
        assert animate(tmp_path / "two.png", speech, tiny_model, *more) == 0
        frames = frames_of(out).astype(int)
        change = np.abs(frames - frames[:1]).sum((0, 1, 3))
        moved[choice] = "left" if change[:224].sum() > change[224:].sum() else "right"
    assert moved == {"left": "left", "right": "right", str(portrait): "left"}


@pytest.mark.parametrize(("samples", "count"), [(1, 1), (16000 // 25, 1), (8200, 13)])
def test_short_and_silent_sounds(
    portrait: Path, tiny_model: Path, tmp_path: Path, samples: int, count: int
) -> None:
    soundfile.write(tmp_path / "s.wav", np.zeros(samples), 16000)
    out = tmp_path / "out.mp4"
    assert animate(portrait, tmp_path / "s.wav", tiny_model, "-o", str(out)) == 0
    assert len(frame_times(out)) == count


def test_video_sound_drives_too(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    picture = ["-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=30:d=0.8"]
    ffmpeg([*picture, "-i", str(speech), "-c:a", "aac", "-ar", "48000", str(clip)])
    out = tmp_path / "out.mp4"
    assert animate(portrait, clip, tiny_model, "--fps", "source", "-o", str(out)) == 0
    info = probe(out)
    assert info.video is not None
    assert info.video.fps == 30
    assert info.audio is not None
    assert (info.audio.codec, info.audio.rate) == ("aac", 48000)


BAD = [
    ("dog.png", "speech.wav", ExitStatus.BAD_INPUT, ["dog.png", "no face"]),
    ("text.jpg", "speech.wav", ExitStatus.BAD_INPUT, ["text.jpg"]),
    ("cut.png", "speech.wav", ExitStatus.BAD_INPUT, ["cut.png"]),
    ("missing.png", "speech.wav", ExitStatus.BAD_INPUT, ["missing.png", "no such file"]),
    ("face.png", "missing.wav", ExitStatus.BAD_INPUT, ["missing.wav", "no such file"]),
    ("face.png", "empty.wav", ExitStatus.BAD_INPUT, ["empty.wav", "empty"]),
    ("face.png", "header.wav", ExitStatus.BAD_INPUT, ["header.wav"]),
    ("face.png", "mute.mp4", ExitStatus.BAD_INPUT, ["mute.mp4", "no sound"]),
    ("face.png", "face.png", ExitStatus.BAD_INPUT, ["face.png", "nothing to speak with"]),
]


@pytest.fixture(scope="module")
def bad_files(portrait: Path, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    Image.fromarray(noise).save(folder / "dog.png")
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "cut.png").write_bytes(portrait.read_bytes()[:2000])
    (folder / "face.png").write_bytes(portrait.read_bytes())
    (folder / "speech.wav").write_bytes(speech.read_bytes())
    (folder / "empty.wav").touch()
    (folder / "header.wav").write_bytes(speech.read_bytes()[:44])
    picture = ["-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2"]
    ffmpeg([*picture, str(folder / "mute.mp4")])
    return folder


@pytest.mark.parametrize(("face", "sound", "status", "words"), BAD)
def test_bad_input_gets_one_line(
    bad_files: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    face: str,
    sound: str,
    status: ExitStatus,
    words: list[str],
) -> None:
    out = tmp_path / "out.mp4"
    assert animate(bad_files / face, bad_files / sound, tiny_model, "-o", str(out)) == status
    said = capsys.readouterr()
    assert said.err.count("\n") == 1, said.err
    assert all(word in said.err for word in words), said.err
    assert face == sound or not (face in said.err and sound in said.err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        (["-o", "nowhere/out.mp4"], ExitStatus.FAILED, "nowhere"),
        (["-o", "out.xyz"], ExitStatus.USAGE, ".xyz"),
        (["-o", "out.mp4", "--fps", "fast"], ExitStatus.USAGE, "--fps fast"),
        (["-o", "out.mp4", "--set", "sampling.stesp=1"], ExitStatus.USAGE, "sampling.steps"),
        (["-o", "out.mp4", "--set", "model.fps=30"], ExitStatus.USAGE, "fixed by its weights"),
        (["-o", "out.mp4", "--codec", "mash"], ExitStatus.USAGE, "did you mean mesh"),
        (["-o", "out.mp4", "--face", "3"], ExitStatus.BAD_INPUT, "--face 3"),
        (["-o", "out.mp4", "--device", "tpu:9"], ExitStatus.USAGE, "--device tpu:9"),
        (["-o", "out.mp4", "--video-codec", "vp8"], ExitStatus.USAGE, "vp8"),
    ],
)
def test_bad_wishes_get_one_line(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    status: ExitStatus,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert animate(portrait, speech, tiny_model, *more) == status
    said = capsys.readouterr()
    assert word in said.err
    assert said.err.count("\n") == 1, said.err
    assert not list(tmp_path.iterdir())


def test_existing_output_is_kept(
    portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("mine")
    assert animate(portrait, speech, tiny_model, "-o", str(out)) == ExitStatus.USAGE
    assert out.read_text() == "mine"
    assert animate(portrait, speech, tiny_model, "-o", str(out), "--force") == 0
    assert len(frame_times(out)) == 20


def test_missing_weights_say_what_to_do(
    portrait: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.mp4")
    assert animate(portrait, speech, tmp_path, "-o", out) == ExitStatus.WEIGHTS
    assert animate(portrait, speech, portrait, "-o", out) == ExitStatus.WEIGHTS
    assert animate(portrait, speech, Path("builtn"), "-o", out) == ExitStatus.USAGE
    assert "did you mean builtin" in capsys.readouterr().err


def test_controls_are_for_models_that_know_them(
    portrait: Path,
    speech: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {name: tmp_path / f"{name}.safetensors" for name in ("plain", "aside", "near")}
    more = {"plain": (), "aside": ("--gaze", "12,-4"), "near": ("--distance", "0.1")}
    for name, path in files.items():
        wish = ("--emit", "motion", "-o", str(path), *more[name])
        assert animate(portrait, speech, tiny_model, *wish) == 0
    plain, aside, near = (read_motion(path).data for path in files.values())
    assert not np.allclose(plain, aside)
    assert not np.allclose(plain, near)
    assert read_motion(files["aside"]).provenance["settings"]["controls.gaze"] == [12, -4]
    out = ("-o", str(tmp_path / "a.mp4"))
    assert animate(portrait, speech, tiny_model, "--emotion", "joy", *out) == ExitStatus.USAGE
    assert "this model knows no --emotion" in capsys.readouterr().err
    assert animate(portrait, speech, tiny_model, "--gaze", "left", *out) == ExitStatus.USAGE
    assert "'left' is no list of numbers" in capsys.readouterr().err
    assert animate(portrait, speech, tiny_model, "--gaze", "1,2,3", *out) == ExitStatus.USAGE
    assert "two angles" in capsys.readouterr().err
