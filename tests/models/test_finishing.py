"""What finishes latents: found in the store or in a model file, and refused where it is another."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lipkit import config, models
from lipkit.artifacts.latents import Latents
from lipkit.errors import BadInput, WeightsError
from lipkit.models import finishing
from lipkit.models.latentsync.config import LatentSyncConfig, ModelConfig
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.parts import checkpoint, vae, weights
from tests.artifacts.test_latents import geometry

STORED = "sd-vae-ft-mse"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))


def tiny(borrowed: int = 0) -> ModelConfig:
    """The tiny preset's model; ``borrowed`` layers of a stored autoencoder, if any."""
    form = config.resolve(
        LatentSyncConfig, preset=config.load_preset("tiny-latentsync").tables
    ).model
    small = replace(form.unet, widths=(32, 32), attention=(0,), motion=type(form.unet.motion)())
    form = replace(form, unet=small)
    if borrowed:
        form = replace(form, vae=replace(form.vae, weights=STORED, layers=borrowed))
    return form


def model_at(path: Path, form: ModelConfig, seed: int = 0) -> Path:
    """A weights file of a model of that form."""
    torch.manual_seed(seed)
    checkpoint.save(
        LatentSync(form), path, name="run", config=asdict(form),
        origin={"family": "latentsync", "steps": {}},
    )  # fmt: skip
    return path


def keep_vae(form: ModelConfig, seed: int = 0) -> dict[str, Tensor]:
    """An autoencoder of that form, put into the store."""
    torch.manual_seed(seed)
    state = vae.build(form.vae).state_dict()
    weights.store(state, weights.find(STORED).path, name=STORED, config={}, origin={})
    return dict(state)


def latents_of(path: Path) -> Latents:
    """What a latents file would say of the model in ``path``."""
    loaded = models.load(str(path), verb="sync", device="cpu")
    return Latents(
        content="faces",
        coder=finishing.coder_of(loaded),
        model=finishing.model_facts(loaded),
        fps=Fraction(25),
        frames=1,
        geometry=geometry(1),
    )


def same(state: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(state[name], other[name]) for name in other)


def test_a_models_own_autoencoder_comes_without_the_rest(tmp_path: Path) -> None:
    path = model_at(tmp_path / "run.safetensors", tiny())
    latents = latents_of(path)
    assert latents.model["name"] == "run.safetensors"
    with pytest.raises(WeightsError, match=r"drawn by run.safetensors.*name them by --model"):
        finishing.load(latents, None, "l", "cpu")
    found = finishing.load(latents, str(path), "l", "cpu")
    whole = models.load(str(path), verb="sync", device="cpu")
    assert same(found.coder.state_dict(), whole.module.vae.state_dict())
    assert found.config == whole.config
    assert found.digests == whole.digests
    other = model_at(tmp_path / "other.safetensors", tiny(), seed=1)
    with pytest.raises(WeightsError, match="l: latents of the autoencoder of its own"):
        finishing.load(latents, str(other), "l", "cpu")


def test_a_stored_autoencoder_is_found_by_itself(tmp_path: Path) -> None:
    form = tiny(borrowed=2)
    state = keep_vae(form)
    latents = latents_of(model_at(tmp_path / "run.safetensors", form))
    found = finishing.load(latents, None, "l", "cpu")
    assert same(found.coder.state_dict(), state)
    assert found.digests.keys() == {f"{STORED}.safetensors"}
    keep_vae(form, seed=1)
    with pytest.raises(WeightsError, match=f"latents of the autoencoder {STORED}"):
        finishing.load(latents, None, "l", "cpu")
    weights.find(STORED).path.unlink()
    with pytest.raises(WeightsError) as caught:
        finishing.load(latents, None, "l", "cpu")
    assert f"lipkit models pull {STORED}" in (caught.value.hint or "")


def test_latents_of_nobody_are_refused(tmp_path: Path) -> None:
    latents = latents_of(model_at(tmp_path / "run.safetensors", tiny()))
    for change in (
        {"family": "soup"},
        {"config": {"model": {"soup": 1}}},
        {"family": "vasa"},
        {"family": "emo"},
    ):
        strange = replace(latents, model={**latents.model, **change})
        with pytest.raises(BadInput, match="l: latents of no model that this lipkit knows"):
            finishing.load(strange, None, "l", "cpu")
