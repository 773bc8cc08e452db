"""All chosen metrics on one clip: what each may see, what it finds, and why it finds nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from lipkit.errors import BadInput
from lipkit.metrics.passes import Clock, clock_of, look
from lipkit.models.parts import weights
from lipkit.protocols import Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.choice import Chosen
    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Measure, Metric, Watch

Tensors = Mapping[str, "NDArray[Any]"]
RELIABLE = 0.8  # of the frames must show a face


@dataclass(frozen=True)
class Findings:
    """The scores of one clip by measures' names, and what set metrics keep of it, by metric."""

    scores: dict[str, Score]
    contributions: dict[str, Tensors]


def examine(
    clip: Clip, chosen: Sequence[Chosen], advance: Callable[[int], object] = lambda _: None
) -> Findings:
    """Everything that the chosen metrics find in ``clip``.

    BadInput if it lacks what every one of them needs. ``advance`` hears of frames gone by: as many
    as ``work`` says.
    """
    clip.advance = advance
    if clip.info.video is None and any(one.metric.needs & {"video", "face"} for one in chosen):
        hint = "metrics of sound alone can be asked for by --metrics"
        raise BadInput(f"{clip.name}: no video in this file", hint=hint)
    lacking = {one.name: lack(one.metric, clip) for one in chosen}
    if chosen and all(lacking.values()):
        raise BadInput(f"{clip.name}: {', '.join(dict.fromkeys(filter(None, lacking.values())))}")
    watches: dict[str, Watch] = {}
    scores: dict[str, Score] = {}
    for one in chosen:
        if reason := lacking[one.name]:
            scores |= {m.name: Score(None, reason=reason) for m in one.measures}
            continue
        try:
            watches[one.name] = one.metric.watch(clip)
        except BadInput as problem:
            scores |= _refused(one, problem, clip)
    _show(clip, [one for one in chosen if one.name in watches], watches, advance)
    contributions: dict[str, Tensors] = {}
    for one in chosen:
        if one.name not in watches:
            continue
        try:
            scores |= _found(one, watches[one.name])
            kept = watches[one.name].contribution() if one.set_measures else None
        except BadInput as problem:
            scores |= _refused(one, problem, clip)
            continue
        if kept is not None:
            contributions[one.name] = kept
    return Findings(scores, contributions)


def work(clip: Clip, chosen: Sequence[Chosen]) -> int | None:
    """About how many frames have to be looked at, for a display of progress."""
    video, length = clip.info.video, clip.info.duration
    if video is None or length is None:
        return None
    needs = frozenset[str]().union(*(one.metric.needs for one in chosen))
    return round(length * clip.fps * (("video" in needs) + ("face" in needs)))


def lack(metric: Metric, clip: Clip) -> str | None:
    """What the clip lacks that the metric needs; None where nothing is amiss."""
    needs = metric.needs
    if "audio" in needs and clip.silence:
        return clip.silence
    if "reference" in needs and clip.reference is None:
        return "no reference video" if clip.still is None else "the reference is a picture"
    if "likeness" in needs and clip.reference is None and clip.still is None:
        return "no reference"
    if "face" in needs and not clip.track.valid.any():
        return "no face in any frame"
    if needs >= {"reference", "face"} and clip.reference and not clip.reference.track.valid.any():
        return "no face in any frame of the reference"
    if "likeness" in needs and clip.picture is None:
        return "no face in any frame of the reference"
    return None


def unreliable(clip: Clip) -> bool | None:
    """Whether too few frames show a face; None if no metric looked for one."""
    return bool(clip.track.valid.mean() < RELIABLE) if clip.tracked else None


def sets(
    chosen: Sequence[Chosen],
    made: Mapping[str, Sequence[Tensors]],
    real: Mapping[str, Sequence[Tensors]],
) -> dict[str, Score]:
    """Scores of a set of clips, from what the metrics kept of ``made`` and ``real`` ones."""
    scores: dict[str, Score] = {}
    for one in chosen:
        if not one.set_measures:
            continue
        ours, theirs = made.get(one.name, ()), real.get(one.name, ())
        if not ours or ("set" in one.metric.needs and not theirs):
            what = "clips" if not ours else "reference clips"
            reason = f"none of the {what} can be used"
            scores |= {m.name: Score(None, reason=reason) for m in one.set_measures}
            continue
        found = one.metric.compute(ours, theirs)
        scores |= _checked(one.set_measures, found, one.metric)
    return scores


def digests(metric: Metric) -> dict[str, str] | None:
    """Original file to SHA-256 of the weights that a metric uses; None if it uses none."""
    return dict(map(_digest, metric.weights)) or None


@cache
def _digest(name: str) -> tuple[str, str]:
    header = weights.read_header(weights.locate(name))
    origin = header.get("origin", {})
    return origin.get("file", name), origin.get("sha256", header["digest"])


def _show(
    clip: Clip,
    chosen: Sequence[Chosen],
    watches: Mapping[str, Watch],
    advance: Callable[[int], object],
) -> None:
    """Let the watches see the frames, in as few clocks as there are."""
    clocks: dict[tuple[str, bool], Clock] = {}
    for one in chosen:
        if "video" not in one.metric.needs:
            continue
        key = one.metric.clock, "reference" in one.metric.needs
        if key not in clocks:
            clocks[key] = clock_of(clip, *key)
        clocks[key].watches.append(watches[one.name])
    if clocks:
        look(clip, list(clocks.values()), advance)


def _found(one: Chosen, watch: Watch) -> dict[str, Score]:
    return _checked(one.measures, watch.scores(), one.metric) if one.measures else {}


def _refused(one: Chosen, problem: BadInput, clip: Clip) -> dict[str, Score]:
    reason = problem.message.removeprefix(f"{clip.name}: ").removeprefix(f"{clip.path}: ")
    return {m.name: Score(None, reason=reason) for m in one.measures}


def _checked(
    measures: Sequence[Measure], found: Mapping[str, Score], metric: Metric
) -> dict[str, Score]:
    """The wanted scores, with the digests of their weights, and without NaN."""
    scores = {}
    for measure in measures:
        score = found.get(measure.name, Score(None, reason="the metric gave no value"))
        if score.weights is None:
            score = replace(score, weights=digests(metric))
        if score.value is not None and not math.isfinite(score.value):
            score = replace(score, value=None, reason="not a finite number")
        if score.value is None and not score.reason:
            score = replace(score, reason="not defined here")
        scores[measure.name] = score
    return scores
