"""What is known of presets and weights: a row for each, for people and for programs."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from lipkit import config, registry
from lipkit.errors import BadUsage


def weights_row(name: str) -> dict[str, Any]:
    """What the catalogue and the store say of the weights of an encoder or a metric."""
    from lipkit.models.parts import weights

    found = weights.find(name)
    row = {
        "name": name,
        "kind": found.kind,
        "task": found.task,
        "megabytes": found.megabytes,
        "licence": found.licence,
        "repository": found.repository or None,
        "file": found.source,
        "path": str(found.path),
        "present": found.present,
        "digest": None,
    }
    if found.present:
        header = weights.read_header(found.path)
        row |= {"digest": header["digest"], "origin": header["origin"]}
    return row


def preset_row(name: str) -> dict[str, Any]:
    """What a preset says of itself, and its weights: of the store, or shipped with lipkit."""
    from lipkit.models.parts import weights

    preset = config.load_preset(name)
    own = {
        "name": name,
        "kind": "preset",
        "task": preset.summary,
        "family": preset.family,
        "verbs": sorted(registry.load(registry.FAMILIES[preset.family]).verbs),
        "licence": preset.licence,
        "memory": measured().get(name, {}),
    }
    if preset.weights in weights.catalogue():
        return {**weights_row(preset.weights), **own}
    path = shipped(preset.weights)
    return {
        **own,
        "path": str(path) if path else None,
        "megabytes": round(path.stat().st_size / 1e6, 1) if path else None,
        "present": path is not None,
        "digest": weights.read_header(path)["digest"] if path else None,
    }


@cache
def measured() -> dict[str, dict[str, float]]:
    """Megabytes that presets need, as ``benchmarks.model_memory`` found: weights, and the peak."""
    return tomllib.loads((Path(config.__file__).parent / "assets" / "memory.toml").read_text())


def shipped(name: str | None) -> Path | None:
    """The weights of that name that came with lipkit, if they are there."""
    path = Path(config.__file__).parent / "weights" / (name or "")
    return path if name and path.is_file() else None


def every_row() -> list[dict[str, Any]]:
    """All presets, and all encoders and metrics that need weights."""
    from lipkit.models.parts import weights

    names = config.preset_names()
    others = [name for name in weights.catalogue() if name not in names]
    return [preset_row(name) for name in names] + [weights_row(name) for name in others]


def row_of(name: str) -> dict[str, Any]:
    """The row of one preset or weight set; an unknown name is the user's error."""
    from lipkit.models.parts import weights

    names = [*config.preset_names(), *weights.catalogue()]
    if name not in names:
        guess = registry.nearest(name, names)
        hint = f"did you mean {guess}?" if guess else "`lipkit models list` shows all"
        raise BadUsage(f"no model {name!r}", hint=hint)
    return preset_row(name) if name in config.preset_names() else weights_row(name)


def use(row: dict[str, Any]) -> str:
    """What a row is for: the verbs of a preset, or whose the weights are."""
    if row["kind"] != "preset":
        return str(row["kind"])
    return ",".join(row["verbs"]) or "train"


def memory(row: dict[str, Any]) -> str:
    """The memory that a preset needs, for people."""
    found = row.get("memory") or {}
    if "peak" in found:
        return f"{found['peak']:.0f} MB"
    return f"{found['weights']:.0f}+ MB" if found else "-"


def state(row: dict[str, Any]) -> str:
    """Whether the weights are here, in a word."""
    if "file" not in row:  # of no weight set
        return "shipped" if row["present"] else "train"
    if row["present"]:
        return "here"
    return "pull" if fetchable(row["name"]) else "import"


def fetchable(name: str) -> bool:
    """Whether `models pull` can bring these weights."""
    from lipkit.models.parts import weights

    return not weights.find(name).page


def size(row: dict[str, Any]) -> str:
    """The size of the weights for people."""
    return f"{row['megabytes']} MB" if row["megabytes"] else "-"
