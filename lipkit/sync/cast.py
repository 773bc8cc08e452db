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
class Role:
    """A face that speaks: its track, what was learnt of it, and when it does (None: always)."""

    track: FaceTrack
    study: Any
    spans: Spans | None = None

    def speaks(self, row: int, time: Fraction) -> bool:
        """Whether source frame ``row``, seen at ``time``, shows this face speaking."""
        if not self.track.valid[row]:
            return False
        return self.spans is None or any(start <= time < end for start, end in self.spans)


def read_speaker_map(path: Path) -> dict[str, Spans]:
    """Which face speaks when: face to spans in seconds of the sound; BadUsage for anything else.

    The file holds a JSON list of ``{"start": 0, "end": "1:02.5", "face": "left"}``; faces are
    named as for ``--face``.
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
    spans: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for number, entry in enumerate(entries, 1):
        try:
            start, end = seconds(entry["start"]), seconds(entry["end"])
            face = str(entry["face"])
        except (KeyError, TypeError, ValueError):
            raise BadUsage(
                f"{name}: entry {number} is no span", hint="it needs start, end and face"
            ) from None
        if end <= start:
            raise BadUsage(f"{name}: entry {number} ends before it starts")
        spans.setdefault(face, []).append((start, end))
    return {face: tuple(sorted(rows)) for face, rows in spans.items()}


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
