"""The stages of training: an autoencoder of one's own, faces without speech in mind, speech.

arXiv:2412.09262, section 3; terms and weights after the official ``configs/unet``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.errors import BadUsage, WeightsError
from lipkit.faces.latentsync_pixels import fixed_mask, latent_mask
from lipkit.models.latentsync.config import (
    LatentSyncConfig,
    SamplingConfig,
    Weighing,
)
from lipkit.models.latentsync.convert import initialise
from lipkit.models.latentsync.expert.model import place_of
from lipkit.models.latentsync.judges import StandInLpips, judges_of
from lipkit.models.latentsync.material import pixels, scenes
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.objective import Judges, Sample, guess, terms, trainable, weighed
from lipkit.models.latentsync.pipeline import LatentSyncer
from lipkit.models.parts import vae
from lipkit.models.parts.autoencoding import AutoencoderStage
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.protocols import Features
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, FootageData, footage

CHECKED = 4  # excerpts of a validation
SHOWN = 8  # frames of a sheet of samples
STEPS = 10  # in which samples are drawn
MOTION = "motion_modules."

Batch = Mapping[str, Tensor]


def autoencoder(
    model: LatentSync, config: LatentSyncConfig, data: Data, seed: int
) -> AutoencoderStage | None:
    """The stage of an autoencoder of the model's own; None where it has the stored one."""
    if model.vae is None:
        return None
    given, stage = footage(data, "autoencoder"), config.train.autoencoder
    hole = torch.from_numpy(fixed_mask(config.model.mask, config.model.resolution) / 255).float()

    def faces(takes: Any, rng: np.random.Generator, count: int) -> Tensor:
        """Frames of as many windows as the stage says; the holes of half of them are grey."""
        windows = -(-count // stage.frames)
        target = scenes(takes, rng, windows, config.model.window, config.model)["target"]
        rows = torch.from_numpy(rng.integers(target.shape[1], size=(windows, stage.frames)))
        chosen = pixels(target[torch.arange(windows)[:, None], rows]).flatten(0, 1)[:count]
        chosen[::2] *= hole
        return chosen

    draws = partial(faces, given.training), partial(faces, given.held_out)
    looks = StandInLpips().requires_grad_(False)
    return AutoencoderStage(stage.batch * stage.frames, *draws, config.train.kl, looks)


def stage1(model: LatentSync, config: LatentSyncConfig, data: Data, seed: int) -> DenoiserStage:
    """The first stage: all but the motion modules, which add nothing yet."""
    parts = [p for n, p in trainable(model.unet, ("",)).items() if MOTION not in n]
    given = config.train.stage1, config.train.loss1
    return DenoiserStage("stage1", model, config, *given, footage(data, "stage1"), parts)


def stage2(model: LatentSync, config: LatentSyncConfig, data: Data, seed: int) -> DenoiserStage:
    """The second stage: attention and motion modules, to all terms of the loss."""
    parts = list(trainable(model.unet, config.train.parts2).values())
    given = config.train.stage2, config.train.loss2
    return DenoiserStage("stage2", model, config, *given, footage(data, "stage2"), parts)


def begin(model: LatentSync, file: str) -> None:
    """Fill a fresh model from Stable Diffusion 1.5's UNet, LatentSync's, or another run's.

    What the file cannot know stays fresh: motion modules, ends and audio of other widths.
    """
    given = read_checkpoint(place_of(file))
    unet = {name.removeprefix("unet."): tensor for name, tensor in given.tensors.items()}
    state = model.unet.state_dict()
    found = initialise(state, unet)
    spared = ("conv_in.", "conv_out.")
    missing = [
        name
        for name in state
        if name not in found
        and "motion_modules" not in name
        and not name.startswith("listener.")
        and not name.startswith(spared)
        and not name.endswith(("attn2.to_k.weight", "attn2.to_v.weight"))
    ]
    if missing:
        raise WeightsError(
            f"{file}: no UNet of this model's sizes; missing: {', '.join(missing[:5])}",
            hint="give Stable Diffusion 1.5's unet/diffusion_pytorch_model.safetensors",
        )
    try:
        model.unet.load_state_dict(found, strict=False)
    except RuntimeError as problem:
        reason = str(problem).splitlines()[1].strip()
        raise WeightsError(f"{file}: a UNet of other sizes: {reason}") from None
    own = {k.removeprefix("vae."): v for k, v in given.tensors.items() if k.startswith("vae.")}
    if model.vae is not None and own:
        model.vae.load_state_dict(own)


class Chance:
    """Random numbers of a step, of torch's own generator. Implements ``objective.Draw``."""

    def __init__(self, seed: int | None = None) -> None:
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """See `Draw`."""
        return torch.randn(shape, generator=self.generator)

    def times(self, count: int, steps: int) -> Tensor:
        """See `Draw`."""
        return torch.randint(steps, (count,), generator=self.generator)


class DenoiserStage:
    """Trains parts of the UNet to tell the noise in clips, and judges what that amounts to."""

    def __init__(
        self,
        name: str,
        model: LatentSync,
        config: LatentSyncConfig,
        stage: StageConfig,
        weighing: Weighing,
        data: FootageData,
        parts: list[nn.Parameter],
    ) -> None:
        form = config.model
        if stage.frames != form.window:
            raise BadUsage(
                f"train.{name}.frames is {stage.frames}, but the model makes {form.window}",
                hint=f"--set train.{name}.frames={form.window}",
            )
        if not parts:
            raise BadUsage(f"{name} has nothing to train", hint="see train.parts2")
        self.name, self.form, self.config, self.stage = name, form, config.train, stage
        self.weighing, self.data, self.parts = weighing, data, parts
        mask = fixed_mask(form.mask, form.resolution)
        self.masks = torch.from_numpy(mask / 255).float(), latent_mask(mask, form.cell)
        self.judges = judges_of(vae.of(model), config, weighing, stage.checkpointing)

    def parameters(self, model: LatentSync) -> list[nn.Parameter]:
        """Those of this stage's parts of the UNet."""
        return self.parts

    def batch(self, seed: int, index: int) -> Batch:
        """Windows of clips, others of the same clips, and what is heard."""
        rng = np.random.default_rng((seed, 6, index))
        return scenes(self.data.training, rng, self.stage.batch, self.form.window, self.form)

    def loss(self, model: LatentSync, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The weighed terms: noise, and sync, looks and motion where they count."""
        return weighed(self.terms(model, batch, Chance()), self.weighing)

    def terms(self, model: LatentSync, batch: Batch, draw: Chance) -> Mapping[str, Tensor]:
        """The terms as they are."""
        sample = sample_of(batch)
        judges = on(self.judges, sample.target.device)
        alpha, kind = self.config.alpha or None, self.form.prediction
        made = guess(model.unet, judges.autoencoder, sample, self.masks, draw, alpha, kind)
        return terms(made, sample, judges, self.weighing)

    def validate(self, model: LatentSync) -> Mapping[str, float]:
        """The terms on people never seen, always with the same noise."""
        rng = np.random.default_rng(0)
        given = scenes(self.data.held_out, rng, CHECKED, self.form.window, self.form)
        parts: dict[str, list[float]] = {}
        for k in range(CHECKED):
            batch = {n: t[k : k + 1].to(model.unet.device) for n, t in given.items()}
            for name, value in self.terms(model, batch, Chance(k)).items():
                parts.setdefault(name, []).append(float(value))
        return {f"held_out_{name}": float(np.mean(values)) for name, values in parts.items()}

    def sample(self, model: LatentSync, batch: Batch) -> Tensor:
        """Filmed frames above drawn ones ``(2, n, 3, r, r)`` of one window."""
        sample = sample_of({name: tensor[:1] for name, tensor in batch.items()})
        coder = on(self.judges, sample.target.device).autoencoder
        syncer = LatentSyncer(model.unet, coder, self.form)
        windows = sample.audio[0].cpu().numpy()
        heard = Features(windows, Fraction(self.form.fps), self.form.encoder)
        sampling = SamplingConfig(steps=STEPS, guidance=1.0)
        generator = torch.Generator().manual_seed(0)
        drawn = syncer.sync([sample.target[0]], heard, sampling, generator)
        rows = torch.stack([sample.target[0], torch.cat(list(drawn))])
        return rows[:, :: max(1, rows.shape[1] // SHOWN)]


def sample_of(batch: Batch) -> Sample:
    """A batch as the objective has it."""
    faces = (pixels(batch[name]) for name in ("target", "reference"))
    return Sample(*faces, batch["audio"], batch["mel"])


def on(judges: Judges, device: torch.device) -> Judges:
    """The judges, moved to a device."""
    for network in (getattr(judges, field.name) for field in fields(judges)):
        if isinstance(network, nn.Module):
            network.to(device)
    return judges
