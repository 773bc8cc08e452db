"""From sound to motion, window by window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.vasa.codecs.liveportrait.driving import LIPS
from lipkit.models.vasa.codecs.liveportrait.layout import LIVEPORTRAIT_LAYOUT, changes
from lipkit.models.vasa.codecs.liveportrait.motion import Motion
from lipkit.models.vasa.joyvasa.config import EXPRESSION, ModelConfig, SamplingConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa
from lipkit.models.vasa.joyvasa.sampling import Context, Guided, drawn
from lipkit.protocols import Spoken

Floats = NDArray[np.float32]

RATE = 16000
BEFORE, AFTER = 1280, 640  # samples of silence around a sound


@dataclass(frozen=True)
class Window:
    """``sound (n,)`` of one window, of which the first ``frames`` are more than padding."""

    sound: Floats
    frames: int


@dataclass(frozen=True)
class State:
    """What a window hands to the next: context, the number of the next window, and the last pose.

    ``pose (7,)`` is the last frame's scale, shift and angles, made steady.
    """

    context: Context
    window: int = 0
    pose: Tensor | None = None


class Noise(Protocol):
    """Where random numbers come from."""

    def start(self, shape: tuple[int, ...]) -> Tensor:
        """The noise that every window begins from."""
        ...

    def step(self, shape: tuple[int, ...], window: int, step: int) -> Tensor:
        """The noise of one step of one window, steps counted down to 2."""
        ...


class Seeded:
    """Noise by seed, window and step alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def start(self, shape: tuple[int, ...]) -> Tensor:
        """See `Noise`."""
        return self.step(shape, 0, 0)

    def step(self, shape: tuple[int, ...], window: int, step: int) -> Tensor:
        """See `Noise`."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + window) * 10_007 + step)
        return torch.randn(shape, generator=generator)


class SpeechGenerator:
    """A `MotionGenerator`: windows of sound in, motion of LivePortrait's keypoints out."""

    def __init__(self, model: JoyVasa, sampling: SamplingConfig, noise: Noise) -> None:
        self.model, self.sampling, self.noise = model.eval(), sampling, noise

    @torch.inference_mode()
    def generate(
        self, audio: Floats, conditions: Mapping[str, Any], state: State | None
    ) -> tuple[Floats, State]:
        """Motion ``(w, 70)`` of the window with sound ``(n,)``; the first call gets no state.

        ``conditions`` may hold ``frames``, how many of the window's are more than padding.
        """
        sound = torch.from_numpy(audio)[None].to(self.model.start_motion)
        heard = self.model.hear(sound)
        state = state or State(Context.start(self.model))
        motion = self.window(heard, state, conditions.get("frames", heard.shape[1]))
        own = self.model.absolute(motion)[0]
        own = steadied(own, self.sampling.head_steadiness, state.pose)
        following = replace(
            state,
            context=state.context.following(motion, heard),
            window=state.window + 1,
            pose=own[-1, EXPRESSION:],
        )
        return own.float().cpu().numpy(), following

    def window(self, heard: Tensor, state: State, frames: int) -> Tensor:
        """Normalised motion ``(1, w, c)`` of one window to ``heard (1, w, d)``."""
        count = heard.shape[1]
        shape = (1, count, self.model.config.denoiser.channels)
        indicator = (torch.arange(count, device=heard.device) < frames).to(heard)[None]
        predict = Guided(
            self.model,
            heard,
            state.context,
            indicator,
            self.sampling.guidance,
            self.sampling.threshold,
        )

        def noise(like: Tensor, step: int) -> Tensor:
            return self.noise.step(shape, state.window, step).to(like)

        *_, motion = drawn(predict, self.noise.start(shape).to(heard), noise, self.sampling)
        return motion


def windows(sound: Floats, config: ModelConfig, tail: str) -> Iterator[Window]:
    """A sound in windows of the model's length, with the silence that the model expects around."""
    padded = np.pad(sound, (BEFORE, AFTER))
    unit = RATE // config.fps
    length = config.denoiser.window
    size = length * unit
    count = math.ceil(int(len(padded) / RATE * config.fps) / length)
    missing = count * size - len(padded)
    fill = float(padded[-1]) if tail == "replicate" else 0.0
    whole = np.pad(padded, (0, max(0, missing)), constant_values=fill)
    frames = count * length - max(0, math.ceil(missing / unit))
    for number in range(count):
        piece = whole[number * size : (number + 1) * size].astype(np.float32)
        yield Window(piece, min(length, frames - number * length))


def steadied(motion: Tensor, steadiness: float, before: Tensor | None = None) -> Tensor:
    """Motion ``(f, 70)`` whose pose, scale and shift follow slowly, from ``before (7,)`` on.

    The released code keeps 0.99 of the frame before, so that heads hardly move.
    """
    if not steadiness:
        return motion
    pose = motion[:, EXPRESSION:]
    rows, last = [], pose[0] if before is None else before
    for row in pose:
        last = (1 - steadiness) * row + steadiness * last
        rows.append(last)
    return torch.cat([motion[:, :EXPRESSION], torch.stack(rows)], 1)


def length(samples: int, config: ModelConfig, sampling: SamplingConfig) -> int:
    """Frames of motion that a sound makes."""
    if sampling.trim:
        return math.ceil(samples * config.fps / RATE)
    return int((samples + BEFORE + AFTER) / RATE * config.fps)


def move(model: JoyVasa, sound: Floats, sampling: SamplingConfig, noise: Noise) -> Iterator[Floats]:
    """Motion ``(f, 70)`` of a whole sound ``(n,)`` at 16 kHz, a window at a time."""
    generator = SpeechGenerator(model, sampling, noise)
    state: State | None = None
    left = length(len(sound), model.config, sampling)
    late = BEFORE * model.config.fps // RATE if sampling.trim else 0
    for window in windows(sound, model.config, sampling.tail):
        motion, state = generator.generate(window.sound, {"frames": window.frames}, state)
        skipped = min(late, window.frames)
        late -= skipped
        motion = motion[skipped : min(window.frames, skipped + left)]
        left -= len(motion)
        if len(motion):
            yield motion


def speak(model: JoyVasa, sampling: SamplingConfig, sound: Iterable[Floats], seed: int) -> Spoken:
    """A sound's motion in the layout of the LivePortrait codec, since its first frame."""
    wave = np.concatenate([np.zeros(0, np.float32), *sound])

    def chunks() -> Iterator[Floats]:
        first: Motion | None = None
        for rows in move(model, wave, sampling, Seeded(seed)):
            motion = motion_of(torch.from_numpy(rows))
            first = first or motion[:1]
            yield changes(motion, first, LIPS)

    frames = length(len(wave), model.config, sampling)
    return Spoken(chunks(), frames, Fraction(model.config.fps), LIVEPORTRAIT_LAYOUT)


def motion_of(rows: Tensor) -> Motion:
    """The codec's motion out of rows ``(f, 70)``; whose face it is, they do not say."""
    expression = rows[:, :EXPRESSION].unflatten(1, (-1, 3))
    scale, shift, pitch, yaw, roll = rows[:, EXPRESSION:].split([1, 3, 1, 1, 1], 1)
    return Motion(torch.zeros_like(expression), expression, pitch, yaw, roll, shift, scale)
