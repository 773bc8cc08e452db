"""Which system made which clip, and how the systems compare on the clips that all of them made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePath
from statistics import fmean, stdev

from lipkit.metrics.figures import decimals
from lipkit.protocols import Measure

MOST_FOLDERS = 12  # more folders without common clips are how a data set is stored, not systems
WORDS = (
    r"(?P<clip>.+)[-_. ](?P<system>[^-_. ]+)",
    r"(?P<system>[^-_. ]+)[-_. ](?P<clip>.+)",
)
TRUTH = re.compile(r"(real|gt|truth|originals?|ground[ _.-]?truth)$", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where a clip stands in a comparison; ``system`` is empty where nothing is compared."""

    system: str
    clip: str


@dataclass(frozen=True)
class Cell:
    """A system's mean over ``count`` clips; ``best`` of those that can be ranked."""

    mean: float
    spread: float | None
    count: int
    best: bool = False


@dataclass(frozen=True)
class Comparison:
    """One measure of all systems; None for a system without a value.

    ``paired`` when all means are over the same clips: only then one of several is the best.
    """

    measure: Measure
    cells: Mapping[str, Cell | None]
    paired: bool
    digits: int

    @property
    def count(self) -> int:
        """Clips behind each mean; the most, where systems have different ones."""
        return max((cell.count for cell in self.cells.values() if cell), default=0)


def places(names: Sequence[str], references: Sequence[str | None] = ()) -> list[Place]:
    """The system and the clip of each path.

    Systems are the folders that differ, or else the last or first word of the file names where the
    words make a full grid of systems by clips. ``references`` of the paths, where they are known,
    tell clips from systems: a clip has one reference.
    """
    if not names:
        return []
    paths = [PurePath(name).with_suffix("") for name in names]
    known = references or [None] * len(names)
    folders = _by_folder(paths, first=True)
    for split in (folders, _by_folder(paths, first=False)):
        if split and _meeting(split) and _settled(split, known):
            return split
    if folders and len({place.system for place in folders}) <= MOST_FOLDERS:
        return folders
    same = len(set(known)) == 1 and known[0] is not None
    for pattern in WORDS:
        words = _by_word([path.name for path in paths], pattern)
        if words and _full_grid(words, least=1 if same else 2) and _settled(words, known):
            return words
    depth = _common([path.parent.parts for path in paths])
    return [Place("", "/".join(path.parts[depth:])) for path in paths]


def is_truth(system: str) -> bool:
    """Whether a system's name says that it is the real videos."""
    return TRUTH.fullmatch(system) is not None


def compare(measure: Measure, values: Mapping[str, Mapping[str, float]]) -> Comparison:
    """Means of ``values`` (system -> clip -> value), and which of them is the best.

    Means are over the clips that have a value in every system that has any. A direction "zero"
    takes the mean distance from zero, or +5 and -5 would look perfect. "real" needs a system that
    is the truth; that one is never the best itself, and "none" has no best. Neither has a measure
    without a value in some system, for that can mean perfect, as of the PSNR of equal pictures.
    """
    holding = [set(clips) for clips in values.values() if clips]
    common = set.intersection(*holding) if holding else set()
    paired = bool(common)
    cells: dict[str, Cell | None] = {}
    for system, clips in values.items():
        used = [v for clip, v in clips.items() if clip in common or not paired]
        cells[system] = _cell([abs(v) for v in used] if measure.better == "zero" else used)
    shown = [(cell.mean, cell.spread or 0.0) for cell in cells.values() if cell]
    digits = decimals(chain.from_iterable(shown))
    if paired and len(holding) == len(values):
        cells = _ranked(measure, cells, digits)
    return Comparison(measure, cells, paired, digits)


def _cell(values: Sequence[float]) -> Cell | None:
    if not values:
        return None
    return Cell(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def _ranked(
    measure: Measure, cells: Mapping[str, Cell | None], digits: int
) -> dict[str, Cell | None]:
    """The cells, the best marked; those that read the same are best, too, unless all do."""
    key = _distance_from_best(measure, cells)
    ranked = {s: key(c.mean) for s, c in cells.items() if key and c and not is_truth(s)}
    if not ranked:
        return dict(cells)
    least = min(ranked.values())
    best = {system for system, value in ranked.items() if round(value - least, digits) == 0}
    if len(best) == len(ranked):
        return dict(cells)
    return {
        system: cell if cell is None else replace(cell, best=system in best)
        for system, cell in cells.items()
    }


def _distance_from_best(
    measure: Measure, cells: Mapping[str, Cell | None]
) -> Callable[[float], float] | None:
    """What is least for the best mean; None where nothing says which is better."""
    truth = next((cell for name, cell in cells.items() if cell and is_truth(name)), None)
    if measure.better == "higher":
        return lambda mean: -mean
    if measure.better in ("lower", "zero"):
        return lambda mean: mean
    if measure.better == "real" and truth:
        return lambda mean: abs(mean - truth.mean)
    return None


def _by_folder(paths: Sequence[PurePath], *, first: bool) -> list[Place] | None:
    """Systems by the first folder that differs, or by the last; None where one has no such."""
    folders = [path.parent.parts for path in paths]
    depth = _common(folders)
    shared = depth if first else _common([parts[::-1] for parts in folders])
    if min(len(parts) for parts in folders) <= shared:
        return None
    found = []
    for path, parts in zip(paths, folders, strict=True):
        at = shared if first else len(parts) - 1 - shared
        rest = (*parts[depth:at], *parts[at + 1 :], path.name)
        found.append(Place(parts[at], "/".join(rest)))
    return found


def _by_word(names: Sequence[str], pattern: str) -> list[Place] | None:
    """Systems by a word of the file names; None where a name lacks one, or it is a number."""
    matches = [re.fullmatch(pattern, name) for name in names]
    if not all(m and not m["system"].isdigit() for m in matches):
        return None
    return [Place(m["system"], m["clip"]) for m in matches if m]


def _meeting(found: Sequence[Place]) -> bool:
    """Whether some clip is there from two systems."""
    return max(Counter(place.clip for place in set(found)).values()) > 1


def _settled(found: Sequence[Place], references: Sequence[str | None]) -> bool:
    """Whether each clip has the same reference from all systems."""
    return len({place.clip for place in found}) == len(
        {(place.clip, other) for place, other in zip(found, references, strict=True)}
    )


def _full_grid(found: Sequence[Place], least: int) -> bool:
    """Whether there are two systems or more, ``least`` clips or more, and each clip of each."""
    systems, clips = {p.system for p in found}, {p.clip for p in found}
    whole = len(set(found)) == len(found) == len(systems) * len(clips)
    return whole and len(systems) > 1 and len(clips) >= least


def _common(sequences: Sequence[tuple[str, ...]]) -> int:
    """How many parts all sequences have in common at their start."""
    same = 0
    for parts in zip(*sequences, strict=False):
        if len(set(parts)) > 1:
            break
        same += 1
    return same
