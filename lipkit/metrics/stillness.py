"""What should hold still in a video: pixels that an edit had no business with, and textures."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lipkit.faces.geometry import similarity
from lipkit.faces.landmarks import semantic
from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.pairs import sized
from lipkit.metrics.similarity import decibels
from lipkit.protocols import Measure, Passage, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import FaceTrack, Frames

    Array = NDArray[Any]

GROW = 0.6  # of the region that may change, in distances of the eyes
REGION = f"all but nose to chin, grown by {GROW} of the eyes' distance"
AWAY = 1.0  # of the face's outline to what counts as background, likewise
COARSE = 480  # longest side of the copy in which it is found
LEAST = 0.02  # of a frame's pixels, below which a region says nothing
SIDE = 128  # of the steadied upper face
EYES_AT = ((38.0, 64.0), (90.0, 64.0))  # where the eyes' centres come to lie in it
STILL = 0.35  # pixels of it that eyes may seem to move while the face holds still
UPPER = slice(16, 84), slice(32, 96)  # of it: forehead, eyes, cheeks and half the nose


def editable(track: FaceTrack, row: int) -> Array | None:
    """Where an edit of the mouth may change pixels ``(h, w)`` bool; None without a face."""
    from lipkit.faces.masks import mask

    if row >= len(track) or not track.valid[row]:
        return None
    found = mask("lower", track.points[row], track.scheme, track.frame_size, grow=GROW)
    return np.asarray(found > 0)


class Untouched(Base):
    """Whether an edited video left alone what it had to leave alone."""

    needs = frozenset({"video", "reference", "face"})
    measures = (
        Measure(
            "psnr_outside", "PSNR outside the mouth", "dB", "higher",
            f"over all pixels of all frames: {REGION}",
        ),
        Measure(
            "identical_outside", "Identical pixels outside the mouth", "", "higher",
            f"share of pixels equal to the reference's: {REGION}",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> UntouchedWatch:
        """A fresh watch."""
        return UntouchedWatch(clip.track)


class UntouchedWatch(BaseWatch):
    """Sums up what differs outside the region."""

    def __init__(self, track: FaceTrack) -> None:
        self._track = track
        self._pixels = self._equal = self._frames = self._left_out = 0
        self._error = 0.0
        self._sizes: tuple[str, str] | None = None

    def see(self, passage: Passage) -> None:
        """Compare the frames' outsides."""
        assert passage.reference is not None
        if passage.frames.shape[1:] != passage.reference.shape[1:]:
            self._sizes = sized(passage.frames), sized(passage.reference)
            return
        for row, made, real in zip(passage.rows, passage.frames, passage.reference, strict=True):
            inside = editable(self._track, int(row))
            if inside is None:
                self._left_out += 1
            else:
                self._compare(made, real, ~inside)

    def _compare(self, made: Frames, real: Frames, outside: Array) -> None:
        import cv2

        apart = cv2.absdiff(made, real)
        apart = cv2.bitwise_and(apart, apart, mask=outside.view(np.uint8))
        red, green, blue = cv2.split(apart)
        count = int(np.count_nonzero(outside))
        self._frames += 1
        self._pixels += count
        self._equal += count - cv2.countNonZero(cv2.max(cv2.max(red, green), blue))
        self._error += float(cv2.norm(apart, cv2.NORM_L2SQR))

    def scores(self) -> Mapping[str, Score]:
        """Both scores over the whole clip."""
        settings = {"region": REGION, "frames_left_out": self._left_out}
        reason = None
        if self._sizes:
            reason = "frames are {}, the reference's {}".format(*self._sizes)
        elif not self._pixels:
            reason = "no frame has anything outside the region"
        if reason:
            none = Score(None, reason=reason, settings=settings)
            return {measure.name: none for measure in Untouched.measures}
        level = decibels(self._error / (3 * self._pixels))
        equal = None if level is not None else "no pixel outside differs"
        share = self._equal / self._pixels
        return {
            "psnr_outside": Score(level, self._frames, equal, settings),
            "identical_outside": Score(share, self._frames, settings=settings),
        }


def background(track: FaceTrack, row: int) -> Array:
    """Where a frame shows neither face nor hair ``(h, w)`` bool, found on a small copy."""
    import cv2

    from lipkit.faces.masks import mask

    shrink = max(1.0, max(track.frame_size) / COARSE)
    width, height = (round(side / shrink) for side in track.frame_size)
    points = track.points[row] / shrink
    near = mask("oval", points, track.scheme, (width, height), grow=AWAY) > 0
    large = cv2.resize(near.view(np.uint8), track.frame_size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(large == 0)


class Seen(NamedTuple):
    """A frame's luma ``(h, w)``, the background in it, and the eyes' centres ``(2, 2)``."""

    luma: Array
    background: Array
    eyes: Array
    shot: int


class Flicker(Base):
    """How restless pixels are that move little: the background, and the skin of the face.

    Measured by half the second difference in time, which is blind to what changes steadily.
    """

    needs = frozenset({"video", "face"})
    measures = (
        Measure(
            "flicker_outside", "Flicker outside the face", "grey levels", "real",
            "mean |I(t) - (I(t-1) + I(t+1)) / 2| of luma, far from the face",
        ),
        Measure(
            "flicker_face", "Flicker of the upper face", "grey levels", "real",
            "the same of the upper face, held still by the eyes, 128 pixels wide",
        ),
    )  # fmt: skip

    def watch(self, clip: Clip) -> FlickerWatch:
        """A fresh watch."""
        return FlickerWatch(clip.track)


class FlickerWatch(BaseWatch):
    """Looks at three frames at a time."""

    def __init__(self, track: FaceTrack) -> None:
        self._track = track
        self._seen: deque[Seen | None] = deque(maxlen=3)
        self._outside: list[float] = []
        self._face: list[float] = []

    def see(self, passage: Passage) -> None:
        """Compare each frame with the mean of its neighbours."""
        for row, frame in zip(passage.rows, passage.frames, strict=True):
            self._seen.append(self._look(frame, int(row)))
            if len(self._seen) == 3:
                self._measure()

    def _look(self, frame: Frames, row: int) -> Seen | None:
        import cv2

        track = self._track
        if row >= len(track) or not track.valid[row]:
            return None
        luma = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
        parts = semantic(track.points[row, :, :2], track.scheme)
        eyes = np.stack([parts[name].mean(0) for name in ("left_eye", "right_eye")])
        return Seen(luma, background(track, row), eyes, int(track.shot[row]))

    def _measure(self) -> None:
        every = [seen for seen in self._seen if seen is not None]
        if len(every) < 3 or len({seen.shot for seen in every}) > 1:
            return
        away = np.logical_and.reduce([seen.background for seen in every])
        if away.mean() >= LEAST:
            self._outside.append(float(unrest([seen.luma for seen in every])[away].mean()))
        self._face.append(float(unrest(steadied(every))[UPPER].mean()))

    def scores(self) -> Mapping[str, Score]:
        """Means over the frames that have two neighbours of the same shot."""
        found = {"flicker_outside": self._outside, "flicker_face": self._face}
        reasons = {
            "flicker_outside": "no three frames in a row show much beside a face",
            "flicker_face": "no three frames in a row show a face",
        }
        return {
            name: Score(float(np.mean(values)), len(values), curves={"per frame": values})
            if values
            else Score(None, reason=reasons[name])
            for name, values in found.items()
        }


def unrest(lumas: list[Array]) -> Array:
    """How far the second of three pictures ``(h, w)`` lies from the mean of its neighbours."""
    before, here, after = (luma.astype(np.int16) for luma in lumas)
    return np.asarray(np.abs(2 * here - before - after) * np.float32(0.5))


def steadied(seen: list[Seen]) -> list[Array]:
    """The face in each of three frames as ``(128, 128)``, its eyes always at the same place.

    A face that hardly moves is taken to hold still: else the noise of its landmarks would show.
    """
    from lipkit.faces.warping import transform, warp

    matrices = [similarity(one.eyes, np.array(EYES_AT)) for one in seen]
    moved = [transform(one.eyes, matrices[1]) - EYES_AT for one in seen]
    if np.abs(moved).max() < STILL:
        matrices = [matrices[1]] * len(seen)
    return [warp(one.luma, m, (SIDE, SIDE)) for one, m in zip(seen, matrices, strict=True)]
