"""Filters by name: what each looks at, its usual bound, and the sets of them that papers use.

Besides those listed here every measure of ``lipkit score`` is a filter, taken of the cut clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lipkit.errors import BadUsage
from lipkit.registry import nearest

Better = Literal["higher", "lower", "zero", "range"]
Stage = Literal["source", "cut", "track", "sound", "pictures", "clip"]
OFF = "off"


@dataclass(frozen=True)
class Bound:
    """The values that pass, ``low`` and ``high`` included."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, value: float) -> bool:
        """Whether a value passes."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        low, high = ("" if math.isinf(end) else f"{end:g}" for end in (self.low, self.high))
        return f"{low}..{high}"


@dataclass(frozen=True)
class Filter:
    """Something to measure: on which ``stage`` of the work, and which values are good ones."""

    stage: Stage
    better: Better
    usual: str  # the bound where none is given, as text; empty where it takes none
    says: str


@dataclass(frozen=True)
class Rule:
    """A filter that runs, with its bound; ``named`` where the user asked for it by its name."""

    name: str
    stage: Stage
    bound: Bound | None
    named: bool = False

    def passes(self, value: float) -> bool:
        """Whether footage with this value stays."""
        return self.bound is None or self.bound.holds(value)


@dataclass(frozen=True)
class Recipe:
    """A paper's filters with its bounds, and the clips that it makes."""

    fps: int
    template: str
    filters: tuple[tuple[str, str], ...]


FILTERS: dict[str, Filter] = {
    "readable": Filter("source", "higher", "", "pictures and sound can be decoded"),
    "shots": Filter("cut", "higher", "2", "cut at scene changes of PySceneDetect's adaptive score"),
    "length": Filter("cut", "higher", "5..10", "cut into pieces of so many seconds, drop shorter"),
    "detection": Filter("track", "higher", "1", "share of frames in which the face is found"),
    "single_face": Filter("track", "higher", "1", "share of frames that show exactly one face"),
    "resolution": Filter(
        "track", "higher", "256", "smaller side of the face's box in pixels, least of all frames"
    ),
    "whole_face": Filter(
        "track", "higher", "0.95", "share of the face's box inside the picture, least of all frames"
    ),
    "yaw": Filter("track", "lower", "45", "turn of the head in degrees, 95th percentile"),
    "tracking": Filter(
        "track", "lower", "2000", "third difference of the landmarks, eye distances/s^3, mean"
    ),
    "speech_share": Filter("sound", "higher", "0.5", "share of the time in which somebody speaks"),
    "snr": Filter("sound", "higher", "10", "speech over the rest in dB; no pauses: passes"),
    "background": Filter(
        "pictures", "lower", "10", "median change outside head and body in grey levels, most"
    ),
    "sync_conf": Filter("clip", "higher", "3", "SyncNet's confidence, LatentSync's evaluation"),
    "sync_offset": Filter(
        "clip", "zero", "6", "SyncNet's offset in frames; the sound is shifted by it"
    ),
    "hyperiqa": Filter("clip", "higher", "40", "hyperIQA of the crops"),
}

RECIPES: dict[str, Recipe] = {
    # LatentSync (arXiv:2412.09262), section 4.1 and its data pipeline
    "latentsync": Recipe(
        25,
        "latentsync",
        (
            ("readable", ""), ("shots", "2"), ("length", "5..10"), ("single_face", "1"),
            ("resolution", "256"), ("detection", "1"), ("sync_conf", "3"), ("sync_offset", "6"),
            ("hyperiqa", "40"),
        ),
    ),
    # VLOGGER (arXiv:2403.08764), MENTOR: clips of 240 frames; its thresholds are not published
    "mentor": Recipe(
        24,
        "portrait",
        (
            ("readable", ""), ("shots", "2"), ("length", "10..10"), ("single_face", "0.98"),
            ("detection", "0.98"), ("whole_face", "0.95"), ("yaw", "45"), ("tracking", "2000"),
            ("speech_share", "0.5"), ("snr", "10"), ("background", "10"),
        ),
    ),
}  # fmt: skip


def bound_of(text: str, better: Better, name: str) -> Bound:
    """The bound that ``N``, ``A..B``, ``A..`` or ``..B`` stands for; a sole N by what is better."""
    low, dots, high = text.partition("..")
    try:
        if dots:
            return Bound(float(low) if low else -math.inf, float(high) if high else math.inf)
        value = float(text)
    except ValueError:
        raise BadUsage(
            f"--filter {name}={text}: no bound", hint="give a number, or A..B, A.. or ..B"
        ) from None
    if better == "range":
        raise BadUsage(
            f"--filter {name}={text}: more is neither better nor worse", hint="give A..B"
        )
    if better == "lower":
        return Bound(high=value)
    if better == "zero":
        return Bound(-abs(value), abs(value))
    if name == "length":
        return Bound(value, 2 * value)
    return Bound(low=value)


def rules(recipe: str | None, asked: Sequence[str]) -> list[Rule]:
    """The filters of a recipe and those ``asked`` for as ``NAME`` or ``NAME=BOUND``, in order.

    What was asked for replaces the recipe's; ``NAME=off`` leaves a filter out.
    """
    texts = dict(RECIPES[recipe].filters) if recipe else {}
    named = set()
    for word in asked:
        name, _, text = word.partition("=")
        if text == OFF:
            texts.pop(name, None)
            continue
        texts[name] = text or texts.get(name) or about(name).usual
        named.add(name)
    found = [_rule(name, text, name in named) for name, text in texts.items()]
    order = list(FILTERS)
    return sorted(found, key=lambda r: order.index(r.name) if r.name in order else len(order))


def _rule(name: str, text: str, named: bool) -> Rule:
    known = about(name)
    if name == "readable" or not text:
        if name != "readable":
            raise BadUsage(f"--filter {name} needs a bound", hint=f"such as {name}=1..5")
        return Rule(name, known.stage, None, named)
    bound = bound_of(text, known.better, name)
    if name == "length" and not 0 < bound.low <= bound.high:
        raise BadUsage(f"--filter length={text}: no length", hint="seconds, such as 5..10")
    return Rule(name, known.stage, bound, named)


def about(name: str) -> Filter:
    """The filter of that name, which may be a measure of score's; BadUsage for an unknown one."""
    if name in FILTERS:
        return FILTERS[name]
    from lipkit.metrics.choice import every, every_measure

    measures = {m.name: m for metric in every().values() for m in every_measure(metric)}
    if name not in measures:
        guess = nearest(name, [*FILTERS, *measures])
        hint = f"did you mean {guess}?" if guess else "--list-filters shows all"
        raise BadUsage(f"unknown filter {name!r}", hint=hint)
    better = measures[name].better
    way: Better = better if better in ("higher", "lower", "zero") else "range"
    return Filter("clip", way, "", measures[name].title)
