"""What a training learns from: ``toy:``, ``voices:``, a folder of clips, shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.training.voices.source import Source

RATE = 16000


class Footage(Protocol):
    """One take of a talking face, read piece by piece."""

    @property
    def name(self) -> str:
        """What tells it apart."""
        ...

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        ...

    @property
    def scheme(self) -> str:
        """The landmark numbering, a key of ``faces.landmarks.SCHEMES``."""
        ...

    def __len__(self) -> int:
        """The number of frames."""
        ...

    def __hash__(self) -> int:
        """By identity, so that caches can keep what was made of a take."""
        ...

    def pictures(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Frames ``start`` to ``stop`` (excluded) as ``(f, h, w, 3)``."""
        ...

    @property
    def wave(self) -> NDArray[np.float32]:
        """The sound ``(n,)`` at 16 kHz."""
        ...

    @property
    def points(self) -> NDArray[np.float32]:
        """Landmarks ``(f, k, 2|3)`` in pixels of the pictures."""
        ...

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Frames ``(f,)`` that show the face."""
        ...

    @property
    def truth(self) -> Mapping[str, NDArray[Any]]:
        """What else is known exactly, a row a frame; empty for real footage."""
        ...


class Data(Protocol):
    """A source of training data, by the name that ``--data`` gave it."""

    @property
    def name(self) -> str:
        """What the weights' header says of it."""
        ...


class FootageData(Data, Protocol):
    """Footage to learn from, and footage kept for validation; other people, where known."""

    @property
    def training(self) -> Sequence[Footage]:
        """What is learned from."""
        ...

    @property
    def held_out(self) -> Sequence[Footage]:
        """What is not."""
        ...


def open_data(text: str, run: Path, report: Callable[[str], None] = lambda line: None) -> Data:
    """The data that ``--data`` names.

    ``toy:`` and ``toy:size=64,people=50`` draw cartoons; ``voices:`` and ``voices:minutes=60``
    speak a corpus into the run's folder; a tar file is a shard, a clip is what ``align`` made; a
    folder holds clips, shards or a corpus, whichever the stage asks for.
    """
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.training.clips import Clips
    from lipkit.training.toys import takes
    from lipkit.training.voices import source

    if text.startswith(takes.PREFIX):
        return takes.Toys(takes.parse(text))
    path = Path(text)
    if not text.startswith(source.SCHEME) and path.is_file():
        return Clips.of_one(path) if sniff(path) is Kind.CLIP else Clips.of_shards([path])
    return source.parse(text, run, report)


def footage(data: Data, stage: str) -> FootageData:
    """The data as footage; BadUsage, naming the stage, if it is sound alone."""
    from lipkit.training.clips import Clips
    from lipkit.training.voices.source import Source

    found: Any = data
    if isinstance(data, Source):
        if data.spec is not None:
            raise BadUsage(
                f"{stage} learns from pictures, and {data.name} has none",
                hint="give clips, shards or toy:",
            )
        found = Clips.of_folder(data.folder)
    if not len(found.training) or not len(found.held_out):
        raise BadInput(f"{data.name}: too few clips to keep some for validation")
    return cast("FootageData", found)


def films(data: Data) -> FootageData | None:
    """The data as footage, however little; None if it is sound alone."""
    from lipkit.training.clips import Clips
    from lipkit.training.voices.source import Source

    found: Any = data
    if isinstance(data, Source):
        if data.spec is not None or not Clips.here(data.folder):
            return None
        found = Clips.of_folder(data.folder)
    return cast("FootageData", found)


def speech(data: Data, stage: str) -> Source:
    """The data as a corpus or folder of its own; BadUsage, naming the stage, for cartoons."""
    from lipkit.training.voices.source import Source

    if not isinstance(data, Source):
        raise BadUsage(f"{stage} does not learn from {data.name}", hint="give voices: or a folder")
    return data


def sound(take: Footage, start: int, stop: int, margin: float = 0.0) -> NDArray[np.float32]:
    """The samples ``(n,)`` heard during frames ``start`` to ``stop`` and ``margin`` seconds around.

    What lies outside the take is silence, so the length depends on the frame count alone.
    """
    first = round((start / take.fps - Fraction(margin).limit_denominator(RATE)) * RATE)
    count = round(((stop - start) / take.fps) * RATE) + 2 * round(margin * RATE)
    wave = take.wave[max(0, first) : max(0, first + count)]
    before = min(count, max(0, -first))
    return np.pad(wave, (before, count - before - len(wave)))
