"""What a clip finds out about itself."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipkit.media.video import AudioTrack, Encode, VideoWriter
from lipkit.metrics.clip import Clip
from lipkit.metrics.tracking import regular
from lipkit.protocols import FaceTrack


def track(fps: int, count: int, shot: list[int] | None = None) -> FaceTrack:
    points = np.zeros((count, 2, 2), np.float32)
    points[..., 0] = (np.arange(count) / fps * 100)[:, None]
    return FaceTrack(
        points=points,
        valid=np.ones(count, np.bool_),
        shot=np.array(shot or [0] * count),
        times=tuple(Fraction(k, fps) for k in range(count)),
        fps=Fraction(fps),
        frame_size=(64, 64),
        scheme="five",
    )


@pytest.mark.parametrize("fps", [10, 25, 30, 60])
def test_landmarks_at_25_a_second_lie_on_the_line_between(fps: int) -> None:
    ticks = [Fraction(k, 25) for k in range(20)]
    found = regular(track(fps, fps), ticks, Fraction(25))
    assert found.valid.all()
    assert found.fps == 25
    np.testing.assert_allclose(found.points[:, 0, 0], np.arange(20) * 4, atol=1e-4)


def test_nothing_is_interpolated_across_cuts_and_gaps() -> None:
    cut = regular(track(10, 4, [0, 0, 1, 1]), [Fraction(k, 25) for k in range(8)], Fraction(25))
    jumps = cut.points[[3, 4], 0, 0]
    assert jumps.tolist() == [10, 20]  # 0.12 s and 0.16 s, between frames at 0.1 s and 0.2 s
    assert cut.shot[[3, 4]].tolist() == [0, 1]
    gap = track(10, 4)
    gap.valid[2] = False
    found = regular(gap, [Fraction(k, 25) for k in range(8)], Fraction(25))
    assert found.valid.tolist() == [True, True, True, False, False, False, False, False]
    assert regular(gap, gap.times, Fraction(10)).valid.tolist() == [True, True, False, True]


@pytest.fixture
def talking(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A face that moves right by a pixel a frame, after three frames without one."""
    soundfile.write(tmp_path / "a.wav", np.full(3200, 0.25), 16000)
    times = [Fraction(k, 30) for k in range(12)]
    path = tmp_path / "talk.mkv"
    sound = AudioTrack(tmp_path / "a.wav")
    encode = Encode("ffv1", lossless=True)
    with VideoWriter(path, size=(256, 256), times=times, encode=encode, audio=sound) as writer:
        for k in range(12):
            left = 100 - k
            shown = astronaut[:256, left : left + 256] if k > 2 else astronaut[-256:, :256] // 8
            writer.write(shown[None])
    return path


def test_a_clip_knows_its_face_times_and_sound(talking: Path) -> None:
    clip = Clip("talk", talking)
    assert clip.times == [Fraction(k, 30) for k in range(12)]
    assert not clip.tracked
    assert clip.track.valid.tolist() == [False] * 3 + [True] * 9
    nose = clip.track.points[3:, 1, 0]
    np.testing.assert_allclose(np.diff(nose), 1, atol=0.4)
    assert (clip.track.shot[2], clip.track.shot[3]) == (0, 1)
    assert (clip.frame_count, clip.fps, clip.size) == (12, 30, (256, 256))
    assert clip.end == Fraction(12, 30)
    assert len(clip.rows25) == len(clip.track25) == 10
    assert clip.first_face is not None
    assert clip.first_face.shape == (256, 256, 3)
    assert clip.wave is not None
    assert clip.wave.mean() == pytest.approx(0.25, abs=0.02)
    assert clip.silence is None
    assert Clip("c", talking, reference=clip).picture is clip.first_face
    still = np.zeros((4, 4, 3), np.uint8)
    assert Clip("c", talking, reference=clip, still=still).picture is still


def test_undecodable_sound_is_silence_with_a_reason(tmp_path: Path, talking: Path) -> None:
    clip = Clip("talk", talking, sound=tmp_path / "none.wav")
    (tmp_path / "none.wav").write_bytes(b"RIFF")
    assert clip.wave is None
    assert clip.silence
    assert str(tmp_path) not in clip.silence
