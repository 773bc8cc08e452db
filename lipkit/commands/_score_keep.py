"""What outlives a clip's scoring: contributions to set metrics, and what the report shows of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import __version__, jsonl, provenance
from lipkit.errors import BadInput, LipkitError

if TYPE_CHECKING:
    from lipkit.metrics.choice import Chosen
    from lipkit.metrics.engine import Tensors
    from lipkit.metrics.strips import Picture

Pictures = tuple["Picture", ...]


@dataclass(frozen=True)
class Sources:
    """The files that a clip's scores come from, as opened: clip, reference, sound."""

    clip: Path
    reference: Path | None = None
    sound: Path | None = None

    def key(self, chosen: Sequence[Chosen]) -> str:
        """A name for all that the clip's line depends on: files, measures, weights, version."""
        measures = {one.name: [m.name for m in one.measures] for one in chosen if one.measures}
        return hashed(self, chosen, {"measures": measures})

    def share(self, one: Chosen) -> str:
        """A name for all that the clip's contribution to a set metric depends on."""
        compares = one.metric.needs & {"reference", "likeness"}
        seen = self if compares else Sources(self.clip, None, self.sound)
        return hashed(seen, [one], {"metric": one.name})


def hashed(sources: Sources, chosen: Sequence[Chosen], more: Mapping[str, Any]) -> str:
    """A hash of the files' contents, the metrics' weights and ``more``."""
    from lipkit.metrics.engine import digests

    files = {role: digest(path) for role, path in vars(sources).items() if path is not None}
    weights = {one.name: digests(one.metric) for one in chosen}
    facts = {"files": files, "weights": weights, "lipkit": __version__, **more}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def digest(path: Path) -> str:
    """SHA-256 of a file, read once a process; BadInput if it cannot be."""
    from lipkit.media.source import check_source

    return provenance.digest(check_source(path))


@dataclass(frozen=True)
class Folder:
    """A folder of contributions and views."""

    path: Path

    def make(self) -> None:
        """Create it where it is missing."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise LipkitError(f"--work-dir {self.path}: {problem.strerror}") from None

    def contribution(self, key: str) -> Path:
        """Where the contribution lies whose ``Sources.share`` is ``key``."""
        return self.path / f"set-{key}.safetensors"

    def view(self, key: str) -> Path:
        """Where the view lies of the clip whose ``Sources.key`` is ``key``."""
        return self.path / f"view-{key}.json"


def write_contribution(path: Path, metric: str, tensors: Tensors) -> None:
    """Keep what a set metric wants of a clip; no tensors say that it wants nothing."""
    from lipkit.artifacts.tensors import write_tensors

    write_tensors(path, "contribution", tensors, {"metric": metric})


def read_contribution(path: Path) -> Tensors | None:
    """What a set metric kept of a clip; None if that is nothing, not here, or damaged."""
    from lipkit.artifacts.tensors import read_tensors

    try:
        return read_tensors(path, "contribution")[0] or None
    except BadInput:
        return None


@dataclass(frozen=True)
class View:
    """What the report shows of a clip beside its scores: curves by measure, strips of pictures."""

    curves: Mapping[str, Mapping[str, Sequence[float | None]]]
    strip: Pictures = ()
    reference_strip: Pictures = ()

    def write(self, path: Path) -> None:
        """Write it down as JSON, whole or not at all."""
        from lipkit.media.target import open_target

        strips = {"strip": self.strip, "reference_strip": self.reference_strip}
        plain = {name: [_packed(picture) for picture in strip] for name, strip in strips.items()}
        with open_target(path) as part:
            part.write_text(jsonl.row({"curves": jsonl.finite(self.curves), **plain}), "utf-8")

    @classmethod
    def read(cls, path: Path) -> View | None:
        """A view written down; None if it is not here, or damaged."""
        try:
            found = json.loads(path.read_text("utf-8"))
            strips = [tuple(map(_unpacked, found[n])) for n in ("strip", "reference_strip")]
            return cls(found["curves"], *strips)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _packed(picture: Picture) -> dict[str, Any]:
    return {**vars(picture), "jpeg": base64.b64encode(picture.jpeg).decode()}


def _unpacked(plain: dict[str, Any]) -> Picture:
    from lipkit.metrics.strips import Picture

    return Picture(**{**plain, "jpeg": base64.b64decode(plain["jpeg"])})
