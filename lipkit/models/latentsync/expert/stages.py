"""The one stage of training: tell lips of one moment from lips of another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from lipkit import config as settings
from lipkit.errors import BadUsage, WeightsError
from lipkit.losses.agreement import disagreement
from lipkit.models.latentsync.config import ModelConfig as SyncerConfig
from lipkit.models.latentsync.expert.config import ExpertConfig, ModelConfig, TrainConfig
from lipkit.models.latentsync.expert.model import place_of
from lipkit.models.latentsync.material import pairs as pairs_of
from lipkit.models.latentsync.material import pixels, together
from lipkit.models.latentsync.model import build as build_syncer
from lipkit.models.latentsync.objective import stacked
from lipkit.models.latentsync.syncnet import lower_half
from lipkit.models.parts import checkpoint, vae
from lipkit.models.parts.motion import unfold
from lipkit.models.parts.weights import read_header
from lipkit.training.data import Data, FootageData, footage

IN_SYNC = 0.5  # cosine from which lips and sound count as one moment's

Batch = Mapping[str, Tensor]


def pairs(model: nn.Module, config: ExpertConfig, data: Data, seed: int) -> PairsStage:
    """The stage, with its data and the autoencoder where latents are seen."""
    form, stage = config.model, config.train.pairs
    if stage.frames != form.frames:
        raise BadUsage(
            f"train.pairs.frames is {stage.frames}, but the model sees {form.frames}",
            hint=f"--set train.pairs.frames={form.frames}",
        )
    coder = coder_of(config) if form.space == "latents" else None
    return PairsStage(form, config.train, footage(data, "pairs"), coder)


def coder_of(config: ExpertConfig) -> AutoencoderKL:
    """The autoencoder whose latents are seen: a run's own, or the stored one."""
    run = config.train.autoencoder
    if not run:
        return vae.stored(config.model.vae)
    path = place_of(run)
    form = settings.resolve(SyncerConfig, preset=read_header(Path(path))["config"])
    if form.vae != config.model.vae:
        raise WeightsError(f"{run}: its autoencoder has other settings than model.vae")
    model = build_syncer(form)
    checkpoint.load(model, path)
    return vae.of(model).eval().requires_grad_(False)


class PairsStage:
    """Trains both encoders by the cross-entropy of their cosine."""

    name = "pairs"

    def __init__(
        self,
        form: ModelConfig,
        config: TrainConfig,
        data: FootageData,
        coder: AutoencoderKL | None = None,
    ) -> None:
        self.form, self.config, self.data, self.coder = form, config, data, coder

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        """All of the model's."""
        return list(model.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Faces and mels, half of which belong together."""
        rng = np.random.default_rng((seed, 4, index))
        form, count, windows = self.form, self.config.pairs.batch, self.config.windows
        if windows > 1:
            sizes = count // windows, windows, form.frames, form.resolution
            return together(self.data.training, rng, *sizes)
        return pairs_of(self.data.training, rng, count, form.frames, form.resolution)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Cross-entropy of the cosines; 0.69 is chance."""
        lips, sound = self.embedded(model, batch)
        if self.config.windows > 1:
            return {"agreement": crossed(lips, sound, self.config.windows)}
        return {"agreement": disagreement(lips, sound, batch["together"]).mean()}

    def embedded(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The embeddings ``(b, d)`` of a batch's lips and sounds."""
        lips, sound = model(self.views(pixels(batch["faces"])), batch["mel"])
        return lips, sound

    def views(self, faces: Tensor) -> Tensor:
        """What the network sees of faces ``(b, f, 3, r, r)`` in -1..1."""
        if self.coder is None:
            return lower_half(faces)
        self.coder.to(faces.device)
        with torch.no_grad():
            latents = vae.encode(self.coder, faces.flatten(0, 1))
        return stacked(unfold(latents, faces.shape[1]))

    def validate(self, model: nn.Module) -> Mapping[str, float]:
        """Accuracy and loss on people never seen, half of the pairs being false."""
        device = next(model.parameters()).device
        size = min(self.config.checked, self.config.pairs.batch)
        right, lost = [], []
        for part in range(max(1, self.config.checked // size)):
            rng = np.random.default_rng((0, part))
            form = self.form
            given = pairs_of(self.data.held_out, rng, size, form.frames, form.resolution)
            batch = {name: tensor.to(device) for name, tensor in given.items()}
            lips, sound = self.embedded(model, batch)
            called = torch.cosine_similarity(lips, sound) > IN_SYNC
            right.append((called == (batch["together"] > 0)).float().mean())
            lost.append(disagreement(lips, sound, batch["together"]).mean())
        return {
            "accuracy": float(torch.stack(right).mean()),
            "agreement": float(torch.stack(lost).mean()),
        }


def crossed(lips: Tensor, sound: Tensor, windows: int) -> Tensor:
    """The loss of all pairs of embeddings ``(b * windows, d)`` within each of ``b`` takes.

    True and false pairs weigh alike, so it is what single pairs have on average, with less noise:
    a small batch tells more.
    """
    rows, columns = (t.unflatten(0, (-1, windows)) for t in (lips, sound))
    every = rows[:, :, None].expand(-1, -1, windows, -1).flatten(0, 2)
    other = columns[:, None].expand(-1, windows, -1, -1).flatten(0, 2)
    true = torch.eye(windows, device=lips.device).repeat(len(rows), 1, 1).flatten()
    lost = disagreement(every, other, true)
    return (lost[true > 0].mean() + lost[true == 0].mean()) / 2
