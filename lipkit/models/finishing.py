"""What finishes latents: the autoencoder that they were drawn for, without the model's other nets.

Whoever has the latents needs no denoiser: a stored autoencoder is enough, or the part of a model's
file that holds its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import config as settings
from lipkit import registry, runtime
from lipkit.artifacts.latents import Coder, Latents, require_coder
from lipkit.errors import BadInput, BadUsage, WeightsError
from lipkit.models import Loaded, find
from lipkit.protocols import Family

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    from lipkit.models.parts.diffusion_config import VaeConfig

OWN = "vae."  # what the names of a model's own autoencoder begin with


@dataclass(frozen=True)
class Finish:
    """An autoencoder in its place, and whose latents it turns into pictures."""

    family: Family
    config: Any
    coder: AutoencoderKL
    digests: Mapping[str, str]


def coder_of(loaded: Loaded) -> Coder:
    """What a latents file says of the autoencoder of a model."""
    from lipkit.models.parts import weights

    form: VaeConfig = loaded.config.model.vae
    if form.weights:
        digest = weights.read_header(weights.locate(form.weights))["digest"]
        return Coder(form.weights, form.scale, digest)
    (digest,) = loaded.digests.values()
    return Coder("", form.scale, digest)


def model_facts(loaded: Loaded) -> dict[str, Any]:
    """What a latents file says of the model that drew them; no folders."""
    tables = settings.as_tables(loaded.config)
    own = {name: tables[name] for name in ("model", "sampling")}
    return {"family": loaded.family.name, "name": Path(loaded.name).name, "config": own}


def load(latents: Latents, name: str | None, made: str, device: str) -> Finish:
    """The autoencoder of the latents in the file ``made``, on a device.

    ``name`` is the model whose autoencoder it is, where that is none of the store. WeightsError
    where it is missing or another one, BadInput where the file makes no sense.
    """
    from lipkit.models.parts import checkpoint, vae

    family, config = family_of(latents, made)
    form: VaeConfig = config.model.vae
    path, coder = stored(form) if form.weights and name is None else owned(latents, name, made)
    require_coder(latents, coder, made)
    if form.weights:
        network = vae.stored(form)
    else:
        with checkpoint.hollow():
            network = vae.build(form)
        checkpoint.load(network, path, OWN)
    network = network.to(runtime.choose(device).device).eval()
    return Finish(family, config, network, {path.name: coder.digest})


def family_of(latents: Latents, made: str) -> tuple[Family, Any]:
    """Family and settings of the model that drew the latents in the file ``made``."""
    try:
        family: Family = registry.resolve(registry.FAMILIES, str(latents.model["family"]), "family")
        given = latents.model["config"]
        config = settings.resolve(registry.load(family.config), preset=given)
        config.model.vae.weights  # noqa: B018 -- a family without an autoencoder draws no latents
        if latents.content == "faces" and family.finisher is None:
            raise BadUsage(f"{family.name} draws no faces of videos")
    except (BadUsage, KeyError, TypeError, AttributeError) as problem:
        raise BadInput(f"{made}: latents of no model that this lipkit knows: {problem}") from None
    return family, config


def stored(form: VaeConfig) -> tuple[Path, Coder]:
    """An autoencoder of the store: its file, and what it is."""
    from lipkit.models.parts import weights

    path = weights.locate(form.weights)
    return path, Coder(form.weights, form.scale, weights.read_header(path)["digest"])


def owned(latents: Latents, name: str | None, made: str) -> tuple[Path, Coder]:
    """The autoencoder of the model ``name``, or of the one that the latents name: where, what."""
    from lipkit.models.parts import weights

    theirs = str(latents.model.get("name", ""))
    if name is None and theirs not in settings.preset_names():
        raise WeightsError(
            f"{made}: drawn by {theirs}, whose weights hold the autoencoder",
            hint="name them by --model",
        )
    path, family, _ = find(name or theirs)
    header = weights.read_header(path)
    design = registry.resolve(registry.FAMILIES, family, "family")
    form = settings.resolve(registry.load(design.config), preset={"model": header["config"]})
    vae: VaeConfig | None = getattr(form.model, "vae", None)
    if vae is None:
        raise WeightsError(f"{name or theirs}: weights without an autoencoder")
    return stored(vae) if vae.weights else (path, Coder("", vae.scale, header["digest"]))
