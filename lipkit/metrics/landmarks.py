"""Scores of landmarks against a reference clip: LMD and its kin, NME, LVE, MTM; and SLCC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.values import all_scores, curve, score
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip

    Array = NDArray[Any]

NEVER_BOTH = "no frame shows a face in both clips"
SCALE_FREE = frozenset({"lmd_aligned", "aperture_mae"})  # of pictures of any two sizes
RESAMPLED = ("m_lmd", "f_lmd", "m_lvd", "f_lvd")
FRAME_MS = 40.0  # at 25 fps
FEWEST_CLIPS = 3  # whose correlation says anything


def measure(name: str, title: str, unit: str, recipe: str) -> Measure:
    """A measure of which less is better."""
    return Measure(name, title, unit, "lower", recipe)


class LandmarkDistance(Base):
    """How far the landmarks of a clip lie from the reference's."""

    needs = frozenset({"face", "reference"})
    measures = (
        measure("lmd", "Mouth distance", "px", "Chen 2018: 20 mouth points, as they lie"),
        measure("lmd_l1", "Mouth distance, L1", "px", "ViCo: mean absolute coordinate difference"),
        measure(
            "lmd_aligned", "Mouth distance, aligned", "px", "similarity on nose and eyes removed"
        ),
        measure("m_lmd", "M-LMD", "px", "EAT: mouth about its mean; cut to the shorter clip"),
        measure("f_lmd", "F-LMD", "px", "EAT: face about its mean; cut to the shorter clip"),
        measure(
            "m_lvd", "M-LVD", "px/frame", "EAT: displacements of the mouth; cut to the shorter"
        ),
        measure("f_lvd", "F-LVD", "px/frame", "EAT, corrected: displacements of the face"),
        measure("m_lmd_eat", "M-LMD, EAT", "px", "EAT: lengths made equal by picking frames"),
        measure("f_lmd_eat", "F-LMD, EAT", "px", "EAT: lengths made equal by picking frames"),
        measure("m_lvd_eat", "M-LVD, EAT", "px/frame", "EAT: lengths made equal by picking frames"),
        measure("f_lvd_eat", "F-LVD, EAT", "px/frame", "EAT, corrected; frames picked"),
        measure("nme", "NME", "eye distances", "68 points over the truth's outer eye corners"),
        measure("nme_box", "NME, box", "face sizes", "68 points over the root of the box's area"),
        measure("nme_mouth", "NME, mouth", "eye distances", "20 mouth points, as VLOGGER's LME"),
        measure("lve", "LVE", "px^2", "largest squared error of a mouth point, mean of frames"),
        measure("lve_iod", "LVE, relative", "eye distances^2", "LVE over squared eye distance"),
        measure("aperture_mae", "Aperture error", "eye distances", "gap of the inner lips"),
    )

    def watch(self, clip: Clip) -> DistanceWatch:
        """A watch that compares the two tracks."""
        return DistanceWatch(clip)


class DistanceWatch(BaseWatch):
    """Compares the landmarks of a clip and of its reference."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """All distances; those in pixels need frames of one size."""
        from lipkit.metrics import landmark_distance as distances

        clip, reference = self.clip, _reference(self.clip)
        settings = settings_of(clip)
        tracks = [points_of(it) for it in (clip, reference)]
        made, truth = distances.truncated(*tracks)
        frames = len(distances.seen(made, truth)[0])
        values = distances.scores(made, truth) | distances.centred_scores(made, truth)
        picked = distances.squeezed(*(points_of(it, source=True) for it in (clip, reference)))
        found: dict[str, Score] = {}
        for item in LandmarkDistance.measures:
            if item.name.endswith("_eat"):
                continue
            found[item.name] = score(
                values[item.name], NEVER_BOTH, frames=frames, settings=settings
            )
        of_picked = distances.centred_scores(*picked)
        eat = {f"{name}_eat": of_picked[name] for name in RESAMPLED}
        settings = {**settings, "fps": "each clip's own", "lengths": "picked by index"}
        count = len(distances.seen(*picked)[0])
        found |= all_scores(eat, NEVER_BOTH, frames=count, settings=settings)
        return found if clip.size == reference.size else without_pixels(found, clip, reference)


def without_pixels(found: Mapping[str, Score], clip: Clip, reference: Clip) -> dict[str, Score]:
    """The scores that stay where the pictures have different sizes; the others are none."""
    sizes = " and ".join("{} x {}".format(*it.size) for it in (clip, reference))
    reason = f"frames of {sizes} share no pixels"
    return {
        name: value if name in SCALE_FREE else Score(None, reason=reason, settings=value.settings)
        for name, value in found.items()
    }


class LipTiming(Base):
    """Whether the lips open and close when the reference's do."""

    needs = frozenset({"face", "reference"})
    measures = (
        measure("mtm", "Mean temporal misalignment", "ms", "CVPR 2025: extrema matched by DDTW"),
    )

    def watch(self, clip: Clip) -> TimingWatch:
        """A watch that compares the two apertures."""
        return TimingWatch(clip)


class TimingWatch(BaseWatch):
    """Matches the extrema of two tracks of aperture."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """The mean misalignment; none where no extrema match."""
        from lipkit.metrics import lips
        from lipkit.metrics.landmark_distance import aperture, truncated

        both = truncated(*(points_of(it) for it in (self.clip, _reference(self.clip))))
        gaps = [aperture(points) for points in both]
        found = lips.all_misalignments(*gaps)
        mean = sum(found) / len(found) * FRAME_MS if found else None
        return {
            "mtm": score(
                mean,
                "no opening or closing of the lips matches the reference's",
                frames=len(both[0]),
                settings={**settings_of(self.clip), "matches": len(found)},
                curves={"aperture": curve(gaps[0]), "aperture of the reference": curve(gaps[1])},
            )
        }


class LipIntensity(Base):
    """How much the lips move, and over a set whether more in louder speech."""

    needs = frozenset({"face", "audio"})
    measures = (
        Measure(
            "lip_intensity",
            "Lip intensity",
            "eye distances/frame",
            "real",
            "CVPR 2025: root mean square of the mouth points' mean displacement, pose removed",
        ),
    )
    set_measures = (
        Measure(
            "slcc",
            "Speech-lip intensity correlation",
            "",
            "higher",
            "CVPR 2025: Pearson r of lip intensity and level over clips; all as one speaker's",
        ),
    )

    def watch(self, clip: Clip) -> IntensityWatch:
        """A watch that measures lips and level."""
        return IntensityWatch(clip)

    def compute(
        self, made: Sequence[Mapping[str, Array]], real: Sequence[Mapping[str, Array]]
    ) -> Mapping[str, Score]:
        """The correlation over the clips; none for fewer than three."""
        import numpy as np

        from lipkit.metrics.lips import intensity_correlation

        pairs = np.array([(float(it["lips"]), float(it["level"])) for it in made]).reshape(-1, 2)
        enough = len(pairs) >= FEWEST_CLIPS
        value = (
            intensity_correlation(pairs[:, 0], pairs[:, 1], [0] * len(pairs)) if enough else None
        )
        reason = "lips or speech are alike in all clips" if enough else "takes three clips"
        settings = {"clips": len(pairs), "speakers": "taken for one"}
        return {"slcc": score(value, reason, settings=settings)}


class IntensityWatch(BaseWatch):
    """Measures how much lips move and how loud the sound is."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def _intensity(self) -> float | None:
        from lipkit.metrics.ibug import MOUTH, upright
        from lipkit.metrics.lips import intensity

        return intensity(upright(points_of(self.clip))[:, MOUTH])

    def scores(self) -> Mapping[str, Score]:
        """The intensity."""
        frames = int(self.clip.track25.valid.sum())
        reason = "no two neighbouring frames show a face"
        settings = settings_of(self.clip)
        value = score(self._intensity(), reason, frames=frames, settings=settings)
        return {"lip_intensity": value}

    def contribution(self) -> Mapping[str, Array] | None:
        """Intensity and level; nothing of a clip without lips."""
        import numpy as np

        wave, intensity = self.clip.wave, self._intensity()
        if wave is None or not len(wave) or intensity is None:
            return None
        level = np.sqrt((wave.astype(np.float64) ** 2).mean())
        return {"lips": np.array(intensity), "level": np.array(level)}


def points_of(clip: Clip, *, source: bool = False) -> Array:
    """The 68 points ``(f, 68, 2)``, NaN without a face: 25 a second, or of each source frame."""
    from lipkit.metrics.ibug import of_track

    return of_track(clip.track if source else clip.track25)


def settings_of(clip: Clip) -> dict[str, Any]:
    """What every score of landmarks states."""
    from lipkit.metrics.ibug import source

    width, height = clip.size
    return {
        "landmarks": source(clip.track.scheme),
        "smoothing": "Savitzky-Golay over 0.2 s",
        "fps": 25,
        "frame_size": f"{width}x{height}",
    }


def _reference(clip: Clip) -> Clip:
    assert clip.reference is not None, "the engine hands on pairs only"
    return clip.reference
