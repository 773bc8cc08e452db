"""Which metrics run: those asked for, or all that can; and what keeps the others from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from lipkit.errors import BadUsage, LipkitError, WeightsError
from lipkit.metrics import METRICS
from lipkit.models.parts import weights
from lipkit.protocols import Measure, Metric
from lipkit.registry import load, nearest

PLUGINS = "lipkit.metrics"  # the entry-point group in which other packages name theirs
GIVE = "give --reference FILE or DIR"
IQA = "pyiqa:"  # before a name: a metric of the package pyiqa


@dataclass(frozen=True)
class Given:
    """What there is: reference videos, reference pictures, and more than one clip."""

    videos: bool = False
    pictures: bool = False
    many: bool = True


@dataclass(frozen=True)
class Chosen:
    """A metric that runs, and those of its measures that are wanted."""

    name: str
    metric: Metric
    measures: tuple[Measure, ...]
    set_measures: tuple[Measure, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all its wanted measures."""
        return tuple(measure.name for measure in (*self.measures, *self.set_measures))

    def without_clips(self) -> Chosen:
        """The same for sets alone."""
        return replace(self, measures=())


@cache
def table() -> dict[str, str]:
    """All metrics by name, those of other packages included: where each lives."""
    others = {entry.name: entry.value for entry in entry_points(group=PLUGINS)}
    return {**others, **METRICS}


@cache
def find(name: str) -> Metric:
    """The metric of that name; LipkitError where its module cannot be imported."""
    if name.startswith(IQA):
        from lipkit.metrics.iqa import Iqa

        return Iqa(name.removeprefix(IQA))
    try:
        kind: type[Metric] = load(table()[name])
    except (ImportError, AttributeError) as problem:
        raise LipkitError(f"the metric {name} cannot be loaded: {problem}") from None
    return kind()


def every() -> dict[str, Metric]:
    """All metrics by name."""
    return {name: find(name) for name in table()}


def obstacle(name: str, metric: Metric, given: Given) -> LipkitError | None:
    """What keeps a metric from running with what is installed and given; None if nothing does."""
    absent = [package for package in metric.packages if find_spec(package) is None]
    if absent:
        extra = absent[0] if name.startswith(IQA) else "'lipkit[metrics]'"
        return BadUsage(f"{name} needs {', '.join(absent)}", hint=f"pip install {extra}")
    missing = [wanted for wanted in metric.weights if not weights.find(wanted).present]
    if missing:
        hint = "; ".join(map(weights.remedy, missing))
        return WeightsError(f"{name} needs the weights {' and '.join(missing)}", hint=hint)
    if "reference" in metric.needs and not given.videos:
        return BadUsage(f"{name} needs a reference video", hint=GIVE)
    if "likeness" in metric.needs and not (given.videos or given.pictures):
        return BadUsage(f"{name} needs a reference video or picture", hint=GIVE)
    if not metric.measures and "set" in metric.needs and not given.videos:
        return BadUsage(f"{name} needs a set of reference videos", hint=GIVE)
    return None


def idle(name: str, metric: Metric, given: Given) -> LipkitError | None:
    """Why a metric that could run does not unless it is asked for by name; None if it does."""
    if metric.measures or given.many:
        return None
    return BadUsage(f"{name} is for sets of clips", hint="--metrics runs it on one all the same")


def choose(names: Sequence[str], given: Given) -> tuple[list[Chosen], dict[str, LipkitError]]:
    """The metrics to run, and what keeps the others from it, by name.

    ``names`` are metrics, measures, or families: what measures' names begin with; none stands for
    all. What was asked for by name and cannot run is an error, as is a family that cannot at all.
    """
    chosen, left_out = [], dict[str, LipkitError]()
    if not names:
        for name, metric in every().items():
            if problem := obstacle(name, metric, given) or idle(name, metric, given):
                left_out[name] = problem
            else:
                chosen.append(_with(name, metric, given, sets=given.many))
        return chosen, left_out
    wanted: dict[str, set[str]] = {}
    for name in names:
        problems = {}
        for metric_name, measures in _meant(name).items():
            if problem := _obstacle_to(metric_name, measures, given):
                problems[metric_name] = problem
            else:
                wanted.setdefault(metric_name, set()).update(measures)
        if len(problems) == len(_meant(name)):
            raise next(iter(problems.values()))
        left_out |= problems
    return [_with(name, find(name), given, asked) for name, asked in wanted.items()], left_out


def _obstacle_to(name: str, measures: Sequence[str], given: Given) -> LipkitError | None:
    """What keeps these measures of a metric from being taken."""
    problem = obstacle(name, find(name), given)
    if problem is None and not _with(name, find(name), given, measures).names:
        return BadUsage(f"{', '.join(measures)}: needs a set of reference videos", hint=GIVE)
    return problem


def recall(name: str, measures: Sequence[str]) -> Chosen:
    """What was chosen before, from the names of the metric and of its measures."""
    return _with(name, find(name), Given(videos=True), measures)


def _with(
    name: str,
    metric: Metric,
    given: Given,
    only: Iterable[str] | None = None,
    *,
    sets: bool = True,
) -> Chosen:
    kept = None if only is None else set(only)
    of_clips = tuple(m for m in metric.measures if kept is None or m.name in kept)
    of_sets = tuple(m for m in metric.set_measures if kept is None or m.name in kept)
    if not sets or ("set" in metric.needs and not given.videos):
        of_sets = ()
    return Chosen(name, metric, of_clips, of_sets)


def _meant(name: str) -> dict[str, list[str]]:
    """Metric to measures' names, of a word in ``--metrics``; an unknown one is the user's error."""
    if name.startswith(IQA):
        return {name: [measure.name for measure in find(name).measures]}
    own = {key: [m.name for m in every_measure(metric)] for key, metric in every().items()}
    if name in own:
        return {name: own[name]}
    for begins in (False, True):
        found = {
            key: hits
            for key, measures in own.items()
            if (hits := [m for m in measures if m == name or (begins and m.startswith(f"{name}_"))])
        }
        if found:
            return found
    known = sorted({*own, *(m for measures in own.values() for m in measures)})
    guess = nearest(name, known)
    hint = f"did you mean {guess}?" if guess else "`lipkit score --list` shows all"
    raise BadUsage(f"unknown metric {name!r}", hint=hint)


def every_measure(metric: Metric) -> tuple[Measure, ...]:
    """The measures of clips and those of sets."""
    return *metric.measures, *metric.set_measures
