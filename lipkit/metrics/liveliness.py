"""How a face lives: head motion, tremble of landmarks, blinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.landmarks import points_of, settings_of
from lipkit.metrics.values import all_scores, curve, score
from lipkit.protocols import Better, Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip

    Array = NDArray[Any]

FPS = 25
AXES = ("yaw", "pitch", "roll")
NO_PAIR = "no two neighbouring frames show a face"
NO_FACE = "no frame shows a face"
TOO_SHORT = "no four frames in a row show a face"
ESTIMATOR = "axes through FaceMesh's eye corners, forehead and chin"


def measure(name: str, title: str, unit: str, recipe: str, better: Better = "real") -> Measure:
    """A measure that should be as in real videos."""
    return Measure(name, title, unit, better, recipe)


class HeadMotion(Base):
    """How much the head turns."""

    needs = frozenset({"face"})
    measures = (
        measure("delta_p", "Delta P", "degrees", "VASA-1: mean change of yaw, pitch, roll a frame"),
        measure("delta_p_l2", "Delta P, L2", "degrees", "length of the three changes"),
        measure("delta_p_geodesic", "Delta P, geodesic", "degrees", "angle of the turn a frame"),
        measure("pose_std", "Pose deviation", "degrees", "SadTalker: over time, mean of the axes"),
        *(
            measure(f"{axis}_range", f"Range of {axis}", "degrees", "2nd to 98th percentile")
            for axis in AXES
        ),
    )

    def watch(self, clip: Clip) -> HeadWatch:
        """A watch that measures the head's turns."""
        return HeadWatch(clip)


class HeadWatch(BaseWatch):
    """Measures the turns of a head."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Steps and ranges of the pose."""
        from lipkit.metrics import motion

        pose = pose_of(self.clip)
        steps = {
            "delta_p": motion.delta_p(pose),
            "delta_p_l2": motion.delta_p_l2(pose),
            "delta_p_geodesic": motion.delta_p_geodesic(pose),
        }
        spread, ranges = motion.pose_spread(pose), motion.pose_range(pose)
        spreads = {"pose_std": sum(spread) / 3 if spread else None}
        spreads |= {f"{axis}_range": ranges[i] if ranges else None for i, axis in enumerate(AXES)}
        shared = {
            "frames": int(self.clip.track25.valid.sum()),
            "settings": {**settings_of(self.clip), "pose": ESTIMATOR},
        }
        return all_scores(steps, NO_PAIR, **shared) | all_scores(spreads, NO_FACE, **shared)


class PoseError(Base):
    """How far the head's pose is from the reference's."""

    needs = frozenset({"face", "reference"})
    measures = (
        measure("pose_error", "Pose error", "degrees", "mean of yaw, pitch and roll", "lower"),
    )

    def watch(self, clip: Clip) -> PoseErrorWatch:
        """A watch that compares two poses."""
        return PoseErrorWatch(clip)


class PoseErrorWatch(BaseWatch):
    """Compares the poses of a clip and of its reference."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """The mean error over frames with a face in both."""
        from lipkit.metrics import motion
        from lipkit.metrics.landmark_distance import truncated

        assert self.clip.reference is not None, "the engine hands on pairs only"
        made, truth = truncated(pose_of(self.clip), pose_of(self.clip.reference))
        settings = {**settings_of(self.clip), "pose": ESTIMATOR}
        reason = "no frame shows a face in both clips"
        value = motion.pose_error(made, truth)
        return {"pose_error": score(value, reason, frames=len(made), settings=settings)}


class Tremble(Base):
    """How smoothly the landmarks move."""

    needs = frozenset({"face"})
    measures = (
        measure(
            "jitter",
            "Jitter",
            "eye distances/s^3",
            "third difference of 68 landmarks, as VLOGGER's temporal consistency",
            "lower",
        ),
        measure("acceleration", "Acceleration", "eye distances/s^2", "second difference", "lower"),
    )

    def watch(self, clip: Clip) -> TrembleWatch:
        """A watch that measures how the landmarks' motion changes."""
        return TrembleWatch(clip)


class TrembleWatch(BaseWatch):
    """Measures the derivatives of landmarks."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Jerk and acceleration in the clip's median eye distance."""
        import numpy as np

        from lipkit.metrics.landmark_distance import eye_distance
        from lipkit.metrics.motion import roughness

        points = points_of(self.clip)
        unit = eye_distance(points)
        known = unit[np.isfinite(unit)]
        points = points / float(np.median(known)) if len(known) else points
        values = {"jitter": roughness(points, FPS, 3), "acceleration": roughness(points, FPS, 2)}
        return all_scores(values, TOO_SHORT, frames=len(known), settings=settings_of(self.clip))


class Blinking(Base):
    """How often and how long the eyes close."""

    needs = frozenset({"face"})
    measures = (
        measure(
            "blink_rate",
            "Blinks",
            "1/min",
            "aspect ratio under 0.6 of its median for 12 frames at most; lowered gaze counts too",
        ),
        measure("blink_length", "Blink length", "ms", "mean over the blinks"),
        measure("eyes_closed", "Eyes closed", "share", "of the frames, long closures too"),
    )

    def watch(self, clip: Clip) -> BlinkWatch:
        """A watch that counts blinks."""
        return BlinkWatch(clip)


class BlinkWatch(BaseWatch):
    """Counts blinks."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Rate, mean length and share of closed frames."""
        from lipkit.metrics.blinks import blinks, openness

        ratio = openness(points_of(self.clip))
        found = blinks(ratio)
        if found is None:
            return {item.name: Score(None, reason=NO_FACE) for item in Blinking.measures}
        settings = {**settings_of(self.clip), "blinks": len(found.events)}
        settings["long_closures"] = len(found.long_closures)
        lengths = found.lengths
        values = {
            "blink_rate": found.per_minute(FPS),
            "blink_length": 1000 / FPS * sum(lengths) / len(lengths) if lengths else None,
            "eyes_closed": found.closed,
        }
        scores = all_scores(values, "no blink", frames=found.frames, settings=settings)
        shown = score(
            values["blink_rate"],
            "",
            frames=found.frames,
            settings=settings,
            curves={"eye aspect ratio": curve(ratio)},
        )
        return scores | {"blink_rate": shown}


def pose_of(clip: Clip) -> Array:
    """Yaw, pitch and roll ``(f, 3)`` in degrees at 25 frames a second, NaN without a face."""
    from lipkit.metrics.motion import head_pose

    return head_pose(clip.track25)
