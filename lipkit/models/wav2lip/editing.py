"""Wav2Lip as an editor of videos: boxes of faces in, and only the lower face goes back."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import boxes
from lipkit.models.wav2lip.config import SamplingConfig
from lipkit.models.wav2lip.generator import SIDE
from lipkit.models.wav2lip.model import Wav2Lip
from lipkit.models.wav2lip.pipeline import COLUMNS, Wav2LipSyncer
from lipkit.protocols import FaceTrack, Features
from lipkit.sync.crops import CropEditor, Cropping, Study
from lipkit.sync.hearing import encoder_of, windows_of

Array = NDArray[Any]

FPS = 25
SILENCE = -4.0  # of the mel: what lies beyond the ends of the sound
REGION = {"grow": 0.1, "feather": 0.12}  # boxes end just below the chin, which moves with lips


class Wav2LipEditor(CropEditor):
    """An `Editor` by Wav2Lip's weights; ``threads`` share one network.

    Windows of sound begin with the frame that they belong to, at any rate of frames, and after the
    sound has ended the model hears silence.
    """

    name = "wav2lip"
    scheme = "mediapipe478"

    def __init__(
        self, model: Wav2Lip, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        super().__init__(
            Wav2LipSyncer(model.generator),
            encoder_of("mel-wav2lip"),
            Cropping(
                size=SIDE, fps=Fraction(FPS), margin=1, rest=sampling.rest, ends=False, **REGION
            ),
            name=self.name,
            scheme=self.scheme,
            sampling=sampling,
            seed=seed,
        )

    def place(self, points: Array, track: FaceTrack) -> Array:
        """Boxes of whole faces."""
        return boxes.squeezed(boxes.head(points, track.scheme), SIDE)

    def around(self, voice: Features, first: int, count: int) -> Features:
        """The 0.2 s of mel that begin with each of ``count`` frames."""
        return windows_of(voice, FPS, first, count, (0, COLUMNS - 1), SILENCE)

    def _mask(self, track: FaceTrack, study: Study, row: int) -> Array:
        if self.sampling.paste == "official":
            return np.full((SIDE, SIDE), study.weight[row], np.float32)
        return super()._mask(track, study, row)
