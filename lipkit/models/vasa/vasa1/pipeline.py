"""From sound to motion of the MegaPortraits codec, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.parts.sampling import ddim
from lipkit.models.vasa.codecs.megaportraits.layout import layout_of
from lipkit.models.vasa.generator import Conditions
from lipkit.models.vasa.vasa1.config import ControlsConfig, SamplingConfig
from lipkit.models.vasa.vasa1.hearing import hear, recall
from lipkit.models.vasa.vasa1.model import Vasa1
from lipkit.protocols import Features, Spoken

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class State:
    """What a window hands to the next: its last frames ``(k, c)``, ``(k, a)``, and the count."""

    motion: Tensor
    audio: Tensor
    frame: int


class DynamicsGenerator:
    """The family's ``MotionGenerator``: rows of what is heard in, rows of motion out."""

    def __init__(
        self,
        model: Vasa1,
        sampling: SamplingConfig,
        controls: ControlsConfig | None = None,
        seed: int = 0,
    ) -> None:
        self.model, self.sampling, self.seed = model.eval(), sampling, seed
        self.controls = controls or ControlsConfig()
        self.layout = layout_of(model.config.codec.expression_width)
        self.window, self.context = model.config.generator.window, model.config.generator.context

    @torch.inference_mode()
    def generate(
        self, audio: Floats, conditions: Mapping[str, Any], state: State | None
    ) -> tuple[Floats, State]:
        """Motion ``(f, c)`` of the next ``f <= window`` frames of what is heard ``(f, a)``.

        ``conditions`` may hold ``gaze``, ``distance`` and ``emotion`` as `ControlsConfig` has them,
        which is asked for what is missing, and ``frames``, how many frames are wanted if not all.
        The first call gets the state None.
        """
        model, frame = self.model, state.frame if state else 0
        heard = torch.from_numpy(audio).to(model.motion_mean) - model.audio_mean
        heard = heard / model.audio_deviation
        wanted = int(conditions.get("frames", len(heard)))
        asked = self.conditions(heard, conditions, state)

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            return self.denoised(x, t, asked)

        noise = self.noise(frame)[None]
        motion = ddim(denoise, noise, model.alpha_bar, self.sampling.steps)[0, :wanted]
        before = (state.motion, state.audio) if state else (motion[:0], heard[:0])
        last = (
            torch.cat(pair)[-self.context :]
            for pair in zip(before, (motion, heard[:wanted]), strict=True)
        )
        absolute = model.absolute(motion).float().cpu().numpy()
        return absolute, State(*last, frame + wanted)

    def conditions(
        self, heard: Tensor, given: Mapping[str, Any], state: State | None
    ) -> Conditions:
        """The conditions of one window, as a batch of one; short sound is filled with its end."""
        c = self.controls
        short = self.window - len(heard)
        padded = torch.cat([heard, heard[-1:].expand(short, -1)]) if short else heard
        feeling = given.get("emotion", c.feeling)
        whole = state is not None and len(state.motion) == self.context

        def row(numbers: Any, scale: float) -> Tensor:
            return scale * torch.tensor([list(numbers)], dtype=torch.float32).to(heard)

        return Conditions(
            audio=padded[None],
            motion=state.motion[None] if state and whole else None,
            motion_audio=state.audio[None] if state and whole else None,
            gaze=row(given.get("gaze", c.gaze), 0.1),
            distance=row([given.get("distance", c.distance)], 10),
            emotion=row(feeling, 1) if len(feeling) else None,
        )

    def denoised(self, x: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """The guided estimate of clean motion: a pass for each condition with a weight."""
        s = self.sampling
        weights = {
            "audio": s.guidance,
            "gaze": s.gaze_guidance,
            "distance": s.distance_guidance,
            "emotion": s.emotion_guidance if self.model.config.generator.emotion else 0.0,
        }
        return self.model.generator.guided(x, t, conditions, weights)

    def noise(self, frame: int) -> Tensor:
        """Starting noise ``(w, c)`` of the window at ``frame``, by seed and absolute frame."""
        channels = self.model.config.generator.channels
        rows = [
            np.random.default_rng((self.seed, 11, row)).standard_normal(channels)
            for row in range(frame, frame + self.window)
        ]
        white = torch.from_numpy(np.stack(rows)).to(self.model.motion_mean)
        return self.sampling.temperature * white


def move(
    model: Vasa1,
    heard: Floats,
    sampling: SamplingConfig,
    controls: ControlsConfig | None = None,
    *,
    seed: int = 0,
) -> Iterator[Floats]:
    """Motion ``(f, c)`` to rows ``(n, a)`` of what is heard, a window at a time."""
    generator, state = DynamicsGenerator(model, sampling, controls, seed), None
    for first in range(0, len(heard), generator.window):
        motion, state = generator.generate(heard[first : first + generator.window], {}, state)
        yield motion


def speak(
    model: Vasa1,
    sampling: SamplingConfig,
    sound: Iterable[Floats],
    seed: int,
    controls: ControlsConfig | None = None,
) -> Spoken:
    """The motion of a sound in chunks ``(n,)`` at 16 kHz."""
    chunks = list(sound)
    wave = np.concatenate(chunks) if chunks else np.zeros(1, np.float32)
    return spoken(model, hear(wave, model.config), sampling, seed, controls)


def read_aloud(
    model: Vasa1,
    sampling: SamplingConfig,
    features: Features,
    name: str,
    seed: int,
    controls: ControlsConfig | None = None,
) -> Spoken:
    """The motion of features of the model's own encoder, which lie in the file ``name``."""
    return spoken(model, recall(features, model.config, name), sampling, seed, controls)


def spoken(
    model: Vasa1,
    heard: Floats,
    sampling: SamplingConfig,
    seed: int,
    controls: ControlsConfig | None,
) -> Spoken:
    """Motion to rows ``(n, a)`` of what is heard, with what is known of it."""
    chunks = move(model, heard, sampling, controls, seed=seed)
    layout = layout_of(model.config.codec.expression_width)
    return Spoken(chunks, len(heard), Fraction(model.config.fps), layout)
