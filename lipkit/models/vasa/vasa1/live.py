"""Motion to a voice that is still speaking, in overlapping windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lipkit.models.vasa.vasa1.config import ControlsConfig, SamplingConfig
from lipkit.models.vasa.vasa1.hearing import RATE, frames_of, hear
from lipkit.models.vasa.vasa1.model import Vasa1
from lipkit.models.vasa.vasa1.pipeline import DynamicsGenerator, State

Floats = NDArray[np.float32]

KEPT = 200  # frames of sound before the newest that encoders hear along


def speak_live(
    model: Vasa1,
    sampling: SamplingConfig,
    sound: Iterable[Floats],
    seed: int = 0,
    controls: ControlsConfig | None = None,
) -> Iterator[Floats]:
    """Motion ``(f, c)`` of a sound that comes in chunks ``(n,)``, as soon as it can be told.

    Each window moves ``live_hop`` frames and hears ``live_ahead`` beyond them; the last one moves
    what is left.
    """
    player, state = DynamicsGenerator(model, sampling, controls, seed), None
    hop = min(sampling.live_hop, player.window)
    ahead = min(sampling.live_ahead, player.window - hop)
    unit = RATE // model.config.fps
    wave, dropped, moved = np.zeros(0, np.float32), 0, 0  # what is kept; frames before it; made
    for chunk in sound:
        wave = np.concatenate([wave, np.asarray(chunk, np.float32)])
        while dropped + len(wave) // unit >= moved + hop + ahead:
            motion, state = step(player, wave, moved - dropped, hop, ahead, state)
            yield motion
            moved += hop
            past = max(0, moved - dropped - KEPT)
            wave, dropped = wave[past * unit :], dropped + past
    total = dropped + frames_of(len(wave), model.config.fps)
    while moved < total:
        count = min(hop, total - moved)
        motion, state = step(player, wave, moved - dropped, count, ahead, state)
        yield motion
        moved += count


def step(
    player: DynamicsGenerator,
    wave: Floats,
    first: int,
    count: int,
    ahead: int,
    state: State | None,
) -> tuple[Floats, State]:
    """Motion of ``count`` frames from frame ``first`` of a sound on, and the state after it."""
    unit = RATE // player.model.config.fps
    heard = hear(wave[: (first + count + ahead) * unit], player.model.config)
    return player.generate(heard[first:], {"frames": count}, state)
