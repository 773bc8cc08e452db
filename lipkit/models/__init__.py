"""Model families, one folder per architecture; and models by name, ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from lipkit import config as settings
from lipkit import registry, runtime
from lipkit.errors import BadUsage, WeightsError
from lipkit.protocols import Family


@dataclass(frozen=True)
class Loaded:
    """A model with its weights and settings."""

    name: str
    family: Family
    config: Any
    module: Any
    digests: Mapping[str, str]


def load(
    name: str,
    *,
    verb: str,
    file: str | None = None,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> Loaded:
    """The model called ``name``: a preset, a run directory, or a weights file.

    The shape of the network comes from the weights; settings that contradict it are refused.
    """
    from lipkit.models.parts import checkpoint, weights

    path, family_name, tables = find(name)
    family: Family = registry.resolve(registry.FAMILIES, family_name, "family")
    if verb not in family.verbs:
        raise BadUsage(
            f"{name} does not {verb}", hint=f"it does: {', '.join(sorted(family.verbs))}"
        )
    header = weights.read_header(path)
    own = {"model": header["config"]}
    config = settings.resolve(
        registry.load(family.config),
        preset={**tables, **own},
        file=file,
        sets=sets,
        options=options,
    )
    if (
        settings.as_tables(config)["model"]
        != settings.as_tables(settings.resolve(registry.load(family.config), preset=own))["model"]
    ):
        raise BadUsage(f"{name}: [model] settings are fixed by its weights")
    chosen = runtime.choose(device)
    with checkpoint.hollow() if family.hollow else nullcontext():
        module = registry.load(family.build)(config.model)
    checkpoint.load(module, path)
    module.to(chosen.device).eval()
    return Loaded(name, family, config, module, {Path(path).name: header["digest"]})


def find(name: str) -> tuple[Path, str, Mapping[str, Any]]:
    """Weights file, family and settings of a model by its name."""
    from lipkit.models.parts import weights

    path = Path(name)
    if path.is_dir():
        path = path / "weights.safetensors"
        if not path.is_file():
            raise WeightsError(f"{name}: no finished run: {path.name} is missing")
    if path.is_file():
        header = weights.read_header(path)
        if "family" not in header["origin"]:
            raise WeightsError(f"{name}: weights of {header['name']}, which is no model by itself")
        return path, header["origin"]["family"], {}
    preset = settings.load_preset(name)
    if preset.weights in weights.catalogue():
        return weights.locate(preset.weights), preset.family, preset.tables
    if preset.weights is None:
        raise WeightsError(
            f"{name} has no weights to fetch",
            hint=f"train it: lipkit train {preset.family} --preset {name}, then give --model RUN",
        )
    packaged = resources.files("lipkit") / "weights" / preset.weights
    return Path(str(packaged)), preset.family, preset.tables
