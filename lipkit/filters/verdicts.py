"""What the filters say of a piece of footage, and the row that tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lipkit.filters.rules import Rule


@dataclass(frozen=True)
class Value:
    """A measured value, or why there is none; ``stays`` says whether footage without one stays."""

    value: float | None
    reason: str | None = None
    stays: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one filter says: ``passed`` is None where the footage did not get that far."""

    name: str
    bound: str | None
    passed: bool | None
    value: float | None = None
    reason: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The verdict as JSON."""
        facts = {"passed": self.passed, "value": self.value, "bound": self.bound}
        return facts | ({"reason": self.reason} if self.reason else {})


def verdict(rule: Rule, found: Value) -> Verdict:
    """The verdict on a value."""
    bound = None if rule.bound is None else str(rule.bound)
    if found.value is None:
        return Verdict(rule.name, bound, found.stays, None, found.reason)
    return Verdict(rule.name, bound, rule.passes(found.value), round(found.value, 4), found.reason)


@dataclass
class Trial:
    """The verdicts on one piece so far."""

    rules: Sequence[Rule]
    given: dict[str, Verdict] = field(default_factory=dict)
    fault: str | None = None  # why the piece is out although no filter says so

    def of(self, stage: str) -> list[Rule]:
        """The filters of one stage."""
        return [rule for rule in self.rules if rule.stage == stage]

    def judge(self, values: Mapping[str, Value]) -> bool:
        """Take values down; whether the piece is still in."""
        for rule in self.rules:
            if rule.name in values:
                self.given[rule.name] = verdict(rule, values[rule.name])
        return self.dropped_by is None

    @property
    def dropped_by(self) -> str | None:
        """The first filter that dropped the piece, or else its fault; None while it is in."""
        return next((v.name for v in self.verdicts if v.passed is False), self.fault)

    @property
    def verdicts(self) -> list[Verdict]:
        """Those given, and those not reached, in order."""
        return [
            self.given.get(rule.name)
            or Verdict(rule.name, None if rule.bound is None else str(rule.bound), None)
            for rule in self.rules
        ]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """All verdicts as JSON, by filter."""
        return {one.name: one.row for one in self.verdicts}


def tally(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many pieces each filter let through, dropped and never saw, over rows of pieces."""
    counts: dict[str, dict[str, int]] = {}
    words = {True: "passed", False: "dropped", None: "not reached"}
    for row in rows:
        for name, facts in row["filters"].items():
            count = counts.setdefault(name, dict.fromkeys(words.values(), 0))
            count[words[facts["passed"]]] += 1
    return counts
