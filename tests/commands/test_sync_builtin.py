"""``lipkit sync`` with the embedded default's own editor and tracker, on a real face."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lipkit.faces.warping import warp
from lipkit.media.probe import probe
from lipkit.media.video import AudioTrack, Encode, VideoWriter, frame_times
from tests.commands.conftest import frames_of


@pytest.fixture(scope="module")
def talk(astronaut: np.ndarray, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a head that moves a little, at 30 frames a second."""
    path = tmp_path_factory.mktemp("film") / "talk.mp4"
    shifts = [np.array([[1.0, 0, -90 + k], [0, 1.0, -10 + 0.5 * k]]) for k in range(30)]
    frames = np.stack([warp(astronaut, shift, (256, 256)) for shift in shifts])
    lossless = Encode("h264", lossless=True)
    audio = AudioTrack(speech)
    with VideoWriter(path, size=(256, 256), fps=30, audio=audio, encode=lossless) as writer:
        writer.write(frames)
    return path


def lipkit(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "lipkit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, cwd=cwd)


def test_the_mouth_moves_and_nothing_else(
    talk: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out, log = tmp_path / "out.mkv", tmp_path / "log.jsonl"
    options = ["--model", tiny_model, "--video-codec", "ffv1", "--log", log]
    done = lipkit("sync", talk, speech, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    before, after = frames_of(talk), frames_of(out)
    assert [float(t) for t in frame_times(out)] == pytest.approx(
        [float(t) for t in frame_times(talk)], abs=0.001
    )
    changed = (before != after).any(-1)
    assert changed.any((1, 2)).sum() > 15
    assert not changed[:, :100].any()  # eyes and all above
    assert not changed[:, :, :40].any()
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert "length" in {row["event"] for row in events}


def test_features_and_motion_through_pipes(
    talk: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """A clip meets features, and a video the motion that a portrait would make."""
    own, exact = [sys.executable, "-m", "lipkit"], ["--video-codec", "ffv1", "-q"]
    model = ["--model", tiny_model]
    whole, parts = tmp_path / "whole.mkv", tmp_path / "parts.mkv"
    assert lipkit("sync", talk, speech, "-o", whole, *model, *exact).returncode == 0
    features = tmp_path / "features"
    embed = shlex.join([*own, "embed-audio", str(speech), "--encoder", "mel-64", "-o", "-"])
    sync = [*own, "sync", talk, "-", "--audio", speech, "-o", parts, *model, *exact]
    piped = f"{embed} | tee {shlex.quote(str(features))} | {shlex.join(map(str, sync))}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", piped], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (frames_of(whole) == frames_of(parts)).mean() > 0.999
    sounds = [probe(path).audio for path in (whole, parts)]
    assert sounds[0] == sounds[1] is not None
    silent = lipkit("sync", talk, features, "-o", tmp_path / "silent.mkv", *model)
    assert silent.returncode == 0
    assert b"the result is silent; --audio names some" in silent.stderr
    assert probe(tmp_path / "silent.mkv").audio is None


def test_processes_share_a_batch(
    talk: Path, speech: Path, tiny_model: Path, tmp_path: Path
) -> None:
    names = [os.fsdecode(b"odd \xff.mp4"), "b.mp4"]
    for name in names:
        (tmp_path / name).write_bytes(talk.read_bytes())
    (tmp_path / "a.wav").write_bytes(speech.read_bytes())
    options = ["--model", tiny_model, "--out-dir", "out", "-j", 2]
    done = lipkit("sync", *names, "a.wav", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["status"] for row in rows] == ["ok", "ok"]
    first, second = (frames_of(path) for path in (tmp_path / "out").iterdir())
    assert (first == second).all()


def test_a_stop_leaves_nothing(talk: Path, speech: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "lipkit", "sync", talk, speech, "-o", out]
    command += ["--model", tiny_model, "--log", tmp_path / "log"]
    child = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE)
    for _ in range(600):
        if (tmp_path / "log").exists() and (tmp_path / "log").stat().st_size:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert child.returncode in (0, 130), said
    assert (child.returncode == 0) == out.exists()
    assert not list(tmp_path.glob(".lipkit*"))
