"""The builtin model as an editor of videos: it moves the mouth of each real frame, in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.artifacts.motion import Motion
from lipkit.errors import BadInput
from lipkit.faces import mesh
from lipkit.models.parts.rates import resample
from lipkit.models.vasa import pipeline
from lipkit.models.vasa.config import SamplingConfig
from lipkit.models.vasa.editing.clip import Study, study_clip
from lipkit.models.vasa.editing.lips import Lips
from lipkit.models.vasa.editing.looking import Read
from lipkit.models.vasa.editing.lower import cut_out, put_back
from lipkit.models.vasa.editing.redraw import Wanted, redraw
from lipkit.models.vasa.editing.skull import pose_at
from lipkit.models.vasa.editing.speech import RATE, Voice, speaking, spoken, voice_of
from lipkit.models.vasa.listen import REST
from lipkit.models.vasa.model import VoiceModel
from lipkit.protocols import FaceTrack, Features

Array = NDArray[Any]


class MouthEditor:
    """Gives a filmed speaker other lips: the frame's own pixels, warped about the mouth.

    Every frame is edited by itself from its track, the voice and the study of the whole clip, so
    results depend on nothing that was edited before. ``threads`` edits that many frames at once.
    """

    name = "builtin"
    scheme = "mediapipe478"

    def __init__(
        self, model: VoiceModel, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        self.model, self.sampling, self.seed, self.threads = model, sampling, seed, threads

    def hear(self, chunks: Iterable[Array]) -> Voice:
        """The mouth motion to 16 kHz mono sound in chunks ``(n,)``."""
        return self._mouthed(pipeline.hear(self.model, chunks))

    def recall(self, features: Features, name: str) -> Voice:
        """The same of features in the file ``name``; BadInput unless this model hears by them."""
        return self._mouthed(pipeline.recall(self.model, features, name))

    def follow(self, motion: Motion, name: str) -> Voice:
        """The mouth of ``motion`` in the file ``name``; BadInput for another codec's."""
        layout = pipeline.VoiceGenerator.layout
        if motion.layout != layout:
            raise BadInput(
                f"{name}: motion for the codec {motion.layout.codec}, but {self.name} moves lips "
                f"as {layout.codec} does",
                hint="give the recording",
            )
        count = max(1, round(len(motion.data) * RATE / motion.fps))
        rows = motion.data
        if motion.fps != RATE:
            rows = np.concatenate(list(resample(iter([rows]), Fraction(RATE), count, motion.fps)))
        return voice_of(rows, speaking(rows, layout), layout)

    def _mouthed(self, heard: Array) -> Voice:
        """The mouth motion to audio features ``(f, a)``."""
        moved = pipeline.move(self.model, heard, self.sampling, seed=self.seed)
        layout = pipeline.VoiceGenerator.layout
        return voice_of(np.concatenate(list(moved)), heard[:, REST] < 0.5, layout)

    def study(self, track: FaceTrack, read: Read) -> Study | None:
        """What the clip teaches: the speaker's range, his open mouth, where not to edit."""
        return study_clip(track, read)

    def targets(
        self,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Voice,
        study: Study,
    ) -> Array:
        """Mouths ``(n, 3)`` asked for of source frames ``rows``: aperture, change of width, press.

        Faded frames are asked for what lies between their own mouth and the voice's.
        """
        wanted = spoken(voice.at(times, track.fps), voice.spread, study.own)
        weight = study.weight[list(rows)]
        own = np.zeros((len(rows), 2))
        known = np.asarray(track.valid)[list(rows)]
        seen = track.points[list(rows)][known].astype(np.float64)
        own[known] = np.stack([np.clip(mesh.aperture(seen), 0, None), mesh.width(seen)], 1)
        wanted[:, 0] = own[:, 0] + weight * (wanted[:, 0] - own[:, 0])
        wanted[:, 1] = weight * (wanted[:, 1] + study.width[list(rows)] - own[:, 1])
        wanted[:, 2] *= weight
        return wanted

    def edit(
        self,
        frames: Array,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Voice,
        study: Study | None,
    ) -> Array:
        """``frames (f, h, w, 3|4)`` with the voice's mouth; see ``protocols.Editor``."""
        out = frames.copy()
        if study is None:
            return out
        wanted = self.targets(rows, times, track, voice, study)
        todo = [i for i, row in enumerate(rows) if track.valid[row] and study.weight[row] > 0]

        def draw(i: int) -> None:
            edit_frame(out[i], track.points[rows[i]], rows[i], Wanted(*wanted[i]), study)

        if self.threads <= 1:
            for i in todo:
                draw(i)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(draw, todo))
        return out


def edit_frame(frame: Array, points: Array, row: int, wanted: Wanted, study: Study) -> None:
    """Draw the ``wanted`` mouth into ``frame (h, w, 3|4)``, whose face has ``points (478, 3)``."""
    lower = cut_out(frame, points, pose_at(study.poses, row))
    if lower is None:
        return
    lips = Lips(lower.points, lower.pose)
    drawn = redraw(lower.image, lips, wanted, study.articulation, (study.donor, study.patch))
    if drawn is not lower.image:
        put_back(frame, lower.box, drawn)
