"""The model with an autoencoder of its own, or with the stored one that it was trained with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.editing import LatentSyncEditor
from lipkit.models.latentsync.model import build
from lipkit.models.parts import vae, weights


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    return tmp_path


def borrowing(form: ModelConfig, layers: int) -> ModelConfig:
    """Another shape for each test, as a process keeps what it loaded."""
    return replace(form, vae=replace(form.vae, weights="sd-vae-ft-mse", layers=layers))


def test_a_stored_autoencoder_is_used_and_recorded(form: ModelConfig, store: Path) -> None:
    wanted = borrowing(form, layers=2)
    torch.manual_seed(0)
    fresh = vae.build(wanted.vae)
    path = weights.find("sd-vae-ft-mse").path
    digest = weights.store(fresh.state_dict(), path, name="vae", config={}, origin={})
    model = build(wanted)
    assert not any(name.startswith("vae.") for name in model.state_dict())
    found = vae.of(model).state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in fresh.state_dict().items())
    assert LatentSyncEditor(model, SamplingConfig()).digests == {"sd-vae-ft-mse": digest}


def test_a_missing_autoencoder_can_be_pulled(form: ModelConfig, store: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        vae.of(build(borrowing(form, layers=3)))
    assert "lipkit models pull sd-vae-ft-mse" in (caught.value.hint or "")


def test_a_window_must_fit_the_positions(form: ModelConfig) -> None:
    with pytest.raises(ValueError, match="motion modules know 24 frames"):
        replace(form, window=25)
    with pytest.raises(ValueError, match="no multiple of 8"):
        replace(form, resolution=100)


def test_posteriors_are_drawn_and_scaled(form: ModelConfig) -> None:
    torch.manual_seed(0)
    network = vae.build(form.vae).eval()
    pictures, noise = torch.rand(3, 3, 32, 32) * 2 - 1, torch.randn(3, 4, 4, 4)
    with torch.no_grad():
        posterior = network.encode(pictures).latent_dist
        mean = vae.encode(network, pictures)
        assert torch.allclose(mean, posterior.mean * form.vae.scale, atol=1e-4)
        drawn = vae.encode(network, pictures, noise)
        assert torch.allclose(drawn - mean, posterior.std * noise * form.vae.scale, atol=1e-4)
        assert vae.decode(network, drawn).shape == pictures.shape


def test_work_in_parts_shrinks_when_memory_ends() -> None:
    sizes = []

    def work(first: int, last: int) -> torch.Tensor:
        sizes.append(last - first)
        if last - first > 2:
            raise torch.OutOfMemoryError
        return torch.arange(first, last)

    assert vae.in_parts(work, 7, size=6).tolist() == list(range(7))
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1, 1]
