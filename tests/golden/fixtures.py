"""Golden files of every family: what they hold, how near a result must come, and how near it came.

A fixture is ``NAME.safetensors`` with ``NAME.json`` beside it. Each family wrote its own kind of
JSON, so the family is told by the JSON's keys, never by the folder's name.
"""

from __future__ import annotations

import fnmatch
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

Runner = Callable[[dict[str, Any], dict[str, Tensor]], dict[str, Tensor]]
OUTPUTS = {"latentsync": "out.", "vasa": "out.", "vlogger": "out."}  # all of these must be computed
DEGREES = ("pitch", "yaw", "roll")


@dataclass(frozen=True)
class Within:
    """A result with its own tolerance, for files that describe theirs in words."""

    value: Any
    atol: float = 0.0
    rtol: float = 0.0


@dataclass(frozen=True)
class Fixture:
    """One golden file; ``meta["folder"]`` is its folder, for files that need a neighbour."""

    name: str
    family: str
    meta: dict[str, Any]
    path: Path

    def tensors(self) -> dict[str, Tensor]:
        return load_file(self.path) if self.path.suffix == ".safetensors" else {}


@dataclass(frozen=True)
class Outcome:
    """How a fixture fared: the share of the tolerance that its worst key used, failed above 1."""

    name: str
    verdict: str  # PASS, FAIL, MISS
    share: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        if self.verdict == "MISS":
            return f"MISS  {self.name}  {self.reason}"
        worst = f": {self.reason}" if self.verdict == "FAIL" else ""
        return f"{self.verdict}  {self.name}  {self.share:.3g} of tolerance{worst}"


def fixtures(folder: Path) -> Iterator[Fixture]:
    """All fixtures of a folder by name; files that hold weights only are none.

    A ``*_manifest.json`` is one by itself: names and shapes that a network must have.
    """
    found = {path.stem: path for path in folder.glob("*_manifest.json")}
    found |= {path.stem: path for path in folder.glob("*.safetensors")}
    for name, path in sorted(found.items()):
        meta = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        family = "metrics" if path.suffix == ".json" else family_of(meta)
        if family:
            yield Fixture(name, family, meta | {"folder": str(folder)}, path)


def family_of(meta: dict[str, Any]) -> str | None:
    """Which family wrote this JSON; None if it only describes weights for others to use."""
    tolerance = meta.get("tolerance")
    if isinstance(tolerance, dict):
        return "latentsync" if "default" in tolerance else "metrics"
    if "fixture" in meta:
        return "vasa"
    if "suggested_tolerance" in meta:
        return "emo"
    return "vlogger" if "cls" in meta or "atol" in meta else None


def run(fixture: Fixture, runners: dict[str, Runner]) -> Outcome:
    """The outcome of one fixture; a runner may be named by ``family/name`` or by ``name``."""
    runner = runners.get(f"{fixture.family}/{fixture.name}") or runners.get(fixture.name)
    if runner is None:
        return Outcome(fixture.name, "MISS", reason="no runner")
    tensors = fixture.tensors()
    try:
        results = runner(fixture.meta, tensors)
    except Exception as problem:  # noqa: BLE001 -- a crash is a verdict like any other
        reason = f"{type(problem).__name__}: {problem}".splitlines()[0]
        return Outcome(fixture.name, "FAIL", math.inf, reason)
    shares = {key: share(fixture, key, value, tensors) for key, value in results.items()}
    prefix = OUTPUTS.get(fixture.family, "\0")
    shares |= {key: math.inf for key in tensors if key.startswith(prefix) and key not in results}
    if not shares:
        return Outcome(fixture.name, "FAIL", math.inf, "nothing computed")
    worst = max(shares, key=lambda key: shares[key])
    verdict = "PASS" if shares[worst] <= 1 else "FAIL"
    return Outcome(fixture.name, verdict, shares[worst], worst)


def share(fixture: Fixture, key: str, result: Any, tensors: dict[str, Tensor]) -> float:
    """Share of the tolerance that one result uses; ``@a.b`` is a value in the JSON."""
    wanted = tensors[key] if key in tensors else expected(fixture.meta, key)
    bounds = result if isinstance(result, Within) else None
    got = torch.as_tensor(bounds.value if bounds else result).detach().cpu()
    if got.shape != wanted.shape:
        return math.inf
    if wanted.is_floating_point() and torch.isnan(wanted).any():
        known = ~torch.isnan(wanted)
        if not torch.equal(torch.isnan(got), ~known):
            return math.inf
        got, wanted = got[known], wanted[known]
    if not wanted.numel():
        return 0.0
    if bounds:
        return relative(got, wanted, bounds.atol, bounds.rtol)
    return SHARES[fixture.family](fixture.meta, key, got, wanted)


def expected(meta: dict[str, Any], key: str) -> Tensor:
    """The number at a dotted path of the JSON, for keys that begin with @."""
    value: Any = meta
    name = ""
    for part in key.removeprefix("@").split("."):
        name += part
        if name in value:
            value, name = value[name], ""
        else:  # a name that has dots itself
            name += "."
    if name:
        raise KeyError(key)
    return torch.from_numpy(np.asarray(value))  # doubles, where torch would make floats


def exact(got: Tensor, wanted: Tensor) -> float:
    return 0.0 if torch.equal(got.to(wanted.dtype), wanted) else math.inf


def apart(got: Tensor, wanted: Tensor) -> Tensor:
    """Absolute differences in double precision; infinite where a result is no number."""
    return (got.double() - wanted.double()).abs().nan_to_num(nan=math.inf, posinf=math.inf)


def relative(got: Tensor, wanted: Tensor, atol: float, rtol: float, unit: float = 1.0) -> float:
    """The worst element of |a - b| against ``atol * unit + rtol * |b|``."""
    allowed = atol * unit + rtol * wanted.double().abs()
    used = apart(got, wanted) / allowed.clamp_min(1e-300)
    return float(used.nan_to_num(nan=0.0, posinf=math.inf).max())


def latentsync_share(meta: dict[str, Any], key: str, got: Tensor, wanted: Tensor) -> float:
    """Rules by pattern, the first that matches (README of the latentsync files)."""
    tolerance = meta["tolerance"]
    matching = (o for o in tolerance["overrides"] if fnmatch.fnmatchcase(key, o["match"]))
    rule = next(matching, tolerance["default"])
    if "levels" not in rule and (rule.get("exact") or not wanted.is_floating_point()):
        return exact(got, wanted)
    difference = apart(got, wanted)
    if "levels" in rule:
        share_of_values = float((difference > 0).double().mean())
        return max(float(difference.max()) / rule["levels"], share_of_values / rule["fraction"])
    if "rel_l2" in rule:
        norm = float(wanted.double().norm()) + 1e-30
        return float(difference.norm()) / norm / rule["rel_l2"]
    if "frac_max" in rule:
        bound, fraction = rule["frac_max"]
        return float((difference > bound).double().mean()) / fraction
    allowed = rule["atol"] + rule["rtol"] * float(wanted.double().abs().max())
    return float(difference.max()) / (allowed + 1e-300)


def vlogger_share(meta: dict[str, Any], key: str, got: Tensor, wanted: Tensor) -> float:
    """``atol * max(1, max|b|) + rtol * |b|``; exact without a tolerance, and for integers."""
    atol, rtol = meta.get("atol", 0), meta.get("rtol", 0)
    levels = wanted.dtype == torch.uint8 and atol >= 1
    if (not wanted.is_floating_point() and not levels) or atol == rtol == 0:
        return exact(got, wanted)
    unit = 1.0 if levels else max(1.0, float(wanted.double().abs().max()))
    return relative(got, wanted, atol, rtol, unit)


def vasa_share(meta: dict[str, Any], key: str, got: Tensor, wanted: Tensor) -> float:
    """Elementwise; pictures may differ by two levels on one percent of the pixels."""
    if wanted.dtype == torch.uint8:
        difference = apart(got, wanted)
        return max(float(difference.max()) / 2, float((difference > 0).double().mean()) / 0.01)
    if not wanted.is_floating_point():
        return exact(got, wanted)
    degrees = key.split(".")[-1] in DEGREES and "atol_degrees" in meta
    return relative(got, wanted, meta["atol_degrees" if degrees else "atol"], meta["rtol"])


def emo_share(meta: dict[str, Any], key: str, got: Tensor, wanted: Tensor) -> float:
    """``atol N`` out of a sentence, or out of the one that begins with the key's first part."""
    if not wanted.is_floating_point():
        return exact(got, wanted)
    said = meta["suggested_tolerance"]
    if isinstance(said, dict):
        said = next((text for start, text in said.items() if key.startswith(start)), "atol 1e-5")
    found = re.search(r"atol ([\d.e+-]+)(?:/(\d+))?", said)
    atol = float(found[1]) / float(found[2] or 1) if found else 1e-5
    return relative(got, wanted, atol, 0)


def metrics_share(meta: dict[str, Any], key: str, got: Tensor, wanted: Tensor) -> float:
    """The rule named after the key's last part, else absolute and relative, or of the peak."""
    if not wanted.is_floating_point():
        return exact(got, wanted)
    tolerance = meta["tolerance"]
    leaf = key.split(".")[-1]
    own = tolerance.get(f"{leaf}_abs", tolerance.get(leaf))
    if isinstance(own, int | float):
        return relative(got, wanted, own, 0)
    if "rel_to_max" in tolerance:
        return relative(got, wanted, tolerance["rel_to_max"] * float(wanted.abs().max()), 0)
    return relative(got, wanted, tolerance.get("abs", 0), tolerance.get("rel", 0))


SHARES = {
    "latentsync": latentsync_share,
    "vlogger": vlogger_share,
    "vasa": vasa_share,
    "emo": emo_share,
    "metrics": metrics_share,
}
