"""What a clip is made of, good or bad: sound, cuts, the face's size and sharpness."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.values import all_scores, score
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames, Passage

    Array = NDArray[Any]

FROZEN = 0.2  # grey levels that a face changes by, less than any camera's noise
ADAPTIVE = 3.0  # times the neighbouring changes: what makes a cut
CUT_WIDTH = 256  # pixels of the frames in which cuts are looked for
VAD = "silero-vad"
NOBODY_SPEAKS = "nobody speaks"
TOO_SHORT = "under 0.2 s of speech or of its absence, or the rest is as loud"


class SoundLevel(Base):
    """How loud the sound gets."""

    needs = frozenset({"audio"})
    measures = (
        Measure("audio_peak", "Peak level", "dBFS", "none", "largest sample at 16 kHz, mono"),
        Measure("audio_clipping", "Clipping", "share", "lower", "samples at full scale in a row"),
    )

    def watch(self, clip: Clip) -> LevelWatch:
        """A watch that measures the level."""
        return LevelWatch(clip)


class LevelWatch(BaseWatch):
    """Measures the level of a clip's sound."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Peak and clipping; no peak in digital silence."""
        from lipkit.metrics import quality

        wave = self.clip.wave
        if wave is None or not wave.any():
            none = Score(None, reason="the sound is silent")
            return {"audio_peak": none, "audio_clipping": none}
        values = {"audio_peak": quality.peak(wave), "audio_clipping": quality.clipping(wave)}
        return all_scores(values, "no sound")


class Speech(Base):
    """How much is spoken, and how far above the noise."""

    needs = frozenset({"audio"})
    packages = ("silero_vad",)
    measures = (
        Measure("speech_share", "Speech", "share", "higher", f"of the time, by {VAD}"),
        Measure("snr", "Signal to noise", "dB", "higher", f"power in speech over the rest, {VAD}"),
    )

    def watch(self, clip: Clip) -> SpeechWatch:
        """A watch that finds speech."""
        return SpeechWatch(clip)


class SpeechWatch(BaseWatch):
    """Finds speech in a clip's sound."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Share and signal-to-noise ratio."""
        from lipkit.audio.silero import segments
        from lipkit.metrics import quality

        wave = self.clip.wave
        if wave is None or not len(wave):
            none = Score(None, reason="no sound")
            return {"speech_share": none, "snr": none}
        spoken = segments(wave)
        mask = quality.mask_of(spoken, len(wave))
        settings = {"vad": VAD, "segments": len(spoken)}
        reason = TOO_SHORT if spoken else NOBODY_SPEAKS
        return {
            "speech_share": Score(float(mask.mean()), settings=settings),
            "snr": score(quality.snr(wave, mask), reason, settings=settings),
        }


class Cuts(Base):
    """How often the scene changes."""

    needs = frozenset({"video"})
    packages = ("scenedetect",)
    measures = (
        Measure("cuts", "Scene cuts", "", "none", "PySceneDetect's AdaptiveDetector, threshold 3"),
    )

    def watch(self, clip: Clip) -> CutWatch:
        """A watch that looks for cuts."""
        return CutWatch(clip)


class AdaptiveCuts:
    """PySceneDetect's AdaptiveDetector on frames that come one by one, ``fps`` a second.

    ``found`` are the frames that begin a scene, the very first left out.
    """

    def __init__(self, fps: float, threshold: float) -> None:
        from scenedetect import AdaptiveDetector

        self.fps = float(fps)  # a whole number would count as frames
        self._detector = AdaptiveDetector(adaptive_threshold=threshold)
        self.found: list[int] = []

    def see(self, row: int, frame: Frames) -> None:
        """Compare frame number ``row``, ``(h, w, 3)``, with the ones before."""
        from scenedetect import FrameTimecode

        time = FrameTimecode(row, self.fps)
        cuts = self._detector.process_frame(time, shrunken(frame)[..., ::-1])
        self.found += [cut.frame_num for cut in cuts]


class CutWatch(BaseWatch):
    """Looks for cuts."""

    def __init__(self, clip: Clip) -> None:
        self.cuts = AdaptiveCuts(float(clip.fps), ADAPTIVE)
        self.frames = 0

    def see(self, passage: Passage) -> None:
        """Compare the frames with the ones before."""
        for row, frame in zip(passage.rows, passage.frames, strict=True):
            self.cuts.see(int(row), frame)
            self.frames += 1

    def scores(self) -> Mapping[str, Score]:
        """The number of cuts, and at which frames they are."""
        found = self.cuts.found
        settings = {"detector": f"adaptive, threshold {ADAPTIVE:g}", "at_frames": found}
        return {"cuts": Score(float(len(found)), frames=self.frames, settings=settings)}


class Presence(Base):
    """How many frames show a face at all, and how many there are."""

    needs = frozenset({"video"})
    measures = (
        Measure("detection_rate", "Frames with a face", "share", "higher", "MediaPipe, one face"),
        Measure("duration", "Duration", "s", "none", "until the last frame goes away"),
        Measure("fps", "Frame rate", "1/s", "none", "as declared by the file"),
    )

    def watch(self, clip: Clip) -> PresenceWatch:
        """A watch that counts faces."""
        return PresenceWatch(clip)


class PresenceWatch(BaseWatch):
    """Counts the frames with a face."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """Rate of detection, duration and frame rate."""
        track = self.clip.track
        rate = float(track.valid.mean()) if len(track) else None
        values = {
            "detection_rate": rate,
            "duration": float(self.clip.end),
            "fps": float(self.clip.fps),
        }
        return all_scores(values, "no frames", frames=len(track))


class FacePicture(Base):
    """How large and sharp the face is, and whether it is alive."""

    needs = frozenset({"video", "face"})
    measures = (
        Measure("face_size", "Face size", "px", "higher", "root of the landmarks' box, median"),
        Measure(
            "sharpness",
            "Sharpness of the face",
            "levels^2",
            "higher",
            "variance of the luma's Laplacian, face at 256 px, median",
        ),
        Measure(
            "frozen",
            "Frozen frames",
            "share",
            "lower",
            f"the face changes by less than {FROZEN:g} grey levels",
        ),
    )

    def watch(self, clip: Clip) -> FaceWatch:
        """A watch that looks at the face."""
        return FaceWatch(clip)


class FaceWatch(BaseWatch):
    """Looks at the face frame by frame."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.sizes: list[float] = []
        self.sharp: list[float] = []
        self.changes: list[float] = []
        self.last: tuple[Frames, Array] | None = None

    def see(self, passage: Passage) -> None:
        """Measure the faces."""
        for row, frame in zip(passage.rows, passage.frames, strict=True):
            self._look(int(row), frame)

    def _look(self, row: int, frame: Frames) -> None:
        from lipkit.faces.warping import box_of
        from lipkit.metrics import quality

        track = self.clip.track
        if row >= len(track) or not track.valid[row]:
            self.last = None
            return
        box = box_of(track.points[row])
        face = quality.portrait(frame, box)
        if face is None:
            self.last = None
            return
        if self.last is not None:
            before, place = self.last
            again = quality.portrait(frame, place)
            if again is not None:
                self.changes.append(quality.change(again, before))
        self.sizes.append(float(quality.face_size(box[None])[0]))
        self.sharp.append(quality.sharpness(face))
        self.last = face, box

    def scores(self) -> Mapping[str, Score]:
        """Medians of size and sharpness; the share of frames that repeat the last one."""
        import numpy as np

        frozen = float((np.array(self.changes) < FROZEN).mean()) if self.changes else None
        values = {
            "face_size": float(np.median(self.sizes)) if self.sizes else None,
            "sharpness": float(np.median(self.sharp)) if self.sharp else None,
        }
        frames = len(self.sizes)
        alive = score(frozen, "no two frames in a row show a face", frames=frames)
        return all_scores(values, "no face inside the frame", frames=frames) | {"frozen": alive}


def shrunken(frame: Frames) -> Frames:
    """The frame ``(h, w, 3)`` no wider than cuts need it."""
    import cv2
    import numpy as np

    factor = Fraction(CUT_WIDTH, max(frame.shape[1], CUT_WIDTH))
    size = max(1, round(frame.shape[1] * factor)), max(1, round(frame.shape[0] * factor))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
