"""From sound to motion: hear everything once, then move window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.artifacts.features import require_encoder
from lipkit.audio.mel import SPEECH64
from lipkit.models.parts.sampling import ddim
from lipkit.models.vasa.config import ControlsConfig, SamplingConfig
from lipkit.models.vasa.expression import MOUTH, SLOW, finished
from lipkit.models.vasa.generator import Conditions
from lipkit.models.vasa.listen import listen
from lipkit.models.vasa.mel import ROWS, fitted, log_mel
from lipkit.models.vasa.model import VoiceModel
from lipkit.models.vasa.noise import coloured, white
from lipkit.protocols import Features, Layout
from lipkit.training.voices.motion import CHANNELS

Floats = NDArray[np.float32]

JOINT = 12  # frames over which the joint of two windows fades
MOMENTUM = 0.8  # share of the speed that goes on from one to the other

ENCODER = "mel-64"  # the features that this model hears


@dataclass(frozen=True)
class State:
    """What a window hands to the next: its last frames ``(k, c)``, ``(k, a)``, and the count."""

    motion: Tensor
    audio: Tensor
    frame: int


class VoiceGenerator:
    """The family's ``MotionGenerator``: windows of audio features in, windows of motion out."""

    layout = Layout("mesh", CHANNELS)

    def __init__(
        self,
        model: VoiceModel,
        sampling: SamplingConfig,
        controls: ControlsConfig | None = None,
        seed: int = 0,
    ) -> None:
        self.model, self.sampling, self.seed = model.eval(), sampling, seed
        self.controls = controls or ControlsConfig()
        self.window = model.config.generator.window
        self.context = model.config.generator.context

    @torch.inference_mode()
    def generate(
        self, audio: Floats, conditions: Mapping[str, Any], state: State | None
    ) -> tuple[Floats, State]:
        """Motion ``(f, c)`` of the next ``f <= window`` frames of audio features ``(f, a)``.

        ``conditions`` may hold ``gaze`` and ``distance`` as `ControlsConfig` has them, which is
        asked for what is missing. ``frames`` is how many frames are wanted, if not all:
        the sound beyond them is what comes next, and is heard in advance. The first call gets the
        state None. A window depends on the seed, its own frames and the state, not on how the
        sound arrived.
        """
        frame = state.frame if state else 0
        heard = torch.from_numpy(audio).to(self.model.motion_mean)
        short = self.window - len(heard)
        padded = torch.cat([heard, heard[-1:].expand(short, -1)]) if short else heard
        asked = self.conditions(padded, conditions, state)
        noise = self.noise(frame)[None]

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            return self.denoised(x, t, asked)

        found = ddim(denoise, noise, self.model.alpha_bar, self.sampling.steps)[0]
        wanted = conditions.get("frames", len(heard))
        steady = steadied(found[: len(heard)])[:wanted]
        motion = joined(steady, state.motion if state else None)
        following = State(
            self._last(motion, state.motion if state else None),
            self._last(heard[:wanted], state.audio if state else None),
            frame + wanted,
        )
        return self.model.absolute(motion).float().cpu().numpy(), following

    def conditions(
        self, audio: Tensor, given: Mapping[str, Any], state: State | None
    ) -> Conditions:
        """The conditions of one window, as a batch of one."""
        gaze = torch.tensor([given.get("gaze", self.controls.gaze)]).to(audio) / 10
        distance = torch.tensor([[given.get("distance", self.controls.distance)]]).to(audio) * 10
        whole = state is not None and len(state.motion) == self.context
        return Conditions(
            audio=audio[None],
            motion=state.motion[None] if state and whole else None,
            motion_audio=state.audio[None] if state and whole else None,
            gaze=gaze,
            distance=distance,
        )

    def denoised(self, x: Tensor, t: Tensor, conditions: Conditions) -> Tensor:
        """The guided estimate of clean motion."""
        weights = {
            "audio": self.sampling.guidance,
            "gaze": self.sampling.gaze_guidance,
            "distance": self.sampling.distance_guidance,
        }
        return self.model.generator.guided(x, t, conditions, weights)

    def noise(self, frame: int) -> Tensor:
        """Starting noise ``(w, c)`` of the window at ``frame``, by seed and absolute frame alone.

        The mouth gets a share of it only: a mouth that is drawn from all that might have been said
        follows the sound half as well.
        """
        rows = white(self.seed, frame, self.window).to(self.model.motion_mean)
        noise = coloured(rows[None], self.model.colours)[0]
        noise[:, MOUTH] *= self.sampling.mouth_temperature
        noise[:, MOUTH.stop :] *= self.sampling.head_temperature
        return noise

    def _last(self, new: Tensor, old: Tensor | None) -> Tensor:
        rows = new if old is None else torch.cat([old, new])
        return rows[-self.context :]


def steadied(motion: Tensor) -> Tensor:
    """Motion ``(f, c)`` whose brows and head are smoothed over five frames: few steps tremble."""
    views = torch.cat([motion[:1], motion[:1], motion, motion[-1:], motion[-1:]]).unfold(0, 5, 1)
    steady = motion.clone()
    steady[:, SLOW] = views[:, SLOW] @ torch.tensor([1, 4, 6, 4, 1]).to(motion) / 16
    return steady


def joined(motion: Tensor, before: Tensor | None) -> Tensor:
    """A window ``(f, c)`` whose brows and head set out from where ``before (k, c)`` was going.

    The transformer knows the window before, and yet starts a little beside it; the difference dies
    away within half a second.
    """
    if before is None or len(before) < 2:
        return motion
    expected = before[-1] + MOMENTUM * (before[-1] - before[-2])
    fade = torch.cos(torch.arange(len(motion)).to(motion) / JOINT * torch.pi / 2).square()
    fade[JOINT:] = 0
    shifted = motion.clone()
    shifted[:, SLOW] += fade[:, None] * (expected - motion[0])[SLOW]
    return shifted


def hear(model: VoiceModel, chunks: Iterable[Floats]) -> Floats:
    """Audio features ``(f, a)`` of 16 kHz sound in chunks ``(n,)``: ``round(25 * seconds)`` frames.

    At least one. The sound is heard to its end, since its loud level and its colour are those of
    the whole; only its log-mel is kept.
    """
    return listen(model.frontend, log_mel(chunks))


def recall(model: VoiceModel, features: Features, name: str) -> Floats:
    """What `hear` gives, from features of the encoder ``mel-64`` that lie in the file ``name``."""
    require_encoder(features, ENCODER, 1, SPEECH64.bands, name)
    rows = features.data[:, 0]
    return listen(model.frontend, fitted(rows, max(1, round(len(rows) / ROWS))))


def move(
    model: VoiceModel,
    audio: Floats,
    sampling: SamplingConfig,
    *,
    controls: ControlsConfig | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Floats]:
    """Motion ``(f, c)`` to audio features ``(n, a)``, a window at a time.

    With the ``state`` that a window left behind it goes on after that window.
    """
    generator = VoiceGenerator(model, sampling, controls, seed)
    for first in range(state.frame if state else 0, len(audio), generator.window):
        heard = audio[first : first + generator.window]
        motion, state = generator.generate(heard, {}, state)
        yield finished(motion, heard, sampling)
