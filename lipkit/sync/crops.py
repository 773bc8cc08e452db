"""Neural syncers as editors of whole frames: crop, run on the model's clock, bring back, paste."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from lipkit.artifacts.features import require_encoder
from lipkit.audio.speech import at_rate, silence_of
from lipkit.errors import BadUsage
from lipkit.faces import mesh
from lipkit.faces.masks import eye_distance, feathered, mask
from lipkit.faces.survey import CALM
from lipkit.faces.templates import matrices
from lipkit.faces.tracks import smooth
from lipkit.faces.warping import paste, transform, warp
from lipkit.protocols import Features
from lipkit.sync.drawing import Drafter, Drawn
from lipkit.sync.rests import rested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import AudioEncoder, FaceTrack, Floats, Pixels, Reader, Syncer

    Array = NDArray[Any]

FADE = 0.16  # seconds from the original to the new mouth where a face comes or goes
TURNED = (26.0, 40.0)  # degrees of yaw: pasted fully up to, not at all from


@dataclass(frozen=True)
class Cropping:
    """What a model wants to see, and where its result goes."""

    template: str = "square"
    size: int = 512
    region: str = "lower"  # of ``faces.masks``
    grow: float = 0.25  # of the region, and the softness of its rim, in distances of the eyes
    feather: float = 0.2
    fps: Fraction = Fraction(25)  # the model's clock
    window: int = 16  # frames that it makes at once
    margin: int = 2  # frames more that it sees on both sides
    rest: bool = True  # whether lips rest in long silences, see ``sync.rests``
    ends: bool = True  # whether the voice's last step is what is heard after it


@dataclass(frozen=True)
class Study:
    """Source-to-crop matrices ``(f, 2, 3)``, and how far each frame may be edited ``(f,)``."""

    matrix: Array
    weight: Array


class CropEditor:
    """An ``Editor`` around a ``Syncer``.

    The driver hands it all frames of one window at a time. At the model's rate each frame is the
    model's own; at others the change of the mouth is interpolated between the model's frames and
    added to what each source frame shows, so that head and background keep the source's rate.

    Where the syncer is a ``Drafter``, `draw` gives a window's latents, and a voice of `Drawn` ones
    is finished instead of drawn: then no encoder is needed.
    """

    def __init__(
        self,
        syncer: Syncer,
        encoder: AudioEncoder | None,
        cropping: Cropping,
        *,
        name: str = "crops",
        scheme: str = "mediapipe478",
        sampling: Any = None,
        seed: int = 0,
    ) -> None:
        self.syncer, self.encoder, self.cropping = syncer, encoder, cropping
        self.name, self.scheme, self.sampling, self.seed = name, scheme, sampling, seed
        self.beat = cropping.window / cropping.fps

    def hear(self, chunks: Iterable[Floats]) -> Features:
        """The encoder's features of the whole sound, with lips at rest in its long silences."""
        wave = np.concatenate(list(chunks))
        voice = self.ears.encode(wave)
        if voice.silence is None:
            silence = at_rate(silence_of(wave), len(voice.data), voice.rate)
            voice = replace(voice, silence=silence)
        return self._rested(voice)

    def recall(self, features: Features, name: str) -> Features:
        """The same of the features in the file ``name``; BadInput for another encoder's."""
        ears = self.ears
        require_encoder(features, ears.name, ears.layers, ears.width, name)
        return self._rested(features)

    @property
    def ears(self) -> AudioEncoder:
        """The encoder, of an editor that hears."""
        if self.encoder is None:
            raise ValueError(f"{self.name} only finishes what was drawn")
        return self.encoder

    @property
    def drafter(self) -> Drafter:
        """The syncer, where it draws latents; BadUsage for others."""
        if not isinstance(self.syncer, Drafter):
            raise BadUsage(f"{self.name} draws no latents", hint="--emit crops or video")
        return self.syncer

    def _rested(self, voice: Features) -> Features:
        form = self.cropping
        return rested(voice, self.ears, ends=form.ends) if form.rest else voice

    def study(self, track: FaceTrack, read: Reader) -> Study:
        """Where to crop, shot by shot, and where to fade."""
        matrix = np.tile(np.eye(2, 3), (len(track), 1, 1))
        span = max(1, round(CALM * float(track.fps)))
        for number in np.unique(track.shot):
            rows = np.flatnonzero((track.shot == number) & track.valid)
            if len(rows):
                calm = smooth(track.points[rows], np.ones(len(rows), np.bool_), span)
                matrix[rows] = self.place(calm, track)
        return Study(matrix, weights(track))

    def place(self, points: Array, track: FaceTrack) -> Array:
        """Source-to-crop matrices ``(f, 2, 3)`` of one shot of a track with calm points."""
        form = self.cropping
        size = track.frame_size
        return matrices(form.template, points, track.scheme, form.size, frame_size=size)

    def edit(
        self,
        frames: Pixels,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Features | Drawn,
        study: Study,
    ) -> Pixels:
        """New frames; those without a face, or turned too far, stay as they are."""
        out = frames.copy()
        seen = [k for k, row in enumerate(rows) if study.weight[row] > 0]
        if not seen:
            return out
        full = float(np.iinfo(frames.dtype).max)
        crops = self._crops(frames[seen], [rows[k] for k in seen], study)
        made = self.resynced(crops, [times[k] for k in seen], voice)
        for k, crop in zip(seen, made, strict=True):
            row = rows[k]
            soft = self._mask(track, study, row)
            picture = (np.moveaxis(crop, 0, 2) + 1) * (full / 2)
            out[k, ..., :3] = paste(frames[k, ..., :3], picture, study.matrix[row], soft)
        return out

    def draw(
        self,
        frames: Pixels,
        rows: Sequence[int],
        times: Sequence[Fraction],
        voice: Features,
        study: Study,
    ) -> Floats:
        """Latents ``(n, c, h, w)`` of the window of frames that all show the face."""
        given, first = self._given(self._crops(frames, rows, study), times)
        return self._run(lambda crops: self._pass(self.drafter.draw, crops, voice, first), given)

    def _crops(self, frames: Pixels, rows: Sequence[int], study: Study) -> Floats:
        full = float(np.iinfo(frames.dtype).max)
        pairs = zip(frames, rows, strict=True)
        return np.stack([self._crop(frame, study.matrix[row], full) for frame, row in pairs])

    def _crop(self, frame: Pixels, matrix: Array, full: float) -> Floats:
        side = self.cropping.size
        crop = warp(np.ascontiguousarray(frame[..., :3]), matrix, (side, side))
        return np.moveaxis(crop.astype(np.float32) * (2 / full) - 1, 2, 0)

    def _mask(self, track: FaceTrack, study: Study, row: int) -> Array:
        form = self.cropping
        points = transform(track.points[row], study.matrix[row])
        hard = mask(form.region, points, track.scheme, (form.size, form.size), grow=form.grow)
        hard[[0, -1]] = hard[:, [0, -1]] = 0  # a region that the crop cuts off fades there, too
        soft = feathered(hard, form.feather * eye_distance(points, track.scheme))
        return np.asarray(soft * study.weight[row], np.float32)

    def resynced(self, crops: Floats, times: Sequence[Fraction], voice: Features | Drawn) -> Floats:
        """New crops ``(f, 3, h, w)`` for crops seen at ``times`` of the voice, within one beat."""
        fps, margin = self.cropping.fps, self.cropping.margin
        given, first = self._given(crops, times)
        made = self._made(given, voice, first)
        if all((time * fps).denominator == 1 for time in times):
            return made[[int(time * fps) - first + margin for time in times]]
        change = made - given
        place = np.array([float(time * fps - first) + margin for time in times])
        low = np.minimum(place.astype(int), len(made) - 1)
        high = np.minimum(low + 1, len(made) - 1)
        share = (place - low)[:, None, None, None].astype(np.float32)
        return np.asarray(crops + change[low] * (1 - share) + change[high] * share, np.float32)

    def _given(self, crops: Floats, times: Sequence[Fraction]) -> tuple[Floats, int]:
        """What the syncer sees of a window, and the first of its frames on the model's clock."""
        fps, margin, count = self.cropping.fps, self.cropping.margin, self.cropping.window
        first = int(times[0] // self.beat) * count
        nearest = nearest_frames(times, [(first + k) / fps for k in range(count)])
        pads = [(margin, margin), (0, 0), (0, 0), (0, 0)]
        return np.pad(crops[nearest], pads, "edge"), first

    def _made(self, given: Floats, voice: Features | Drawn, first: int) -> Floats:
        import torch

        def work(crops: Any) -> Iterable[Any]:
            if isinstance(voice, Drawn):
                return [self.drafter.finish(torch.from_numpy(voice.window(first)), crops)]
            return self._pass(self.syncer.sync, crops, voice, first)

        made = self._run(work, given)
        if made.shape != given.shape:
            raise ValueError(f"{self.name} made {made.shape} of {given.shape}")
        return made

    def _pass(self, work: Any, crops: Any, voice: Features, first: int) -> Iterable[Any]:
        """What ``work`` of the syncer makes of a window that begins with the frame ``first``."""
        heard = self.around(voice, first - self.cropping.margin, len(crops))
        pieces: Iterable[Any] = work(iter([crops]), heard, self.sampling, self.noise(first))
        return pieces

    def around(self, voice: Features, first: int, count: int) -> Features:
        """What the syncer hears with ``count`` frames of its clock from number ``first`` on."""
        fps = self.cropping.fps
        return part_of(voice, first / fps, count / fps)

    def noise(self, first: int) -> Any:
        """Random numbers for the window from frame ``first`` on.

        They hang on its place in the sound, not on what was made before.
        """
        import torch

        return torch.Generator().manual_seed(self.seed * 1_000_003 + first)

    def _run(self, work: Callable[[Any], Iterable[Any]], crops: Floats) -> Floats:
        """What ``work`` with the networks makes of ``crops (f, 3, h, w)``."""
        import torch

        with torch.inference_mode():
            made = torch.cat([piece.float().cpu() for piece in work(torch.from_numpy(crops))])
        return np.asarray(made.numpy(), np.float32)


def nearest_frames(times: Sequence[Fraction], wanted: Sequence[Fraction]) -> list[int]:
    """The places in ``times`` nearest to each of the times ``wanted``."""
    return [min(range(len(times)), key=lambda k: abs(times[k] - time)) for time in wanted]


def part_of(features: Features, start: Fraction, seconds: Fraction) -> Features:
    """The features from ``start`` on for ``seconds``; beyond the ends the end step repeats."""
    first = int(start * features.rate // 1)
    steps = np.arange(first, first + max(1, round(seconds * features.rate)))
    steps = np.clip(steps, 0, len(features.data) - 1)
    silence = None if features.silence is None else features.silence[steps]
    return Features(features.data[steps], features.rate, features.encoder, silence)


def weights(track: FaceTrack) -> Array:
    """How far each frame may be edited ``(f,)``: 0 without a face or in profile, 1 elsewhere.

    Fades where the face comes or goes within a shot; a cut hides the change, and so do the ends.
    """
    weight = np.zeros(len(track))
    reach = FADE * float(track.fps)
    for number in np.unique(track.shot):
        rows = np.flatnonzero(track.shot == number)
        there = track.valid[rows]
        if there.all():
            weight[rows] = 1
        elif there.any():
            weight[rows] = np.clip(distance_transform_edt(there) / (reach + 1), 0, 1)
    if track.scheme == "mediapipe478" and track.valid.any():
        seen = np.flatnonzero(track.valid)
        yaw = np.abs(mesh.euler(mesh.face_frame(track.points[seen]).rotation)[:, 0])
        low, high = TURNED
        weight[seen] *= np.clip((high - yaw) / (high - low), 0, 1)
    return weight
