"""JoyVASA's training: its denoiser and what hears, on what LivePortrait finds in footage."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipkit.audio.wav2vec2 import RULES
from lipkit.errors import BadInput
from lipkit.models.parts.convert import convert
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.rates import resample
from lipkit.models.vasa.codecs.liveportrait import cropping
from lipkit.models.vasa.codecs.liveportrait.codec import LivePortraitCodec
from lipkit.models.vasa.codecs.liveportrait.motion import Motion
from lipkit.models.vasa.codecs.liveportrait.portrait import driver_box
from lipkit.models.vasa.joyvasa.config import EXPRESSION, JoyVasaConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa
from lipkit.models.vasa.joyvasa.objective import WEIGHTS, Objective, truncated
from lipkit.models.vasa.joyvasa.sampling import Context
from lipkit.models.vasa.joyvasa.schedule import noised
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, Footage, footage, sound

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

UNIT = 640  # samples of a frame
DEAF = 0.1  # share of samples whose audio is taken away
CUT_SHORT = (0.3, 0.4)  # share of first and second windows that end early
SHORTEST = 3  # frames of a window: fewer have no second differences
AT_ONCE = 4  # pictures that the codec sees in one go


@dataclass(frozen=True)
class Performance:
    """What a face did ``(f, 70)``, in the codec's units, to ``wave (640 f,)``."""

    motion: Floats
    wave: Floats


def generator(model: JoyVasa, config: JoyVasaConfig, source: Data, seed: int) -> GeneratorStage:
    """The stage, with all its footage as LivePortrait's stored networks see it."""
    return of_footage(model, config, source, LivePortraitCodec())


def of_footage(
    model: JoyVasa, config: JoyVasaConfig, source: Data, codec: LivePortraitCodec
) -> GeneratorStage:
    """The stage, with all its footage as ``codec`` sees it; BadInput if all of it is too short."""
    data, least = footage(source, "joyvasa"), 2 * config.model.denoiser.window
    parts = []
    for takes in (data.training, data.held_out):
        known = [performed(take, codec, config.model.fps) for take in takes]
        parts.append([one for one in known if len(one.motion) >= least])
        if len(parts[-1]) < len(known):
            log.warning("%d clips are shorter than %d frames", len(known) - len(parts[-1]), least)
    if not all(parts):
        raise BadInput(f"{source.name}: clips of {least} frames and more are needed")
    return GeneratorStage(config.train.generator, *parts)


def performed(take: Footage, codec: LivePortraitCodec, fps: int) -> Performance:
    """A take's motion by the codec, from a crop that stays, and its sound."""
    height, width = take.pictures(0, 1).shape[1:3]
    box = np.array([0, 0, width, height], np.float64)
    if take.scheme == "mediapipe478":
        seen = np.asarray(take.points)[np.asarray(take.valid)]
        box = np.mean([driver_box(points) for points in seen], 0)
    matrix = cropping.box_matrix(box, codec.network.config.size)
    firsts = range(0, len(take), AT_ONCE)
    pictures = (take.pictures(k, min(k + AT_ONCE, len(take))) for k in firsts)
    rows = np.concatenate([rows_of(codec.moved(frames, matrix)) for frames in pictures])
    count = max(1, round(len(rows) * fps / take.fps))
    if take.fps != fps:
        rows = np.concatenate(list(resample([rows], Fraction(fps), count, take.fps)))
    wave = sound(take, 0, len(take))[: UNIT * count]
    return Performance(rows, np.pad(wave, (0, UNIT * count - len(wave))))


def rows_of(motion: Motion) -> Floats:
    """Motion as the generator's rows ``(f, 70)``; whose face it is, is left out."""
    parts = (motion.scale, motion.shift, motion.pitch, motion.yaw, motion.roll)
    rows = torch.cat([motion.expression.flatten(1), *parts], 1)
    return rows.float().cpu().numpy()


def scale_of(motion: Floats) -> tuple[Tensor, Tensor]:
    """Offset and scale ``(70,)`` of rows ``(f, 70)``: deviations of the face, spans of the head."""
    face, head = motion[:, :EXPRESSION], motion[:, EXPRESSION:]
    offset = np.concatenate([face.mean(0), head.min(0)])
    scale = np.concatenate([face.std(0), head.max(0) - head.min(0)])
    return torch.from_numpy(offset), torch.from_numpy(scale).clamp_min(1e-6)


def begin(model: JoyVasa, file: str) -> None:
    """Give a fresh model the ears of a HuBERT or wav2vec 2.0 of its size."""
    checkpoint = read_checkpoint(Path(file))
    found = convert(checkpoint.tensors, RULES, model.hearing.state_dict(), file)
    model.hearing.load_state_dict(found)


class GeneratorStage:
    """Trains to undo noise in two windows in a row, the second after the true first one."""

    name = "generator"

    def __init__(
        self,
        config: StageConfig,
        training: Sequence[Performance],
        held_out: Sequence[Performance],
    ) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.scale = scale_of(np.concatenate([one.motion for one in training]))
        self.window = 0

    def parameters(self, model: JoyVasa) -> list[nn.Parameter]:
        """All but the convolutions that hear first; the scale of motion is set here too."""
        model.motion_offset.copy_(self.scale[0])
        model.motion_scale.copy_(self.scale[1])
        self.window = model.config.denoiser.window
        first = {id(parameter) for parameter in model.hearing.feature_extractor.parameters()}
        return [parameter for parameter in model.parameters() if id(parameter) not in first]

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Two windows each: ``motion (b, 2 w, 70)`` and ``wave (b, 1280 w)``."""
        rng = np.random.default_rng((seed, 4, index))
        return self.cut(self.training, rng, self.config.batch)

    def cut(
        self, takes: Sequence[Performance], rng: np.random.Generator, count: int
    ) -> Mapping[str, Tensor]:
        """So many random stretches of takes."""
        motion, waves, size = [], [], 2 * self.window
        for one in (takes[k] for k in rng.integers(len(takes), size=count)):
            first = int(rng.integers(len(one.motion) - size + 1))
            motion.append(one.motion[first : first + size])
            waves.append(one.wave[UNIT * first : UNIT * (first + size)])
        return {
            "motion": torch.from_numpy(np.stack(motion)),
            "wave": torch.from_numpy(np.stack(waves)),
        }

    def loss(self, model: JoyVasa, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        """JoyVASA's terms, weighted, the mean over both windows."""
        size = self.window
        motion = self.channels(model, model.normalised(batch["motion"]))
        waves = batch["wave"].split(UNIT * size, 1)
        context = Context.start(model, len(motion))
        totals: dict[str, Tensor] = {}
        for number, (own, wave) in enumerate(zip(motion.split(size, 1), waves, strict=True)):
            heard, terms = self.undone(model, own, wave, context, number)
            for name, term in terms.items():
                totals[name] = totals.get(name, 0) + WEIGHTS[name] * term / 2
            context = context.following(own, heard)
        return totals

    def undone(
        self, model: JoyVasa, motion: Tensor, wave: Tensor, context: Context, number: int
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """What a window ``(b, w, c)`` is heard as, and the terms of undoing noise in it."""
        batch, window, device = len(motion), self.window, motion.device
        short = torch.rand(batch, device=device) < CUT_SHORT[number]
        ends = torch.randint(SHORTEST, window + 1, (batch,), device=device)
        ends = torch.where(short, ends, torch.full_like(ends, window))
        heard = model.hear(truncated(wave, ends, UNIT))
        known = torch.rand(batch, 1, 1, device=device) >= DEAF
        audio = torch.where(known, heard, model.null_audio.expand_as(heard))
        target, noise = truncated(motion, ends), torch.randn_like(motion)
        steps = torch.randint(1, model.config.diffusion_steps + 1, (batch,), device=device)
        indicator = (torch.arange(window, device=device) < ends[:, None]).to(motion)
        made = model.denoiser(
            noised(target, noise, model.schedule, steps),
            audio, context.motion, context.audio, steps, indicator,
        )  # fmt: skip
        before = context.motion if number else None
        judge = Objective(target=model.config.target)
        return heard, judge.terms(made, target, noise, before, ends)

    @staticmethod
    def channels(model: JoyVasa, motion: Tensor) -> Tensor:
        """Motion ``(b, f, 70)`` with channels that nothing reads, where the model has some."""
        return nn.functional.pad(motion, (0, model.config.denoiser.channels - motion.shape[2]))

    @torch.no_grad()
    def validate(self, model: JoyVasa) -> Mapping[str, float]:
        """The terms' sum on footage that was kept apart."""
        found = self.cut(self.held_out, np.random.default_rng(0), self.config.batch)
        given = {name: value.to(model.start_motion) for name, value in found.items()}
        return {"loss": float(sum(self.loss(model, given, 0).values()))}
