"""Metrics small enough to see through, and videos whose frames say their own number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.media.video import AudioTrack, Encode, VideoWriter
from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Measure, Passage, Score

LOSSLESS = Encode("ffv1", lossless=True)
STEP = 7  # grey levels between neighbouring frames, wrapping


def numbered(
    path: Path,
    count: int,
    fps: Fraction | int = 25,
    *,
    size: tuple[int, int] = (48, 32),
    encode: Encode = LOSSLESS,
    sound: Path | None = None,
) -> Path:
    """A video each of whose frames is of one grey, which tells its number."""
    times = [k / Fraction(fps) for k in range(count)]
    track = AudioTrack(sound) if sound else None
    with VideoWriter(path, size=size, times=times, encode=encode, audio=track) as writer:
        for k in range(count):
            grey = np.full((1, size[1], size[0], 3), k * STEP % 256, np.uint8)
            writer.write(grey)
    return path


class Greys(Base):
    """Tells which frames it was shown, by their grey; the mean over a set of them."""

    measures = (Measure("grey", "Mean grey", "levels", "none", "mean of all pixels"),)
    set_measures = (Measure("greys", "Mean grey of all", "levels", "none", "mean of frames"),)
    needs = frozenset({"video"})

    def watch(self, clip: Any) -> GreyWatch:
        return GreyWatch("grey")

    def compute(
        self, made: Sequence[Mapping[str, Any]], real: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Score]:
        greys = np.concatenate([kept["greys"] for kept in made])
        return {"greys": Score(float(greys.mean()), len(greys), settings={"real": len(real)})}


class GreyWatch(BaseWatch):
    def __init__(self, key: str) -> None:
        self.key = key
        self.rows: list[int] = []
        self.greys: list[int] = []
        self.other: list[int] = []

    def see(self, passage: Passage) -> None:
        self.rows += passage.rows.tolist()
        self.greys += passage.frames[:, 3, 4, 1].tolist()
        if passage.reference is not None:
            assert len(passage.reference) == len(passage.frames)
            self.other += passage.reference[:, 3, 4, 1].tolist()

    def scores(self) -> Mapping[str, Score]:
        curves = {"rows": self.rows, "greys": self.greys, "other": self.other}
        return {self.key: Score(float(np.mean(self.greys)), len(self.greys), curves=curves)}

    def contribution(self) -> Mapping[str, np.ndarray]:
        return {"greys": np.array(self.greys), "count": np.array(len(self.greys))}


class Greys25(Base):
    """The same at 25 frames a second."""

    measures = (Measure("grey25", "Mean grey", "levels", "none", "at 25 fps"),)
    needs = frozenset({"video"})
    clock = "25"

    def watch(self, clip: Any) -> GreyWatch:
        return GreyWatch("grey25")


class Beside(Base):
    """Sees the reference beside the clip."""

    measures = (Measure("beside", "Beside", "levels", "none", "both"),)
    needs = frozenset({"video", "reference"})

    def watch(self, clip: Any) -> GreyWatch:
        return GreyWatch("beside")


class Beside25(Beside):
    """Sees both at 25 frames a second."""

    measures = (Measure("beside25", "Beside", "levels", "none", "both at 25 fps"),)
    clock = "25"

    def watch(self, clip: Any) -> GreyWatch:
        return GreyWatch("beside25")


class Loudness(Base):
    """Hears the sound."""

    measures = (Measure("loudness", "Level", "", "none", "RMS"),)
    needs = frozenset({"audio"})

    def watch(self, clip: Any) -> Heard:
        return Heard(float(np.sqrt((clip.wave**2).mean())))


class Heard(BaseWatch):
    def __init__(self, value: float) -> None:
        self.value = value

    def scores(self) -> Mapping[str, Score]:
        return {"loudness": Score(self.value)}

    def contribution(self) -> Mapping[str, np.ndarray]:
        return {"level": np.array(self.value)}


class Chorus(Base):
    """Counts the clips of a set that have sound."""

    set_measures = (Measure("chorus", "Clips with sound", "clips", "none", "a count"),)
    needs = frozenset({"audio"})

    def watch(self, clip: Any) -> Heard:
        return Heard(0.0)

    def compute(
        self, made: Sequence[Mapping[str, Any]], real: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Score]:
        return {"chorus": Score(float(len(made)))}


class Faces(Base):
    """Counts the frames with a face."""

    measures = (Measure("with_face", "Frames with a face", "frames", "higher", "a count"),)
    needs = frozenset({"face"})

    def watch(self, clip: Any) -> FacesWatch:
        return FacesWatch(int(clip.track.valid.sum()))


class FacesWatch(BaseWatch):
    def __init__(self, count: int) -> None:
        self.count = count

    def scores(self) -> Mapping[str, Score]:
        return {"with_face": Score(float(self.count), self.count)}


class Faulty(Base):
    """Gives what must not leave the engine, and forgets a measure."""

    measures = tuple(
        Measure(name, name, "", "higher", "a fault") for name in ("nan", "void", "forgotten")
    )

    def watch(self, clip: Any) -> FaultyWatch:
        return FaultyWatch()


class FaultyWatch(BaseWatch):
    def scores(self) -> Mapping[str, Score]:
        return {"nan": Score(float("nan")), "void": Score(None, reason="no reason")}


class Picky(Base):
    """Refuses every clip, with its name in the message."""

    measures = (Measure("picky", "Picky", "", "higher", "never"),)

    def watch(self, clip: Any) -> BaseWatch:
        raise BadInput(f"{clip.name}: not to my taste")


class Heavy(Greys):
    """Needs weights that are nowhere."""

    measures = (Measure("heavy", "Heavy", "", "higher", "with weights"),)
    set_measures = ()
    weights = ("syncnet-v2",)


class Foreign(Greys):
    """Needs a package that nobody has."""

    measures = (Measure("foreign", "Foreign", "", "higher", "with a package"),)
    set_measures = ()
    packages = ("no_such_package",)


class Apart(Greys):
    """Compares sets, and has nothing to say of a clip."""

    measures = ()
    set_measures = (Measure("apart_mean", "Apart", "", "lower", "difference of means"),)
    needs = frozenset({"video", "set"})

    def compute(
        self, made: Sequence[Mapping[str, Any]], real: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Score]:
        ours, theirs = (np.concatenate([k["greys"] for k in kept]) for kept in (made, real))
        gap = abs(float(ours.mean() - theirs.mean()))
        return {"apart_mean": Score(gap, len(ours), settings={"references": len(theirs)})}


TABLE = {
    "greys": "tests.metrics.tiny:Greys",
    "greys25": "tests.metrics.tiny:Greys25",
    "beside": "tests.metrics.tiny:Beside",
    "beside25": "tests.metrics.tiny:Beside25",
    "loud": "tests.metrics.tiny:Loudness",
    "apart": "tests.metrics.tiny:Apart",
}
"""A table of metrics that run, to stand in for the registry."""

FAULTY = {
    "faulty": "tests.metrics.tiny:Faulty",
    "picky": "tests.metrics.tiny:Picky",
    "heavy": "tests.metrics.tiny:Heavy",
    "foreign": "tests.metrics.tiny:Foreign",
}
