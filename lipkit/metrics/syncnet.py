"""Lip sync as SyncNet sees it: LSE-C, LSE-D and offset, by the original recipe and LatentSync's.

Chung and Zisserman 2016; Prajwal et al. 2020 (arXiv:2008.10010) named the errors. Both recipes see
the same crops and differ in which tracks count and how those of one clip become one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.embeddings import (
    SAMPLES,
    SHORTEST,
    LipStream,
    voice_embeddings,
    window_count,
)
from lipkit.metrics.mouth import aperture, frozen, mute, silent
from lipkit.metrics.values import curve
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.metrics.detectors import Finder
    from lipkit.metrics.face_crops import BoxTrack
    from lipkit.metrics.offsets import Alignment
    from lipkit.models.parts.syncnet import SyncNet
    from lipkit.protocols import Frames, Passage

    Array = NDArray[Any]

RATE = 25
SMALLEST = 100  # pixels, mean side of a face
FLAT = 0.5  # LSE-C below which the offset means nothing
KEYS = {
    "lse": {"lse_c": "confidence", "lse_d": "distance", "av_offset": "offset"},
    "sync": {"sync_conf": "confidence", "sync_offset": "offset"},
}
TRACKS = {"lse": 100, "sync": 50}  # frames that a face track must have more than


@dataclass(frozen=True)
class TrackSync:
    """How one face track goes with the sound: from which frame on, over how many windows."""

    first: int
    detected: int
    windows: int
    alignment: Alignment

    @property
    def summary(self) -> dict[str, float]:
        """The track's numbers for the settings of a score."""
        found = self.alignment
        return {
            "first": self.first,
            "windows": self.windows,
            "offset": found.offset,
            "distance": round(found.distance, 4),
            "confidence": round(found.confidence, 4),
        }


def combined(tracks: Sequence[TrackSync], recipe: str) -> dict[str, float]:
    """Confidence, distance and offset of a clip from those of its tracks, by ``lse`` or ``sync``.

    Means; the offset is the most confident track's, in LatentSync's recipe the truncated mean.
    """
    confidence = fmean(track.alignment.confidence for track in tracks)
    offset = best(tracks).alignment.offset
    if recipe == "sync":
        offset = int(fmean(track.alignment.offset for track in tracks))
    distance = fmean(track.alignment.distance for track in tracks)
    return {"confidence": confidence, "distance": distance, "offset": offset}


def best(tracks: Sequence[TrackSync]) -> TrackSync:
    """The most confident track, the first of equals."""
    return max(tracks, key=lambda track: track.alignment.confidence)


class LipSyncError(Base):
    """Do the lips say what is heard, and at what offset?"""

    needs = frozenset({"video", "audio", "face"})
    weights = ("syncnet-v2",)
    packages = ("scenedetect",)
    clock: Literal["source", "25"] = "25"
    measures = (
        Measure(
            "lse_c", "LSE-C, confidence of lip sync", "", "higher",
            "syncnet_python: median less minimum of mean distances, tracks over 100 frames, mean",
        ),
        Measure(
            "lse_d", "LSE-D, distance of lips and voice", "", "lower",
            "syncnet_python: minimum of mean distances, tracks over 100 frames, mean",
        ),
        Measure(
            "av_offset", "AV offset", "frames", "zero",
            "syncnet_python: of the most confident track; positive: the sound comes too early",
        ),
        Measure(
            "sync_conf", "Sync confidence of LatentSync", "", "higher",
            "LatentSync eval: as lse_c, tracks over 50 frames, mean",
        ),
        Measure(
            "sync_offset", "AV offset of LatentSync", "frames", "zero",
            "LatentSync eval: mean over tracks over 50 frames, truncated; positive: sound early",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> SyncWatch:
        """A watch that follows the faces of the clip."""
        return SyncWatch(clip, *_tools(clip))


def _tools(clip: Clip) -> tuple[SyncNet, Finder]:
    from lipkit.metrics.detectors import finder_of
    from lipkit.runtime import choose

    device = choose().device
    return _network(device), finder_of(clip, device)


@cache
def _network(device: str) -> SyncNet:
    from lipkit.models.parts.syncnet import load

    return load(device=device)


class SyncWatch(BaseWatch):
    """The faces of a clip, as far as they were seen, and their embeddings."""

    def __init__(self, clip: Clip, network: SyncNet, finder: Finder) -> None:
        from lipkit.metrics.detectors import SceneCuts
        from lipkit.metrics.face_crops import FaceCropper

        self.clip, self.network, self.finder = clip, network, finder
        self.refusal = refusal(clip)
        self.cuts, self.cropper = SceneCuts(RATE), FaceCropper()
        self.lips: dict[BoxTrack, LipStream] = {}

    def see(self, passage: Passage) -> None:
        """Follow the faces through the next frames."""
        if self.refusal:
            return
        found = self.finder.find(passage)
        for row, frame, boxes in zip(passage.rows, passage.frames, found, strict=True):
            if self.cuts.begins(int(row), frame):
                self._take(self.cropper.end())
            self._take(self.cropper.see(int(row), frame, boxes))
        for track in [t for t in self.lips if t not in self.cropper.open]:
            if track.detected <= SHORTEST:
                del self.lips[track]

    def _take(self, crops: Iterable[tuple[BoxTrack, Frames]]) -> None:
        for track, face in crops:
            stream = self.lips.setdefault(track, LipStream(self.network))
            stream.add(np.ascontiguousarray(face[..., ::-1]))

    def scores(self) -> Mapping[str, Score]:
        """The numbers of both recipes, null with a reason where they mean nothing."""
        settings: dict[str, Any] = {"fps": RATE}
        if self.refusal:
            return {m.name: Score(None, 0, self.refusal, settings) for m in LipSyncError.measures}
        self._take(self.cropper.end())
        tracks, dropped = self._tracks()
        result: dict[str, Score] = {}
        for recipe, keys in KEYS.items():
            found = [track for track in tracks if track.detected > TRACKS[recipe]]
            why = f"no face track of more than {TRACKS[recipe]} frames{dropped}"
            score = scored(found, recipe, why, settings | self._settings(found, recipe))
            result |= {name: score[key] for name, key in keys.items()}
        shown = "lse_c" if any(t.detected > TRACKS["lse"] for t in tracks) else "sync_conf"
        if tracks:
            result[shown] = with_curves(result[shown], tracks, len(self.clip.ticks25))
        return result

    def _settings(self, tracks: Sequence[TrackSync], recipe: str) -> dict[str, Any]:
        info = self.clip.info
        return {
            "detector": self.finder.recipe,
            "detector_weights": self.finder.weights,
            "cuts": self.cuts.recipe,
            "crops": "lossless",
            "video_codec": info.video.codec if info.video else None,
            "audio_codec": info.audio.codec if info.audio else None,
            "min_track": TRACKS[recipe],
            "tracks": [track.summary for track in tracks],
        }

    def _tracks(self) -> tuple[list[TrackSync], str]:
        """The tracks long, large and loud enough, and why others are not, for people."""
        from lipkit.audio.mfcc import to_pcm
        from lipkit.metrics.offsets import align

        assert self.clip.wave is not None  # else the watch refused
        found, dropped = [], ""
        for track, stream in self.lips.items():
            if track.detected <= SHORTEST:
                continue
            if track.size <= SMALLEST:
                dropped = f" (a face is {track.size:.0f} pixels wide, and {SMALLEST} are too few)"
                continue
            wave = self.clip.wave[track.first * SAMPLES : (track.last + 1) * SAMPLES]
            heard = min(len(track.boxes), len(wave) // SAMPLES)
            if heard < SHORTEST:
                dropped = f" (while there is sound: {heard} frames)"
                continue
            count = window_count(len(track.boxes), len(wave))
            voice = voice_embeddings(self.network, to_pcm(wave), count)
            alignment = align(stream.finish()[:count], voice)
            found.append(TrackSync(track.first, track.detected, count, alignment))
        return found, dropped


def refusal(clip: Clip) -> str | None:
    """Why the clip cannot be scored, as far as can be told without its pictures."""
    wave = np.zeros(0, np.float32) if clip.wave is None else clip.wave
    count = min(len(clip.ticks25), len(wave) // SAMPLES)
    if count < SHORTEST:
        return f"{count} frames with sound at {RATE} fps, fewer than {SHORTEST}"
    return mute(silent(wave, count)) or frozen(aperture(clip.track25)[:count])


def scored(
    tracks: Sequence[TrackSync], recipe: str, missing: str, settings: Mapping[str, Any]
) -> dict[str, Score]:
    """Scores of confidence, distance and offset; None where a flat curve makes them empty."""
    if not tracks:
        return dict.fromkeys(
            ("confidence", "distance", "offset"), Score(None, 0, missing, settings)
        )
    values, frames = combined(tracks, recipe), sum(track.windows for track in tracks)
    if values["confidence"] < FLAT:
        reason = f"confidence {values['confidence']:.2f} below {FLAT}: lips and sound do not meet"
        return dict.fromkeys(values, Score(None, frames, reason, settings))
    return {key: Score(value, frames, None, settings) for key, value in values.items()}


def with_curves(score: Score, tracks: Sequence[TrackSync], frames: int) -> Score:
    """The score with the distances of the best track and the confidence of each frame."""
    confidence = np.full(frames, np.nan)
    for track in tracks:
        smooth = track.alignment.smooth_frames
        confidence[track.first : track.first + len(smooth)] = smooth
    distance = best(tracks).alignment.means
    return replace(score, curves={"distance": curve(distance), "confidence": curve(confidence)})
