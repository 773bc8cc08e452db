"""The opening of the mouth: how it moves, as the reference's does, with the sound, in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.lags import PAIRS, REACH, Lags, lags, speed
from lipkit.metrics.mouth import (
    MARGIN,
    RATE,
    aperture,
    envelope,
    frozen,
    mute,
    silence_ratio,
    silent,
)
from lipkit.metrics.values import curve
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip

    Array = NDArray[Any]
    Flags = NDArray[np.bool_]


def lag_scores(
    names: Sequence[str], found: Lags, frames: int, settings: Mapping[str, Any]
) -> dict[str, Score]:
    """Scores under ``names``: r at lag nought, the largest r, its lag, how far it stands out."""
    values = (found.still, found.best, found.lag, found.confidence)[: len(names)]
    why = f"fewer than {PAIRS} frames to compare, or nothing varies"
    return {
        name: Score(value, frames, why if value is None else None, settings)
        for name, value in zip(names, values, strict=True)
    }


def nothing(
    measures: Sequence[Measure], reason: str, settings: Mapping[str, Any]
) -> dict[str, Score]:
    """No value for any of the measures."""
    return {measure.name: Score(None, 0, reason, settings) for measure in measures}


class MouthMotion(Base):
    """How much the mouth moves; nothing in a frozen face."""

    needs = frozenset({"face"})
    measures = (
        Measure(
            "mouth_motion", "Motion of the mouth", "eye distances/s", "real",
            "mean absolute change of |13-14| / |33-263| of FaceMesh, central differences at 25 fps",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> MotionWatch:
        """What the clip's track says."""
        return MotionWatch(clip)


class MotionWatch(BaseWatch):
    """The aperture of a clip, and its loudness for the report."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Speed of the mouth; a frozen one is told in the settings."""
        track = aperture(self.clip.track25)
        moved = speed(track) * RATE
        known = int(np.isfinite(moved).sum())
        settings = {"fps": RATE, "frozen": frozen(track) is not None}
        if not known:
            return nothing(MouthMotion.measures, "no two frames with a face in a row", settings)
        curves = {"aperture": curve(track)}
        if self.clip.wave is not None:
            curves["loudness"] = curve(envelope(self.clip.wave)[: len(track)])
        value = float(np.nanmean(moved))
        return {"mouth_motion": Score(value, known, settings=settings, curves=curves)}


class ApertureMatch(Base):
    """Does the mouth open when the reference's does?"""

    needs = frozenset({"face", "reference"})
    measures = (
        Measure(
            "aperture_corr", "Aperture as the reference's", "r", "higher",
            "Pearson's r of |13-14| / |33-263| of FaceMesh, 25 fps, cut to the shorter clip",
        ),
        Measure(
            "aperture_best_corr", "Aperture as the reference's, best lag", "r", "higher",
            f"aperture_corr, the largest over lags of -{REACH} to {REACH} frames",
        ),
        Measure(
            "aperture_lag", "Lag behind the reference", "frames", "zero",
            "lag of aperture_best_corr at 25 fps; positive: the clip's lips come late",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> MatchWatch:
        """What the tracks of the clip and of its reference say."""
        return MatchWatch(clip)


class MatchWatch(BaseWatch):
    """The aperture of a clip and of its reference."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Correlation at lag nought, the best, and its lag."""
        assert self.clip.reference is not None  # else nobody asks
        made, real = aperture(self.clip.track25), aperture(self.clip.reference.track25)
        count = min(len(made), len(real))
        made, real = made[:count], real[:count]
        settings = {"fps": RATE, "reach": REACH}
        missing = [f"{whose}{why}" for whose, track in (("", made), ("reference: ", real))
                   if (why := frozen(track))]  # fmt: skip
        if missing:
            return nothing(ApertureMatch.measures, "; ".join(missing), settings)
        used = int((np.isfinite(made) & np.isfinite(real)).sum())
        names = [measure.name for measure in ApertureMatch.measures]
        return lag_scores(names, lags(made, real), used, settings)


class ApertureSound(Base):
    """The mouth's opening beside the loudness: a diagnosis, and no score of sync.

    Real speech gives an r near 0; bursts, laughs and lip smacks give much more.
    """

    needs = frozenset({"face", "audio"})
    measures = tuple(
        Measure(f"{track}_sound_{name}", f"{what} against loudness{title}", unit, "none",
                f"{recipe} of {how} and the RMS of 640 samples at 25 fps; {note}")
        for track, what, how in (
            ("aperture", "Aperture", "|13-14| / |33-263| of FaceMesh"),
            ("speed", "Speed of the mouth", "the absolute change of |13-14| / |33-263|"),
        )
        for name, title, unit, recipe, note in (
            ("corr", "", "r", "Pearson's r", "near 0 for real speech"),
            ("best_corr", ", best lag", "r", "largest r", f"lags of -{REACH} to {REACH} frames"),
            ("lag", ": lag", "frames", "lag of the largest r", "positive: the video comes late"),
            ("confidence", ": distinctness", "r", "largest less median r", "over all lags"),
        )
    )  # fmt: skip

    def watch(self, clip: Clip) -> SoundWatch:
        """What the clip's track and sound say."""
        return SoundWatch(clip)


class Heard(BaseWatch):
    """The aperture of a clip, its loudness and its silences, cut to the shorter of both."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    @cached_property
    def loudness(self) -> Array:
        """RMS ``(f,)`` while there is a picture."""
        assert self.clip.wave is not None  # else nobody asks
        return envelope(self.clip.wave)[: len(self.clip.ticks25)]

    @cached_property
    def mouth(self) -> Array:
        """Aperture ``(f,)`` while there is sound."""
        return aperture(self.clip.track25)[: len(self.loudness)]

    @cached_property
    def quiet(self) -> Flags:
        """Whether nobody speaks ``(f,)``."""
        assert self.clip.wave is not None
        return silent(self.clip.wave, len(self.loudness))


class SoundWatch(Heard):
    """How aperture and loudness go together."""

    def scores(self) -> Mapping[str, Score]:
        """Correlations, lags and their distinctness, of the aperture and of its speed."""
        measures = ApertureSound.measures
        settings = {"fps": RATE, "reach": REACH}
        if reason := mute(self.quiet) or frozen(self.mouth):
            return nothing(measures, reason, settings)
        result: dict[str, Score] = {}
        for start, track in ((0, self.mouth), (4, speed(self.mouth))):
            names = [measure.name for measure in measures[start : start + 4]]
            used = int(np.isfinite(track).sum())
            result |= lag_scores(names, lags(track, self.loudness), used, settings)
        return result


class SilentMouth(Base):
    """Does the mouth rest while nobody speaks?"""

    needs = frozenset({"face", "audio"})
    measures = (
        Measure(
            "silence_ratio", "Mouth motion in silence", "of that in speech", "lower",
            f"mean |change| of the aperture in silence over that in speech, {MARGIN} frames beside"
            " speech left out; silence by energy",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> SilenceWatch:
        """What the clip's track and sound say."""
        return SilenceWatch(clip)


class SilenceWatch(Heard):
    """How much the mouth moves while nobody speaks."""

    def scores(self) -> Mapping[str, Score]:
        """The ratio."""
        settings = {"fps": RATE, "margin": MARGIN, "silence": "by energy"}
        if reason := mute(self.quiet) or frozen(self.mouth):
            return nothing(SilentMouth.measures, reason, settings)
        settings["silent_frames"] = int(self.quiet.sum())
        value, used, reason = silence_ratio(self.mouth, self.quiet)
        return {"silence_ratio": Score(value, used, reason, settings)}
