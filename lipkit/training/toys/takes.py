"""``toy:``: takes of talking cartoons, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadUsage
from lipkit.training.toys.anatomy import SCHEME
from lipkit.training.toys.drawing import draw_frames, draw_labelled
from lipkit.training.toys.identities import identity
from lipkit.training.toys.landmarks import points_of
from lipkit.training.toys.mesh import mesh_of
from lipkit.training.toys.motion import FPS, State
from lipkit.training.toys.performance import perform
from lipkit.training.toys.synthesis import speak
from lipkit.training.toys.utterances import Voice, utter
from lipkit.training.voices.excerpts import marked
from lipkit.training.voices.visemes import Segment, activations

Floats = NDArray[np.float32]
Array = NDArray[Any]

PREFIX = "toy:"
HELD_OUT = 1 << 20  # numbers from here on are of people and utterances that no training sees


@dataclass(frozen=True)
class ToySpec:
    """How many cartoons, how large, how long."""

    size: int = 64  # pixels
    seconds: float = 4.0  # of a take
    people: int = 400
    takes: int = 1000
    held_out: int = 100  # takes, each of a person of its own
    seed: int = 0

    @property
    def frames(self) -> int:
        """Frames of a take."""
        return max(1, round(self.seconds * FPS))


def parse(text: str) -> ToySpec:
    """The cartoons that ``toy:`` or ``toy:size=64,people=50`` asks for."""
    kinds = {key: float if key == "seconds" else int for key in vars(ToySpec())}
    chosen: dict[str, Any] = {}
    for wish in filter(None, text.removeprefix(PREFIX).split(",")):
        key, _, value = wish.partition("=")
        try:
            chosen[key] = kinds[key](value)
        except (KeyError, ValueError):
            known = ", ".join(f"{key}={value}" for key, value in vars(ToySpec()).items())
            raise BadUsage(f"--data {text}", hint=f"after {PREFIX} write any of {known}") from None
    spec = ToySpec(**chosen)
    least = {"size": 16, "seconds": 0.04, "people": 1, "takes": 1, "held_out": 1, "seed": 0}
    for key, low in least.items():
        if not low <= getattr(spec, key) < HELD_OUT:
            raise BadUsage(f"--data {text}", hint=f"{key} is at least {low}")
    return spec


@dataclass(frozen=True)
class Script:
    """What is said and shown in a take, whoever plays it."""

    segments: tuple[Segment, ...]
    wave: Floats
    motion: Floats


@lru_cache(maxsize=1024)  # a quarter of a megabyte each
def script(utterance: int, seconds: float, seed: int) -> Script:
    """Utterance number ``utterance``: its phones, sound ``(n,)`` and motion ``(f, c)``."""
    rng = np.random.default_rng((seed, utterance, 0xA0))
    voice = Voice.random(rng)
    segments = utter(rng, seconds, voice.speed)
    frames = max(1, round(seconds * FPS))
    made = Script(tuple(segments), speak(segments, voice, rng), perform(segments, frames, rng))
    made.wave.flags.writeable = made.motion.flags.writeable = False  # they are shared
    return made


@dataclass(frozen=True)
class Toy:
    """One take: a person who says an utterance. Implements ``training.data.Footage``."""

    person: int
    utterance: int
    size: int
    seconds: float
    seed: int = 0

    fps = Fraction(FPS)
    scheme = SCHEME

    @property
    def name(self) -> str:
        """The take's name, from which it can be made again."""
        return f"toy-{self.seed}-{self.person}-{self.utterance}"

    @property
    def script(self) -> Script:
        """What is said and shown."""
        return script(self.utterance, self.seconds, self.seed)

    def __len__(self) -> int:
        return len(self.script.motion)

    @property
    def wave(self) -> Floats:
        """The sound ``(n,)`` at 16 kHz."""
        return self.script.wave

    @property
    def motion(self) -> Floats:
        """All that the face does ``(f, c)``, see ``motion.CHANNELS``."""
        return self.script.motion

    @property
    def who(self) -> int:
        """The number of the person drawn: another seed draws other people."""
        return self.person + self.seed * 2 * HELD_OUT

    def pictures(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Frames ``start`` to ``stop`` (excluded) as ``(f, h, w, 3)``."""
        return draw_frames(self.who, self.motion[start:stop], self.size)

    def labelled(self, start: int, stop: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Those frames and their masks ``(f, h, w, 5)``, 0..255, see ``drawing.LABELS``."""
        person, size = identity(self.who), (self.size, self.size)
        both = [draw_labelled(person, State.of(row), size) for row in self.motion[start:stop]]
        return np.stack([drawn for drawn, _ in both]), np.stack([labels for _, labels in both])

    def labels(self, start: int, stop: int) -> NDArray[np.uint8]:
        """The masks alone."""
        return self.labelled(start, stop)[1]

    @cached_property
    def points(self) -> Floats:
        """Landmarks ``(f, 68, 2)`` in pixels."""
        return points_of(self.who, self.motion, self.size)

    def mesh(self, start: int, stop: int) -> Floats:
        """The face's mesh ``(f, 478, 3)`` in those frames' pixels, as trackers find real ones."""
        return mesh_of(self.who, self.motion[start:stop], self.size)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """There is a face in every frame."""
        return np.ones(len(self), np.bool_)

    @property
    def truth(self) -> Mapping[str, Array]:
        """``motion (f, c)``, ``silence (f,)`` and ``phones (f, k)``, in classes that look alike."""
        segments = list(self.script.segments)
        silence = marked(segments, len(self), FPS)[1]
        phones = activations(segments, len(self), FPS)
        return {"motion": self.motion, "silence": silence, "phones": phones}


class Cast(Sequence[Toy]):
    """The takes of one half of the split, by number."""

    def __init__(self, spec: ToySpec, *, held_out: bool) -> None:
        self.spec, self.held_out = spec, held_out

    def __len__(self) -> int:
        return self.spec.held_out if self.held_out else self.spec.takes

    @overload
    def __getitem__(self, index: int) -> Toy: ...
    @overload
    def __getitem__(self, index: slice) -> list[Toy]: ...
    def __getitem__(self, index: int | slice) -> Toy | list[Toy]:
        """Take number ``index``."""
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        spec, number = self.spec, index % len(self)
        person = HELD_OUT + number if self.held_out else number % spec.people
        utterance = HELD_OUT + number if self.held_out else number
        return Toy(person, utterance, spec.size, spec.seconds, spec.seed)


class Toys:
    """``toy:`` as training data: people and utterances held out are never trained on."""

    def __init__(self, spec: ToySpec | None = None) -> None:
        self.spec = spec or ToySpec()
        usual = vars(ToySpec())
        unusual = {k: v for k, v in vars(self.spec).items() if v != usual[k]}
        self.name = PREFIX + ",".join(f"{key}={value}" for key, value in unusual.items())
        self.training = Cast(self.spec, held_out=False)
        self.held_out = Cast(self.spec, held_out=True)
