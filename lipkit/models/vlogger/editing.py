"""VLOGGER as an editor of videos: a part of the face moves otherwise, and only it is drawn anew.

Section 4.3 and figure 6: other expression codes, and a mask of where the face then looks different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from threading import Lock
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lipkit.faces import raster
from lipkit.faces.canonical import VERTICES, canonical
from lipkit.faces.masks import eye_distance, feathered
from lipkit.faces.mesh import POINTS
from lipkit.faces.warping import paste, transform
from lipkit.models.parts.canvas import frames_of
from lipkit.models.parts.placing import place
from lipkit.models.vlogger.config import SamplingConfig
from lipkit.models.vlogger.controls import Reference, placed, reference_of
from lipkit.models.vlogger.enlarging import Enlarger
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.material import followed, hearing, told_of
from lipkit.models.vlogger.model import Vlogger
from lipkit.models.vlogger.painting import Painting
from lipkit.models.vlogger.performing import side_of
from lipkit.models.vlogger.talking import Talker
from lipkit.protocols import FaceTrack, Features
from lipkit.sync.crops import CropEditor, Cropping, Study
from lipkit.sync.hearing import encoder_of

Array = NDArray[Any]
Pixels = NDArray[Any]  # (f, h, w, 3|4) uint8 or uint16
Reader = Callable[[Sequence[int]], Iterator[Array]]

# Heights on the canonical face in centimetres, below or above which vertices belong to a part, and
# where they begin to: the tip of the nose lies at -1.1, the corners of the eyes at 2.7.
PARTS = {"mouth": (-1.8, -0.6), "eyes": (1.4, 0.6), "expression": (100.0, 200.0)}
FEATHER = 0.1  # of the distance of the eyes: within the mask's rim the new fades to the old
MOST = 200  # frames of a shot that say who it shows
PIECE = 250  # frames that are heard at once
EDGE = np.array([0.5, 0.5, 0.0])


@dataclass(frozen=True)
class Speech:
    """Expression codes ``(f, e)`` to a sound, at ``fps``."""

    codes: Array
    fps: Fraction

    def at(self, times: Sequence[Fraction]) -> Array:
        """Codes at seconds of the sound; those of its ends beyond them."""
        place = np.array([float(time * self.fps) for time in times])
        rows = np.arange(len(self.codes))
        columns = [np.interp(place, rows, column) for column in self.codes.T]
        return np.stack(columns, 1)


@dataclass(frozen=True)
class Shot:
    """What a shot knows of its person: a reference in the crop's pixels, and who it is."""

    reference: Reference
    mean: Array  # (478, 3) of the meshes, cm
    expression: Array  # (e,) of the mean


@dataclass(frozen=True)
class Portraits(Study):
    """The shots by number, beside where to crop."""

    shots: dict[int, Shot]


class VloggerEditor(CropEditor):
    """An `Editor` by VLOGGER's weights; the head's pose and all else stay as filmed."""

    name = "vlogger"
    scheme = "mediapipe478"

    def __init__(
        self, model: Vlogger, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        form = model.config
        cropping = Cropping(
            template="portrait",
            size=side_of(form, sampling),
            fps=Fraction(form.fps),
            window=form.window,
        )
        encoder = encoder_of(form.motion.encoder)
        super().__init__(None, encoder, cropping, name=self.name, sampling=sampling, seed=seed)
        self.model, self.form, self.rows = model, form, rows_of(form)
        self.digests: dict[str, str] = {}
        place((model.painter, model.upscalers), model.alpha_bar.device, sampling.precision)
        model.mover.eval()
        self.painting = Painting(model.painter, form, model.alpha_bar, sampling)
        self.enlarger = Enlarger(model, sampling, seed)
        self.one_at_a_time = Lock()

    def hear(self, chunks: Iterable[Array]) -> Speech:
        """The expression codes of a whole sound."""
        return self.spoken(super().hear(chunks))

    def recall(self, features: Features, name: str) -> Speech:
        """The same by features that lie in the file ``name``."""
        return self.spoken(super().recall(features, name))

    def spoken(self, voice: Features) -> Speech:
        """The expression codes to what is heard."""
        form, fps = self.form.motion, self.form.fps
        count = max(1, round(len(voice.data) * fps / voice.rate))
        starts = range(0, count, PIECE)
        pieces = (hearing(voice, form, fps, k, min(PIECE, count - k)) for k in starts)
        talker = Talker(self.model, self.sampling)
        moves = talker.move(pieces, torch.Generator().manual_seed(self.seed))
        rows = np.concatenate(list(moves))
        return Speech(rows[:, self.rows.expression].astype(np.float64), Fraction(fps))

    def study(self, track: FaceTrack, read: Reader) -> Portraits:
        """Where to crop, and who each shot shows: its first frame with a face is the reference."""
        found = super().study(track, read)
        shots = {}
        for number in np.unique(track.shot[track.valid]).tolist():
            rows = np.flatnonzero((track.shot == number) & track.valid)
            points = self.small(track, found.matrix, rows[:: max(1, len(rows) // MOST)])
            side = (self.form.resolution,) * 2
            mean = followed(points, side).meshes.mean(0)
            frame = next(iter(read([int(rows[0])])))[0]
            full = float(np.iinfo(frame.dtype).max)
            crop = self._crop(frame, found.matrix[rows[0]], full)
            reference = reference_of(bytes_of(self.reduced(crop[None]))[0], points[0])
            code = self.model.face.expression(mean[None])[0]
            shots[number] = Shot(reference, mean, code)
        return Portraits(found.matrix, found.weight, shots)

    def edit(
        self,
        frames: Pixels,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Speech,
        study: Portraits,
    ) -> Pixels:
        """New frames; those without a face, or turned too far, stay as they are."""
        out = frames.copy()
        seen = [k for k, row in enumerate(rows) if study.weight[row] > 0]
        for number in sorted({int(track.shot[rows[k]]) for k in seen}):
            some = [k for k in seen if track.shot[rows[k]] == number]
            chosen = np.array([rows[k] for k in some])
            codes = voice.at([times[k] for k in some])
            self._redraw(out, some, chosen, codes, track, study)
        return out

    def _redraw(
        self,
        out: Pixels,
        some: list[int],
        rows: Array,
        codes: Array,
        track: FaceTrack,
        study: Portraits,
    ) -> None:
        """Edit the frames ``some`` of ``out``, source frames ``rows`` of one shot, in place."""
        shot = study.shots[int(track.shot[rows[0]])]
        full = float(np.iinfo(out.dtype).max)
        given = np.stack(
            [self._crop(out[k], study.matrix[row], full) for k, row in zip(some, rows, strict=True)]
        )
        points = self.small(track, study.matrix, rows)
        moved = self.changed(points, codes, shot)
        told = told_of(moved, shot.reference, self.form.fine)
        holes = [self.hole(*pair) for pair in zip(points, moved, strict=True)]
        with self.one_at_a_time:
            made = self.filled(given, told, np.stack(holes), int(rows[0]))
        for k, row, picture, hole in zip(some, rows, made, holes, strict=True):
            soft = self.soft(hole, int(row), track, study)
            crop = (np.moveaxis(picture, 0, 2) + 1) * (full / 2)
            out[k, ..., :3] = paste(out[k, ..., :3], crop, study.matrix[row], soft)

    def touched(
        self,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Speech,
        study: Portraits,
    ) -> Array:
        """The pixels ``(f, h, w)`` of source frames that `edit` may change."""
        width, height = track.frame_size
        found = np.zeros((len(rows), height, width, 3), np.uint8)
        white = np.full((self.cropping.size,) * 2 + (3,), 255, np.uint8)
        for k, row in enumerate(rows):
            if study.weight[row] > 0:
                points = self.small(track, study.matrix, np.array([row]))
                shot = study.shots[int(track.shot[row])]
                moved = self.changed(points, voice.at([times[k]]), shot)
                sharp = self.soft(self.hole(points[0], moved[0]), row, track, study) > 0
                found[k] = paste(found[k], white, study.matrix[row], sharp.astype(np.float32))
        return np.asarray(found.any(-1))

    def soft(self, hole: Array, row: int, track: FaceTrack, study: Portraits) -> Array:
        """How far the new shows in a crop ``(s, s)``: a hole, larger, and soft within its rim."""
        unit = eye_distance(transform(track.points[row], study.matrix[row]), self.scheme)
        large = cv2.resize(hole, (self.cropping.size,) * 2, interpolation=cv2.INTER_NEAREST)
        return np.asarray(feathered(large, FEATHER * unit) * study.weight[row], np.float32)

    def small(self, track: FaceTrack, matrices: Array, rows: Array) -> Array:
        """Points ``(f, 478, 3)`` of source frames, in pixels of crops at the base's size."""
        scale = self.form.resolution / self.cropping.size
        placed = transform(track.points[rows].astype(np.float64), matrices[rows])
        return (placed + EDGE) * scale - EDGE

    def reduced(self, crops: Array) -> Array:
        """Crops ``(f, 3, r, r)`` at the base's size."""
        return area_reduced(torch.from_numpy(crops), self.form.resolution).numpy()

    def changed(self, points: Array, codes: Array, shot: Shot) -> Array:
        """The points ``(f, 478, 3)`` where a part of the face is as ``codes (f, e)`` say.

        What a face does beside its expression stays: only the codes' change moves vertices.
        """
        side = self.form.resolution
        face, heads = self.model.face, followed(points, (side, side))
        seen = face.changes(heads.meshes, shot.mean) + shot.expression
        change = face.mesh(np.zeros((POINTS, 3)), codes - seen)
        return placed(heads.meshes + change * share(self.sampling.edit), heads.matrices, side)

    def hole(self, points: Array, moved: Array) -> Array:
        """Where the part is ``(r, r)``, before and after it moved: 1 there, 0 elsewhere."""
        side = self.form.resolution
        chosen = part(self.sampling.edit)
        hard = np.zeros((side, side), np.uint8)
        for given in (points, moved):
            shown = chosen & raster.facing(given, canonical().triangles)
            hard |= raster.draw(given, canonical().triangles, (side, side), shown).inside
        reach = max(1, round(self.sampling.edit_grow * eye_distance(points, self.scheme)))
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
        grown = cv2.dilate(hard, ellipse).astype(np.float32)
        grown[[0, -1]] = grown[:, [0, -1]] = 0  # a region that the crop cuts off ends there
        return np.asarray(grown)

    def filled(self, given: Array, told: Array, holes: Array, first: int) -> Array:
        """Crops ``(f, 3, s, s)`` in -1..1 with what ``told`` describes in their ``holes``."""
        device = self.model.alpha_bar.device
        known = torch.from_numpy(self.reduced(given)).to(device)
        mask = 1 - torch.from_numpy(holes)[:, None].to(device)
        wanted = torch.from_numpy(told).float().to(device)
        told_clip, known_clip, mask_clip = (
            rows.transpose(0, 1)[None] for rows in (wanted, known, mask)
        )
        drawn = self.painting.clip(told_clip, self.noise(first), known_clip, mask_clip)
        made = self.enlarger.enlarge(drawn[0].transpose(0, 1), self.cropping.size)
        return np.asarray(made.cpu().numpy())


def area_reduced(crops: torch.Tensor, side: int) -> torch.Tensor:
    """Crops ``(f, 3, side, side)`` of larger ones, by the means of areas."""
    return torch.nn.functional.interpolate(crops, (side, side), mode="area")


def bytes_of(crops: Array) -> Array:
    """Frames ``(f, h, w, 3)`` uint8 of crops in -1..1."""
    return frames_of(torch.from_numpy(crops))


@cache
def share(edit: str) -> Array:
    """How far each vertex ``(478, 1)`` follows an edit."""
    whole, none = PARTS[edit]
    height = np.concatenate([canonical().vertices[:, 1], [canonical().vertices[33, 1]] * 10])
    return np.clip((height - none) / (whole - none), 0, 1)[:, None]


@cache
def part(edit: str) -> Array:
    """The triangles ``(898,)`` that an edit draws anew: those that follow it by half or more."""
    return np.asarray((share(edit)[:VERTICES, 0] > 0.5)[canonical().triangles].any(1))
