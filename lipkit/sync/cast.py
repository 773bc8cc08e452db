"""Who speaks when: the roles of a video, and the speaker map that tells them apart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.protocols import FaceTrack

Spans = tuple[tuple[Fraction, Fraction], ...]
CLOCK = re.compile(r"(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Part:
    """A wished role: ``face`` as ``--face`` names one, and when it speaks (None: always).

    ``sound`` is a file that it speaks by; None is the sound of the whole.
    """

    face: str
    spans: Spans | None = None
    sound: str | None = None


@dataclass(frozen=True)
class Role:
    """A face that speaks: its track, what was learnt of it, and when it does (None: always).

    ``voice`` is its own; None is that of the performance.
    """

    track: FaceTrack
    study: Any
    spans: Spans | None = None
    voice: Any = None

    def speaks(self, row: int, time: Fraction) -> bool:
        """Whether source frame ``row``, seen at ``time``, shows this face speaking."""
        if not self.track.valid[row]:
            return False
        return self.spans is None or any(start <= time < end for start, end in self.spans)


def read_speaker_map(path: Path) -> tuple[Part, ...]:
    """Who speaks when, in seconds of the sound; BadUsage for anything else.

    The file holds a JSON list of ``{"start": 0, "end": "1:02.5", "face": "left"}``; faces are
    named as for ``--face``. A ``sound`` beside them is a file by which that face speaks; like the
    whole sound, it begins with the picture.
    """
    name = f"--speaker-map {path}"
    try:
        entries = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise BadUsage(f"{name}: {problem.strerror}") from None
    except ValueError as problem:
        raise BadUsage(f"{name}: not JSON: {problem}") from None
    if not isinstance(entries, list) or not entries:
        raise BadUsage(f"{name}: no list of spans", hint='[{"start": 0, "end": 2, "face": "left"}]')
    spans: dict[tuple[str, str | None], list[tuple[Fraction, Fraction]]] = {}
    for number, entry in enumerate(entries, 1):
        face, sound, span = read_entry(entry, f"{name}: entry {number}")
        for (other, by), taken in spans.items():
            if other == face and by != sound and any(overlap(span, one) for one in taken):
                raise BadUsage(f"{name}: entry {number} gives {face} two sounds at once")
        spans.setdefault((face, sound), []).append(span)
    return tuple(Part(face, tuple(sorted(rows)), sound) for (face, sound), rows in spans.items())


def read_entry(entry: Any, name: str) -> tuple[str, str | None, tuple[Fraction, Fraction]]:
    """Face, own sound if any, and span of one entry of a speaker map."""
    try:
        start, end = seconds(entry["start"]), seconds(entry["end"])
        face, sound = str(entry["face"]), entry.get("sound")
    except (KeyError, TypeError, ValueError):
        raise BadUsage(f"{name} is no span", hint="it needs start, end and face") from None
    if not (sound is None or (isinstance(sound, str) and sound not in ("", "-"))):
        raise BadUsage(f"{name}: sound must be the name of a file")
    unknown = set(entry) - {"start", "end", "face", "sound"}
    if unknown:
        raise BadUsage(f"{name}: unknown {', '.join(sorted(unknown))}")
    if end <= start:
        raise BadUsage(f"{name} ends before it starts")
    return face, sound, (start, end)


def overlap(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> bool:
    """Whether two spans have time in common."""
    return one[0] < other[1] and other[0] < one[1]


def seconds(value: object) -> Fraction:
    """Exact seconds of a number or of text such as ``12.5``, ``1:02.5`` or ``1:00:02``."""
    found = CLOCK.fullmatch(str(value))
    if found is None or isinstance(value, bool):
        raise ValueError(value)
    first, second, rest = found.groups()
    whole = [int(part) for part in (first, second) if part is not None]
    total = Fraction(rest)
    for power, part in enumerate(reversed(whole), 1):
        total += part * 60**power
    return total


def speaking(role: Role, rows: Sequence[int], times: Sequence[Fraction]) -> list[int]:
    """Which of the frames show ``role`` speaking, as places in ``rows``."""
    return [
        k for k, (row, time) in enumerate(zip(rows, times, strict=True)) if role.speaks(row, time)
    ]


def same_face(one: FaceTrack, other: FaceTrack, row: int) -> bool:
    """Whether two tracks are on one face in source frame ``row``."""
    if one is other:
        return True
    if not (one.valid[row] and other.valid[row]):
        return False
    first, second = one.points[row, :, :2], other.points[row, :, :2]
    size = float((first.max(0) - first.min(0)).max())
    return float(abs(first.mean(0) - second.mean(0)).max()) < 0.5 * size
