"""The stage of training that fits an autoencoder to pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.patches import Patches

FITTED = 256  # pictures whose principal components a linear autoencoder begins with
CHECKED = 8  # pictures of a validation
SHOWN = 8  # pictures of a sheet of samples

Draw = Callable[[np.random.Generator, int], Tensor]  # so many pictures (n, 3, h, w) in -1..1


class AutoencoderStage:
    """Trains the autoencoder ``model.vae`` to give pictures back.

    ``training`` and ``held_out`` draw pictures; the network ``distance``, if given, compares looks.
    """

    name = "autoencoder"

    def __init__(
        self,
        batch: int,
        training: Draw,
        held_out: Draw,
        kl: float,
        distance: nn.Module | None = None,
    ) -> None:
        self.count, self.training, self.held_out = batch, training, held_out
        self.kl, self.distance = kl, distance

    def parameters(self, model: Any) -> Iterable[nn.Parameter]:
        """The autoencoder's; a linear one begins with the principal components."""
        if isinstance(model.vae, Patches):
            given = self.training(np.random.default_rng(0), FITTED)
            model.vae.fit(given.to(model.vae.mean.device))
        return list(model.vae.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Pictures."""
        rng = np.random.default_rng((seed, 5, index))
        return {"pictures": self.training(rng, self.count)}

    def loss(self, model: Any, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        """Errors of the pictures, and how far posteriors are from a normal distribution."""
        pictures, network = batch["pictures"], model.vae
        posterior = network.encode(pictures).latent_dist
        noise = torch.randn(posterior.mean.shape).to(posterior.mean)
        made = network.decode(posterior.mean + posterior.std * noise).sample
        terms = {
            "pixels": functional.l1_loss(made.float(), pictures),
            "kl": self.kl * posterior.kl().mean() / posterior.mean[0].numel(),
        }
        if self.distance is not None:
            terms["looks"] = 0.1 * self.distance.to(made.device)(made, pictures).mean()
        return terms

    def validate(self, model: Any) -> Mapping[str, float]:
        """The error in levels, and the deviation of scaled latents, of people never seen."""
        network: AutoencoderKL = model.vae
        given = self.held_out(np.random.default_rng(0), CHECKED)
        given = given.to(next(network.parameters()).device)
        latents = network.encode(given).latent_dist.mean
        made = network.decode(latents).sample
        spread = latents.std() * network.config.scaling_factor
        return {"levels": float(127.5 * (made - given).abs().mean()), "spread": float(spread)}

    def sample(self, model: Any, batch: Mapping[str, Tensor]) -> Tensor:
        """Pictures above what comes back of them ``(2, n, 3, h, w)``."""
        given = batch["pictures"][:SHOWN]
        latents = model.vae.encode(given).latent_dist.mean
        return torch.stack([given, model.vae.decode(latents).sample])
