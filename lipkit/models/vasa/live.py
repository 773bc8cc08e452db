"""Motion to a voice that is still speaking.

The same front end and the same generator as for a file; what a file tells at once, such as how loud
the voice is, is told by what has been heard so far. Windows overlap: each moves ``hop`` frames, and
hears ``ahead`` more of what comes next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lipkit.audio.mel import SPEECH64
from lipkit.models.vasa.config import ControlsConfig, SamplingConfig
from lipkit.models.vasa.expression import finished
from lipkit.models.vasa.frontend import Frontend
from lipkit.models.vasa.listen import (
    HEARD_SILENCE,
    Usual,
    heard,
    measure_rows,
    silent_frames,
)
from lipkit.models.vasa.mel import ROWS, Mel, fitted, frame_count, streamed
from lipkit.models.vasa.model import VoiceModel
from lipkit.models.vasa.pipeline import State, VoiceGenerator
from lipkit.training.voices.motion import rest

Floats = NDArray[np.float32]

RECENT = 100  # frames that are kept as they were
KNOWN = 200  # frames of the voice that are kept besides, to know it by
AROUND = 50  # frames before a frame that its accent is judged by

# The synthesizers' voices of the training, every ninth band: levels, and how they vary.
_BANDS = np.arange(64)
USUAL = Usual(
    np.interp(
        _BANDS,
        np.arange(0, 64, 9),
        (-0.69, -0.33, -1.0, -1.26, -1.26, -1.27, -1.79, -2.27),
    ).astype(np.float32),
    np.interp(
        _BANDS,
        np.arange(0, 64, 9),
        (0.39, 0.47, 0.67, 0.66, 0.56, 0.52, 0.52, 0.41),
    ).astype(np.float32),
    rows=150,
)


class Ear:
    """What is kept of a live sound: its last seconds, and what its speaker sounds like.

    Log-mel rows go in by `take`; `hear` gives the audio condition of the frames at the front.
    """

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self.recent: Mel = np.zeros((0, SPEECH64.bands), np.float16)
        self.voice: Mel = self.recent  # rows of speech that are recent no more
        self.dropped = 0  # frames before ``recent``

    @property
    def frames(self) -> int:
        """Whole frames that have arrived."""
        return self.dropped + len(self.recent) // ROWS

    def take(self, rows: Mel) -> None:
        """Some more log-mel ``(t, 64)``."""
        self.recent = np.concatenate([self.recent, rows])

    def end(self, frames: int) -> None:
        """The sound is over, and has so many frames in all."""
        self.recent = fitted(self.recent, frames - self.dropped)

    def hear(self, first: int, stop: int) -> Floats:
        """The audio condition ``(stop - first, 26)`` of frames, as if the sound ended there.

        A frame is asked for once, or again a little later; what lies long before is forgotten.
        """
        known = self.recent[: ROWS * (stop - self.dropped)]
        together = np.concatenate([self.voice, known])
        silent = silent_frames(together)[len(self.voice) // ROWS :]
        start = max(0, first - self.dropped - AROUND - self.frontend.reach)
        found = heard(
            self.frontend,
            known[ROWS * start :],
            measure_rows(together, USUAL),
            rest(silent, HEARD_SILENCE)[start:],
        )[first - self.dropped - start :]
        self._forget(silent[: max(0, min(start, len(silent) - RECENT))])
        return found

    def _forget(self, silent: NDArray[np.bool_]) -> None:
        """Drop the oldest frames ``(f,)``, but keep what is speech among them as the voice."""
        count = len(silent)
        old = self.recent[: ROWS * count].reshape(count, ROWS, SPEECH64.bands)[~silent]
        voice = np.concatenate([self.voice, old.reshape(-1, SPEECH64.bands)])
        self.voice = voice[-ROWS * KNOWN :]
        self.recent, self.dropped = self.recent[ROWS * count :], self.dropped + count


def speak_live(
    model: VoiceModel,
    sampling: SamplingConfig,
    sound: Iterable[Floats],
    seed: int = 0,
    controls: ControlsConfig | None = None,
) -> Iterator[Floats]:
    """Motion ``(f, c)`` of 16 kHz sound in chunks ``(n,)``, as soon as enough of it has come.

    A frame waits for ``sampling.live_hop + sampling.live_ahead`` frames of sound at most, and does
    not depend on how the sound was cut into chunks. At its end the rest follows.
    """
    ear, mover = Ear(model.frontend), VoiceGenerator(model, sampling, controls, seed)
    hop, reach = sampling.live_hop, sampling.live_hop + sampling.live_ahead
    samples, done = 0, 0
    state: State | None = None

    def counted() -> Iterator[Floats]:
        nonlocal samples
        for chunk in sound:
            samples += len(chunk)
            yield chunk

    def moved(frames: int, stop: int) -> Floats:
        nonlocal done, state
        audio = ear.hear(done, stop)[: mover.window]
        motion, state = mover.generate(audio, {"frames": frames}, state)
        done += frames
        return finished(motion, audio[:frames], sampling)

    for rows in streamed(counted()):
        ear.take(rows)
        while ear.frames >= done + reach:
            yield moved(hop, done + reach)
    total = frame_count(samples)
    ear.end(total)
    while done < total:
        yield moved(min(hop, total - done), min(done + reach, total))
