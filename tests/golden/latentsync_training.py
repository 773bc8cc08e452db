"""Runner of the file about one whole training step of LatentSync's UNet."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lipkit.faces.latentsync_pixels import fixed_mask, latent_mask
from lipkit.models.latentsync.objective import (
    Judges,
    Sample,
    Weighing,
    guess,
    terms,
    trainable,
    weighed,
)
from lipkit.models.latentsync.syncnet import StableSyncNet, SyncNetConfig

from .audio import weights
from .latentsync_losses import lpips_of, videomae_of
from .latentsync_networks import StoredNoise, unet_of, vae_of

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


class StoredDraw(StoredNoise):
    """A step's random numbers that a file holds."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        self.stored_times = tensors["in.timesteps"]

    normal = StoredNoise.initial

    def times(self, count: int, steps: int) -> Tensor:
        assert self.stored_times.shape == (count,)
        return self.stored_times


def judges_of(config: Meta, tensors: Tensors) -> Judges:
    syncnet = StableSyncNet(SyncNetConfig.of(config["syncnet"])).eval().requires_grad_(False)
    syncnet.load_state_dict(weights(tensors, "w.syncnet."))
    pixels = config["run"]["pixel_space_supervise"]
    return Judges(
        vae_of(config["vae"], weights(tensors, "w.vae.")).requires_grad_(False),
        syncnet,
        config["syncnet_resolution"] if pixels else None,
        lpips_of(config["hash_salt"]),
        videomae_of(config["videomae"], weights(tensors, "w.videomae.")),
    )


def train_step(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    run = config["run"]
    unet = unet_of(config["unet"], weights(tensors, "w.unet.")).requires_grad_(False)
    trained = trainable(unet, tuple(config["trainable_modules"]))
    for parameter in trained.values():
        parameter.requires_grad_(True)
    judges = judges_of(config, tensors)
    pictures = [tensors[f"in.{name}"].movedim(-1, -3) / 127.5 - 1 for name in ("gt", "ref")]
    sample = Sample(*pictures, tensors["in.audio_embeds"], tensors["in.mel"])
    mask = fixed_mask("mask", config["resolution"])
    masks = torch.from_numpy(mask / 255).float(), latent_mask(mask)
    alpha = run["mixed_noise_alpha"] if run["use_mixed_noise"] else None
    made = guess(unet, judges.autoencoder, sample, masks, StoredDraw(tensors), alpha)
    weighing = Weighing(
        recon=run["recon_loss_weight"],
        sync=run["sync_loss_weight"] * run["use_syncnet"],
        lpips=run["perceptual_loss_weight"],
        trepa=run["trepa_loss_weight"],
    )
    found = terms(made, sample, judges, weighing)
    total = sum(weighed(found, weighing).values())
    total.backward()
    norm = torch.stack([p.grad.norm() for p in trained.values() if p.grad is not None]).norm()
    results = {f"out.{name}_loss": term for name, term in found.items()}
    results |= {
        "out.loss": total,
        "mid.unet_input": made.seen,
        "mid.pred_noise": made.predicted,
        "mid.pred_latents": made.latents,
        "out.grad_norm": norm,
        "out.trainable_tensors": torch.tensor(len(trained)),
    }
    return results | {f"out.grad.{name}": trained[name].grad for name in config["grads"]}


RUNNERS = {"unet_train_step": train_step}
