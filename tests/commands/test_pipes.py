"""The stages chained by a real shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipkit.errors import ExitStatus
from lipkit.media.video import frame_times

SETUP = 'set -o pipefail; lipkit() { "$PYTHON" -m lipkit "$@"; }\n'


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", SETUP + script],
        cwd=folder,
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(portrait: Path, speech: Path, tiny_model: Path, tmp_path: Path) -> Path:
    (tmp_path / "my face.png").symlink_to(portrait)
    (tmp_path / "speech.wav").symlink_to(speech)
    (tmp_path / "model").symlink_to(tiny_model)
    return tmp_path


def test_every_stage_in_one_pipeline(folder: Path) -> None:
    done = shell(
        """
        lipkit embed-audio - --encoder mel-64 -o - < speech.wav \\
          | lipkit animate 'my face.png' - --model model --emit motion -o - \\
          | lipkit render - 'my face.png' --audio speech.wav -o - --format mp4 \\
          | lipkit align - -q -o - | tee clip.mkv | lipkit info -
        """,
        folder,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["kind"] == "clip"
    assert facts["provenance"]["verb"] == "align"
    assert frame_times(folder / "clip.mkv") == [Fraction(k, 25) for k in range(20)]
    assert done.stderr == ""


def test_a_reader_that_leaves_ends_the_writer_quietly(folder: Path) -> None:
    done = shell(
        "lipkit animate 'my face.png' speech.wav --model model --video-codec ffv1 -o - "
        "| head -c 1000 > part; exit ${PIPESTATUS[0]}",
        folder,
    )
    assert done.returncode == ExitStatus.BROKEN_PIPE, done.stderr
    assert done.stderr == ""
    assert (folder / "part").stat().st_size == 1000


def test_a_stop_leaves_nothing_behind(folder: Path) -> None:
    wave, rate = soundfile.read(folder / "speech.wav")
    soundfile.write(folder / "long.wav", np.tile(wave, (60, 1)), rate)
    before = {path.name for path in folder.iterdir()}
    done = shell(
        """
        "$PYTHON" -m lipkit animate 'my face.png' long.wav --model model -o talk.mp4 & child=$!
        until ls -A | grep -q 'part$'; do kill -0 $child || exit 99; sleep 0.05; done
        kill -TERM $child; wait $child
        """,
        folder,
    )
    assert done.returncode == ExitStatus.TERMINATED, done.stderr
    assert done.stderr == ""
    assert {path.name for path in folder.iterdir()} == before
