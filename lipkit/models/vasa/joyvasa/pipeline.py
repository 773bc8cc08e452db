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


def windows(sound: Iterable[Floats], config: ModelConfig, tail: str) -> Iterator[Window]:
    """A sound in chunks as windows of the model's length, each as soon as it is full.

    There is silence around the sound, as the model expects it; ``tail`` fills the last window.
    """
    unit = RATE // config.fps
    size = config.denoiser.window * unit
    held = np.zeros(BEFORE, np.float32)
    passed = 0  # samples in windows that have been given
    for chunk in sound:
        held = np.concatenate([held, chunk])
        while len(held) > size:  # at least one more sample follows, so this window is not the last
            yield Window(held[:size].astype(np.float32), config.denoiser.window)
            held, passed = held[size:], passed + size
    held = np.pad(held, (0, AFTER))
    fill = float(held[-1]) if tail == "replicate" else 0.0
    frames = int((passed + len(held)) / RATE * config.fps) - passed // unit
    while frames > 0:
        piece = np.pad(held[:size], (0, max(0, size - len(held))), constant_values=fill)
        yield Window(piece.astype(np.float32), min(config.denoiser.window, frames))
        held, frames = held[size:], frames - config.denoiser.window


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


def move(
    model: JoyVasa, sound: Iterable[Floats], sampling: SamplingConfig, noise: Noise
) -> Iterator[Floats]:
    """Motion ``(f, 70)`` of a sound in chunks ``(n,)`` at 16 kHz, a window at a time.

    Of a sound that is still being made, a window is moved as soon as it has come.
    """
    generator = SpeechGenerator(model, sampling, noise)
    state: State | None = None
    samples = made = 0
    late = BEFORE * model.config.fps // RATE if sampling.trim else 0

    def counted() -> Iterator[Floats]:
        nonlocal samples
        for chunk in sound:
            samples += len(chunk)
            yield chunk

    for window in windows(counted(), model.config, sampling.tail):
        motion, state = generator.generate(window.sound, {"frames": window.frames}, state)
        skipped = min(late, window.frames)
        late -= skipped
        left = length(samples, model.config, sampling) - made
        motion = motion[skipped : min(window.frames, skipped + left)]
        made += len(motion)
        if len(motion):
            yield motion


def speak(model: JoyVasa, sampling: SamplingConfig, sound: Iterable[Floats], seed: int) -> Spoken:
    """A sound's motion in the layout of the LivePortrait codec, since its first frame."""
    wave = np.concatenate([np.zeros(0, np.float32), *sound])
    frames = length(len(wave), model.config, sampling)
    chunks = speak_live(model, sampling, [wave], seed)
    return Spoken(chunks, frames, Fraction(model.config.fps), LIVEPORTRAIT_LAYOUT)


def speak_live(
    model: JoyVasa, sampling: SamplingConfig, sound: Iterable[Floats], seed: int = 0
) -> Iterator[Floats]:
    """The same motion, chunk by chunk as soon as the sound of a window has come."""
    first: Motion | None = None
    for rows in move(model, sound, sampling, Seeded(seed)):
        motion = motion_of(torch.from_numpy(rows))
        first = first or motion[:1]
        yield changes(motion, first, LIPS)


def motion_of(rows: Tensor) -> Motion:
    """The codec's motion out of rows ``(f, 70)``; whose face it is, they do not say."""
    expression = rows[:, :EXPRESSION].unflatten(1, (-1, 3))
    scale, shift, pitch, yaw, roll = rows[:, EXPRESSION:].split([1, 3, 1, 1, 1], 1)
    return Motion(torch.zeros_like(expression), expression, pitch, yaw, roll, shift, scale)
