"""Measures of ``lipkit score`` as filters: taken of the clip that was cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lipkit.errors import BadInput, BadUsage, LipkitError
from lipkit.filters.rules import Rule
from lipkit.filters.verdicts import Value
from lipkit.metrics import choice
from lipkit.metrics.clip import Clip
from lipkit.metrics.engine import examine

ALONE = choice.Given(many=False)
PACKAGES = {"shots": ("scenedetect",), "speech_share": ("silero_vad",), "snr": ("silero_vad",)}


def obstacle(rule: Rule) -> LipkitError | None:
    """What keeps a filter from running: weights, packages; None if nothing does."""
    from importlib.util import find_spec

    absent = [name for name in PACKAGES.get(rule.name, ()) if find_spec(name) is None]
    if absent:
        hint = "pip install 'lipkit[metrics]'"
        return BadUsage(f"the filter {rule.name} needs {', '.join(absent)}", hint=hint)
    if rule.stage != "clip":
        return None
    try:
        choice.choose([rule.name], ALONE)
    except LipkitError as problem:
        return problem
    return None


def judge(path: Path, rules: Sequence[Rule]) -> dict[str, Value]:
    """What the clip at ``path`` is worth, by filter."""
    chosen, _ = choice.choose([rule.name for rule in rules], ALONE)
    try:
        found = examine(Clip(path.name, path), chosen).scores
    except BadInput as problem:
        return {rule.name: Value(None, problem.message) for rule in rules}
    return {rule.name: Value(found[rule.name].value, found[rule.name].reason) for rule in rules}
