"""A listener learns to tell phones, and the smallest model learns to speak with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lipkit import config as settings
from lipkit.faces.latentsync_pixels import fixed_mask, latent_mask
from lipkit.models.latentsync import stages
from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.latentsync.hearing import HearingStage, hearing, listener_of
from lipkit.models.latentsync.listening import Listener
from lipkit.models.latentsync.model import LatentSync, build
from lipkit.models.parts import checkpoint, vae
from lipkit.training.loop import train
from lipkit.training.toys.takes import Toys, ToySpec

TOYS = Toys(ToySpec(size=48, seconds=1.5, people=3, takes=3, held_out=2))


def configured(*sets: str, preset: str = "toy-latentsync") -> LatentSyncConfig:
    return settings.resolve(LatentSyncConfig, preset=settings.load_preset(preset).tables, sets=sets)


@pytest.fixture
def model() -> LatentSync:
    torch.manual_seed(0)
    return build(configured().model)


@pytest.fixture(scope="module")
def syncnet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an untrained SyncNet."""
    form = settings.resolve(ExpertConfig, preset=settings.load_preset("toy-syncnet").tables).model
    path = tmp_path_factory.mktemp("syncnet") / "weights.safetensors"
    torch.manual_seed(0)
    table = settings.as_tables(form)
    checkpoint.save(experts.build(form), path, name="x", config=table, origin={"family": "syncnet"})
    return str(path)


def test_phones_are_learned(model: LatentSync, tmp_path: Path) -> None:
    config = configured("train.hearing.steps=25", "train.hearing.ema=0.5")
    stage = hearing(model, config, TOYS, 0)
    assert isinstance(stage, HearingStage)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    batch = stage.batch(0, 0)
    with torch.no_grad():
        fresh = float(stage.loss(model, batch, 0)["phones"])
    train(model, stage, config.train.hearing, tmp_path)
    with torch.inference_mode():
        assert float(stage.loss(model, batch, 0)["phones"]) < 0.8 * fresh
        assert 0.1 < stage.validate(model)["held_out_phones"] <= 1
    moved = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    assert moved
    assert all(name.startswith("unet.listener.") for name in moved)


def test_who_has_no_listener_learns_no_phones() -> None:
    with torch.device("meta"):
        deaf = build(configured(preset="tiny-latentsync").model)
    assert hearing(deaf, configured(), TOYS, 0) is None


def test_tokens_depend_on_the_order_of_steps() -> None:
    torch.manual_seed(0)
    listener = Listener(80, 32)
    heard = torch.randn(2, 20, 80)
    assert listener(heard).shape == (2, 4, 32)
    assert not torch.allclose(listener(heard), listener(heard.flip(1)), atol=1e-3)


def test_the_unet_listens(model: LatentSync) -> None:
    torch.nn.init.normal_(model.unet.conv_out.weight, std=0.1)
    torch.nn.init.normal_(model.unet.conv_in.weight, std=0.1)
    sample, heard = torch.randn(1, 13, 3, 8, 8), torch.randn(1, 3, 20, 80)
    with torch.no_grad():
        one, same = (model.unet(sample, 5, h) for h in (heard, heard.flatten(0, 1)))
        other = model.unet(sample, 5, heard.roll(1, 1))
    assert one.shape == (1, 4, 3, 8, 8)
    torch.testing.assert_close(one, same)
    assert not torch.allclose(one, other, atol=1e-3)


def test_the_second_stage_lowers_its_loss(model: LatentSync, syncnet: str, tmp_path: Path) -> None:
    """All terms at once, on the same clips and noise before and after."""
    config = configured(
        f'train.syncnet="{syncnet}"',
        *(f"train.stage2.{text}" for text in ("steps=12", "batch=2", "warmup=1", "ema=0.5")),
    )
    stage = stages.stage2(model, config, TOYS, 0)
    batch = stage.batch(0, 0)

    def cost() -> dict[str, float]:
        torch.manual_seed(1)
        with torch.no_grad():
            found = stage.loss(model, batch, 0)
        return {name: float(term) for name, term in found.items()}

    torch.nn.init.normal_(model.unet.conv_out.weight, std=0.05)
    torch.nn.init.normal_(model.unet.conv_in.weight, std=0.1)
    before = cost()
    train(model, stage, config.train.stage2, tmp_path)
    after = cost()
    assert before.keys() == {"recon", "sync", "lpips", "trepa"}
    assert all(value > 0 for value in before.values())
    assert sum(after.values()) < sum(before.values())


def test_the_hole_of_cartoons_hides_the_chin(model: LatentSync) -> None:
    form = model.config
    mask = fixed_mask(form.mask, form.resolution)
    assert (mask[:15] == 255).all()
    assert (mask[17:] == 0).all()
    assert latent_mask(mask, form.cell).shape == (8, 8)
    coder, pictures = vae.of(model), torch.rand(3, 3, 32, 32)
    alone = torch.cat([vae.encode(coder, one) for one in pictures.split(1)])
    assert alone.shape == (3, 4, 8, 8)
    torch.testing.assert_close(vae.encode(coder, pictures), alone, rtol=1e-3, atol=1e-4)


def test_a_listener_survives_its_file(model: LatentSync, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    table = settings.as_tables(model.config)
    checkpoint.save(model, path, name="x", config=table, origin={"family": "latentsync"})
    torch.manual_seed(1)
    other = build(configured().model)
    stages.begin(other, str(path))
    for name, tensor in listener_of(model).state_dict().items():
        assert torch.equal(tensor, listener_of(other).state_dict()[name])
