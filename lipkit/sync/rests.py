"""Lips at rest: in long silences a voice's features fade to what its encoder makes of silence.

A model of crops moves lips to whatever it hears, breath and background included. Features that
stand still let them rest, whatever the model; speech and short pauses stay as they were heard.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import AudioEncoder, Features, Floats

    Array = NDArray[Any]

LONG = 0.5  # seconds of silence from which on lips rest
SETTLING = 0.2  # seconds in which they come to rest, beginning with the silence
WAKING = 0.15  # and in which they get ready before it ends
DEEP = 0.3  # seconds from speech at which silence is all that is heard
ENOUGH = 5  # steps of deep silence that tell what it is like
REPEATED = 0.2  # seconds after the voice in which its end goes on, as models were used
RATE = 16000


def rested(voice: Features, encoder: AudioEncoder, *, ends: bool) -> Features:
    """The voice with lips at rest in its long silences, and after it where it ``ends``.

    A voice that does not know its silences, such as one of few numbers, stays as it is. Without
    ``ends``, what is heard after the voice is not its last step.
    """
    if voice.silence is None or not len(voice.data):
        return voice
    share = resting(voice.silence, voice.rate)
    silence, data = voice.silence, voice.data
    if ends and share[-1] < 1:
        held, fade = (max(1, round(seconds * voice.rate)) for seconds in (REPEATED, SETTLING))
        share = np.concatenate([share, np.full(held, share[-1]), np.linspace(share[-1], 1, fade)])
        more = len(share) - len(data)
        data = np.concatenate([data, np.repeat(data[-1:], more, 0)])
        silence = np.concatenate([silence, np.ones(more, np.bool_)])
    if not share.any():
        return voice
    still = stillness(voice, encoder)
    data = data + share.astype(np.float32)[:, None, None] * (still - data)
    return replace(voice, data=data, silence=silence)


def resting(silent: Array, rate: Fraction) -> Array:
    """How far lips rest at each step ``(t,)``, from 0 to 1, between long silences and speech.

    At the ends of the sound there is nothing to settle from or to get ready for.
    """
    share = np.zeros(len(silent))
    runs, count = ndimage.label(silent)
    for (run,) in ndimage.find_objects(runs, count):
        first, end = run.start, run.stop
        if end - first <= LONG * rate:
            continue
        steps = np.arange(first, end)
        since = (steps - first + 1) / float(SETTLING * rate) if first else np.ones(len(steps))
        until = (end - steps) / float(WAKING * rate) if end < len(silent) else np.ones(len(steps))
        share[run] = np.clip(np.minimum(since, until), 0, 1)
    return share


def stillness(voice: Features, encoder: AudioEncoder) -> Floats:
    """Features ``(l, d)`` of silence: the recording's own mean, else of no sound at all."""
    assert voice.silence is not None
    deep = ndimage.distance_transform_edt(np.pad(voice.silence, 1))[1:-1] > DEEP * voice.rate
    if deep.sum() >= ENOUGH:
        own: Floats = voice.data[deep].mean(0)
        return own
    quiet = encoder.encode(np.zeros(2 * RATE, np.float32)).data
    none: Floats = quiet[len(quiet) // 4 : len(quiet) - len(quiet) // 4].mean(0)
    return none
