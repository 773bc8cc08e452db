"""What can stand for the new sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipkit.artifacts.features import write_features
from lipkit.artifacts.motion import Motion, write_motion
from lipkit.errors import BadInput
from lipkit.protocols import Features, Layout
from lipkit.sync.clock import lay
from lipkit.sync.sound import soundtrack, take_in
from tests.sync.films import Blinker, speech, steady


class Reader(Blinker):
    """Takes features and motion as they are."""

    def recall(self, features: Features, name: str) -> Any:
        return name, features.data

    def follow(self, motion: Motion, name: str) -> Any:
        return name, motion.data


@pytest.fixture
def features(tmp_path: Path) -> Path:
    data = np.random.default_rng(0).normal(size=(50, 1, 3)).astype(np.float32)
    write_features(tmp_path / "features", Features(data, Fraction(20), "x"), {})
    return tmp_path / "features"


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    made = Motion(np.ones((45, 2), np.float32), Layout("mesh", ("a", "b")), Fraction(30))
    write_motion(tmp_path / "motion", made)
    return tmp_path / "motion"


def test_a_recording_is_heard(tmp_path: Path) -> None:
    voice, seconds = take_in(Reader(), speech(tmp_path / "a.wav", 1.5, 22050), "a.wav")
    assert float(seconds) == pytest.approx(1.5, abs=0.001)
    assert len(voice) == seconds * 16000


def test_features_and_motion_are_taken_as_they_are(features: Path, motion: Path) -> None:
    (name, data), seconds = take_in(Reader(), features, "my features")
    assert (name, data.shape, seconds) == ("my features", (50, 1, 3), Fraction(5, 2))
    (name, data), seconds = take_in(Reader(), motion, "my motion")
    assert (name, data.shape, seconds) == ("my motion", (45, 2), Fraction(3, 2))


def test_an_editor_that_only_hears_says_so(features: Path, motion: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello", "utf-8")
    for path, complaint in (
        (features, "f: features, which blinker cannot use"),
        (motion, "f: motion, which blinker cannot use"),
        (text, "f: text, not a recording of speech"),
    ):
        with pytest.raises(BadInput, match=complaint):
            take_in(Blinker(), path, "f")


def test_a_soundtrack_apart_ends_with_the_picture(tmp_path: Path) -> None:
    path = speech(tmp_path / "a.wav", 3)
    clock = lay(steady(25), Fraction(25), Fraction(1), "longest")
    with (
        soundtrack(path, clock, "longest") as own,
        soundtrack(path, clock, "longest", apart=True) as other,
        soundtrack(None, clock, "longest") as none,
    ):
        assert own is not None
        assert other is not None
        assert (own.duration, other.duration, none) == (None, Fraction(1), None)
