"""How head motion goes with the sound, and how much takes of one sound differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.landmarks import points_of, settings_of
from lipkit.metrics.liveliness import ESTIMATOR, pose_of
from lipkit.metrics.values import all_scores, score
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip

    Array = NDArray[Any]

LONGEST = 1500  # frames of each take that are compared
SAME_SOUND = 0.9  # correlation of the levels of takes of one sound


class BeatAlign(Base):
    """Whether the head pauses at the beats of the sound."""

    needs = frozenset({"face", "audio"})
    measures = (
        Measure(
            "beat_align",
            "Beat alignment",
            "",
            "higher",
            "Bailando on head pose; sound beats: peaks of the rise of the RMS level",
        ),
    )

    def watch(self, clip: Clip) -> BeatWatch:
        """A watch that compares beats."""
        return BeatWatch(clip)


class BeatWatch(BaseWatch):
    """Compares the beats of head and sound."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """The alignment; 0 for a head that never pauses, none without beats in the sound."""
        import numpy as np

        from lipkit.metrics import beats

        wave = self.clip.wave
        pose = pose_of(self.clip)
        heard = beats.sound_beats(np.zeros(0) if wave is None else wave)
        heard = heard[heard < len(pose)]
        speeds = beats.without_gaps(beats.speed(pose[:, None]))
        moved = beats.motion_beats(speeds)
        settings = {
            **settings_of(self.clip),
            "pose": ESTIMATOR,
            "sound_beats": len(heard),
            "motion_beats": len(moved),
        }
        reason = "the sound has no beats" if len(speeds) else "no two frames in a row show a face"
        value = beats.alignment(heard, moved) if len(speeds) else None
        frames = int(self.clip.track25.valid.sum())
        return {"beat_align": score(value, reason, frames=frames, settings=settings)}


class Diversity(Base):
    """How much several takes of one sound differ."""

    needs = frozenset({"face", "audio"})
    set_measures = (
        Measure(
            "diversity_pose",
            "Diversity of pose",
            "degrees",
            "real",
            "VLOGGER: deviation over takes of one sound, mean over time and axes",
        ),
        Measure(
            "diversity_expression",
            "Diversity of expression",
            "eye distances",
            "real",
            "VLOGGER: the same of 68 upright landmarks",
        ),
        Measure(
            "diversity_pose_pairs",
            "Diversity of pose, pairs",
            "degrees",
            "real",
            "mean Euclidean distance of the poses of two takes",
        ),
    )

    def watch(self, clip: Clip) -> TakeWatch:
        """A watch that keeps pose and expression."""
        return TakeWatch(clip)

    def compute(
        self, made: Sequence[Mapping[str, Array]], real: Sequence[Mapping[str, Array]]
    ) -> Mapping[str, Score]:
        """The diversities; none unless all clips are takes of one sound."""
        import numpy as np

        from lipkit.metrics import motion

        settings = {"takes": len(made), "fps": 25}
        reason = fault(made)
        if reason:
            none = Score(None, reason=reason, settings=settings)
            return {item.name: none for item in self.set_measures}
        count = min(len(take["pose"]) for take in made)
        both = [np.stack([take[name][:count] for take in made]) for name in ("pose", "expression")]
        seen = np.logical_and.reduce([np.isfinite(it).all((0, 2)) for it in both])
        pose, expression = (it[:, seen].astype(np.float64) for it in both)
        pose = motion.wrapped(pose - pose[:1]) + pose[:1]  # about the first take's, not across 180
        values = {
            "diversity_pose": motion.spread_over_samples(pose) if seen.any() else None,
            "diversity_expression": motion.spread_over_samples(expression) if seen.any() else None,
            "diversity_pose_pairs": motion.pairwise_distance(pose) if seen.any() else None,
        }
        reason = "no frame shows a face in all takes"
        return all_scores(values, reason, frames=int(seen.sum()), settings=settings)


class TakeWatch(BaseWatch):
    """Keeps how a head and a face move, and the level of the sound they move to."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """None for a single take."""
        return {}

    def contribution(self) -> Mapping[str, Array] | None:
        """Pose ``(f, 3)``, expression ``(f, 136)`` and level ``(f,)`` of the first minute."""
        import numpy as np

        from lipkit.metrics.beats import levels
        from lipkit.metrics.ibug import upright

        if self.clip.wave is None:
            return None
        points = upright(points_of(self.clip))[:LONGEST]
        return {
            "pose": pose_of(self.clip)[:LONGEST].astype(np.float32),
            "expression": points.reshape(len(points), -1).astype(np.float32),
            "level": levels(self.clip.wave)[:LONGEST].astype(np.float32),
        }


def fault(takes: Sequence[Mapping[str, Array]]) -> str | None:
    """Why these clips are no takes of one sound; None if they are."""
    from lipkit.metrics.landmark_distance import correlation

    if len(takes) < 2:
        return "takes two clips of one sound"
    first = takes[0]["level"]
    for take in takes[1:]:
        count = min(len(first), len(take["level"]))
        alike = correlation(first[:count], take["level"][:count])
        if alike is None or alike < SAME_SOUND:
            return "the clips do not share one sound, so they are no takes of it"
    return None
