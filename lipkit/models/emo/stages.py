"""The stages of training: an autoencoder of one's own, pictures, clips with sound, speeds.

arXiv:2402.17485, section 3.3. Hallo (arXiv:2406.08801) has the first two of EMO's three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.errors import BadUsage
from lipkit.models.emo import material
from lipkit.models.emo.backbone import Guide
from lipkit.models.emo.config import Drops, EmoConfig, FirstClip
from lipkit.models.emo.model import Emo
from lipkit.models.emo.objective import Lacking, counting, encoded, error_of, guide_of
from lipkit.models.parts import vae
from lipkit.models.parts.autoencoding import AutoencoderStage
from lipkit.models.parts.denoising import denoise
from lipkit.models.parts.noise_levels import scheduler
from lipkit.models.parts.reference import blocks
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, Footage, FootageData, footage

CHECKED = 4  # rows of a validation
SHOWN = 8  # frames of a sheet of samples
STEPS = 10  # in which samples are drawn
NEW = ("motion_modules.", "audio_modules.", "speed_layers.")  # of the backbone, in later stages

Batch = Mapping[str, Tensor]


def autoencoder(model: Emo, config: EmoConfig, data: Data, seed: int) -> AutoencoderStage | None:
    """The stage of an autoencoder of the model's own; None where it has the stored one."""
    if model.vae is None:
        return None
    found, form, train = footage(data, "autoencoder"), config.model, config.train

    def faces(takes: Sequence[Footage], rng: np.random.Generator, count: int) -> Tensor:
        rows = islice(material.places(takes, rng, form, 1), count)
        frames = [material.shown(at.take, at.start, at.start + 1, form.resolution) for at in rows]
        return torch.cat(frames).float() / 127.5 - 1

    return AutoencoderStage(
        train.autoencoder.batch,
        lambda rng, count: faces(found.training, rng, count),
        lambda rng, count: faces(found.held_out, rng, count),
        train.kl,
    )


def stage1(model: Emo, config: EmoConfig, data: Data, seed: int) -> DenoiserStage:
    """Single pictures of people seen in another: all but what hears, moves and knows speeds."""

    def chosen(name: str) -> bool:
        part, _, rest = name.partition(".")
        if part == "reference":
            return not after_last_tap(model, rest)
        return part in ("locator", "identity") or (
            part == "backbone" and not any(new in rest for new in NEW)
        )

    return DenoiserStage("stage1", model, config, config.train.stage1, data, chosen)


def stage2(model: Emo, config: EmoConfig, data: Data, seed: int) -> DenoiserStage:
    """Clips with sound: motion and audio modules, or what ``train.parts2`` says."""
    parts = config.train.parts2
    stage = config.train.stage2
    return DenoiserStage(
        "stage2", model, config, stage, data, lambda name: any(part in name for part in parts)
    )


def stage3(model: Emo, config: EmoConfig, data: Data, seed: int) -> DenoiserStage | None:
    """The same with the head's speed: motion modules and speed layers; what hears stands still.

    Speed and sound go together: learned at once, speed would take the sound's place. None for
    models without speed layers.
    """
    if model.speed is None:
        return None

    def chosen(name: str) -> bool:
        return "motion_modules." in name or "speed_layers." in name or name.startswith("speed.")

    return DenoiserStage("stage3", model, config, config.train.stage3, data, chosen)


def after_last_tap(model: Emo, name: str) -> bool:
    """Whether a parameter of the reference network comes after all that is read of it.

    Such parameters have no gradient, which data-parallel training takes for a mistake.
    """
    last = [layer for layer, _ in blocks(model.reference) if layer.startswith("up_blocks.")][-1]
    if not name.startswith(last.removesuffix("transformer_blocks.0")):
        return False
    behind = ["norm2.", "attn2.", "norm3.", "ff.", "proj_out."]
    if model.config.reference.tap == "norm1":
        behind.append("attn1.")
    return any(part in name for part in behind)


class DenoiserStage:
    """Trains parts of the model to undo noise in what people look like.

    ``stage1`` sees single pictures, later stages clips with the frames before them.
    """

    def __init__(
        self,
        name: str,
        model: Emo,
        config: EmoConfig,
        stage: StageConfig,
        data: Data,
        chosen: Callable[[str], bool],
    ) -> None:
        form = config.model
        room = form.unet.motion.table
        if stage.frames + form.carried > room:
            raise BadUsage(
                f"train.{name}.frames = {stage.frames}: with {form.carried} frames before, "
                f"motion modules know {room}"
            )
        self.name, self.form, self.config, self.stage = name, form, config.train, stage
        self.data: FootageData = footage(data, name)
        named = {n: p for n, p in model.named_parameters() if not n.startswith("vae.")}
        self.parts = [p for n, p in named.items() if chosen(n)]
        if not self.parts:
            raise BadUsage(f"{name} has nothing to train", hint="see train.parts2")
        self.autoencoder = vae.of(model).requires_grad_(False).eval()

    @property
    def drops(self) -> Drops:
        """What batches lack now and then."""
        return self.config.drop1 if self.name == "stage1" else self.config.drop2

    @property
    def start(self) -> FirstClip:
        """What stands before a clip that is the first one."""
        sampled = self.form.reference.first_clip
        return sampled if self.config.start == "as_sampled" else self.config.start

    def parameters(self, model: Emo) -> list[nn.Parameter]:
        """Those of this stage's parts."""
        return self.parts

    def batch(self, seed: int, index: int) -> Batch:
        """Frames, others of the same people, and from stage 2 on what is heard."""
        rng = np.random.default_rng((seed, 7, index))
        return self.rows(self.data.training, rng, self.stage.batch)

    def rows(self, takes: Sequence[Footage], rng: np.random.Generator, count: int) -> Batch:
        """So many rows of a batch."""
        form, frames, apart = self.form, self.stage.frames, self.config.apart
        if self.name == "stage1":
            found = islice(material.places(takes, rng, form, frames, apart=apart), count)
            return material.portraits(list(found), form, frames)
        found = islice(material.places(takes, rng, form, frames, before=form.carried), count)
        return material.clips(list(found), form, frames)

    def loss(self, model: Emo, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The error of the noise, or of what else the model is to tell."""
        return {"noise": self.error(model, batch, Lacking.drawn(self.drops))}

    def error(self, model: Emo, batch: Batch, lacking: Lacking) -> Tensor:
        """The same for a batch without some of it."""
        autoencoder = self.autoencoder.to(batch["target"].device)
        clean = encoded(autoencoder, batch["target"]).transpose(1, 2)
        counts = counting(batch, self.form, self.config)
        return error_of(model, clean, self.guide(model, batch, lacking), counts, self.config)

    def guide(self, model: Emo, batch: Batch, lacking: Lacking) -> Guide:
        """What guides the backbone in this stage."""
        given = {"start": self.start, "with_speed": self.name == "stage3"}
        return guide_of(model, self.autoencoder, batch, lacking, **given)

    def validate(self, model: Emo) -> Mapping[str, float]:
        """The error on people never seen, always with the same noise."""
        given = self.rows(self.data.held_out, np.random.default_rng(0), CHECKED)
        found = []
        with torch.random.fork_rng(devices=[]):
            for k in range(CHECKED):
                torch.manual_seed(k)
                batch = {n: t[k : k + 1].to(model.backbone.device) for n, t in given.items()}
                found.append(float(self.error(model, batch, Lacking())))
        return {"held_out_noise": float(np.mean(found))}

    def sample(self, model: Emo, batch: Batch) -> Tensor:
        """Filmed frames above drawn ones ``(2, n, 3, r, r)``: of one clip, or of some people."""
        rows = SHOWN if self.name == "stage1" else 1
        batch = {name: tensor[:rows] for name, tensor in batch.items()}
        target = batch["target"]
        autoencoder = self.autoencoder.to(target.device)
        guide = self.guide(model, batch, Lacking())
        count, frames = target.shape[:2]
        shape = (count, self.form.vae.latents, frames, self.form.side, self.form.side)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(target.device)

        def predict(noisy: Tensor, time: int, step: int) -> Tensor:
            return model.backbone(noisy, time, guide)

        for latents in denoise(predict, noise, scheduler(self.form.diffusion, STEPS)):  # noqa: B007
            pass
        drawn = vae.pictures_of(autoencoder, latents.transpose(1, 2).flatten(0, 1))
        filmed = target.flatten(0, 1).float() / 127.5 - 1
        pair = torch.stack([filmed, drawn.to(filmed)])
        return pair[:, :: max(1, pair.shape[1] // SHOWN)]
