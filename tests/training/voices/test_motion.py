import numpy as np
import pytest

from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT, NATURAL_JAW
from lipkit.training.voices import gestures, motion
from lipkit.training.voices.visemes import Segment, activations

SPOKEN = [Segment(0.2 * i, 0.2 * i + 0.2, p) for i, p in enumerate("aba" * 4)]


def speaking(frames: int = 5000) -> gestures.Speaking:
    rng = np.random.default_rng(0)
    active = (np.arange(frames) % 150 < 110).astype(np.float32)
    accent = (rng.random(frames) < 0.09) * active
    ended = np.diff(active, prepend=0) < 0
    return gestures.Speaking(active, accent.astype(np.float32), ended)


def test_layout_is_the_codecs():
    assert MESH_LAYOUT.channels == motion.CHANNELS
    assert motion.NATURAL_JAW == NATURAL_JAW


def test_bilabials_seal_the_lips_while_the_jaw_stays_low():
    lips = motion.lips(activations(SPOKEN, 60), np.zeros(60, np.float32))
    b, a = 7, 2  # frames in the middle of the first b and the first a
    assert lips[b, 0] < 0.01
    assert lips[b, 2] > 0.9
    assert lips[b, 3] > 0.4 * lips[a, 3]
    assert np.abs(np.diff(lips[:, 3])).max() < np.abs(np.diff(lips[:, 0])).max() / 2


@pytest.mark.parametrize(("start", "stop"), [(50, 100), (0, 60), (140, 200)])
def test_long_silence_brings_the_lips_to_rest(start, stop):
    silent = np.zeros(200, bool)
    silent[start:stop] = True
    resting = motion.rest(silent)
    first = start + 12 if start else 0
    last = stop - 4 if stop < 200 else stop
    assert (resting[first:last] == 1).all()
    assert (resting[: max(0, start)] == 0).all()
    assert (resting[stop:] == 0).all()


def test_short_silence_does_not():
    silent = np.zeros(100, bool)
    silent[40:52] = True
    assert not motion.rest(silent).any()


def test_silent_recording_rests_however_short():
    assert motion.rest(np.ones(1, bool)) == 1


def test_head_moves_within_the_measured_ranges():
    pose = gestures.head(speaking(), np.random.default_rng(1))
    clips = pose.reshape(-1, 250, 6).std(1).mean(0)
    assert 3 < clips[0] < 10
    assert 3 < clips[1] < 6
    assert 2 < clips[2] < 6
    assert np.abs(np.diff(pose[:, :3], axis=0)).max() < 3  # degrees in 40 ms


def test_nods_go_with_accents():
    around = speaking()
    pitch = gestures.head(around, np.random.default_rng(1))[:, 1]
    after = np.flatnonzero(around.accent[:-6]) + 3
    assert pitch[after].mean() > pitch.mean() + 0.5


def test_blinks_close_fast_and_open_slowly():
    lids = gestures.blinks(speaking(9000), np.random.default_rng(2))
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0))
    per_minute = len(starts) / 6
    assert 12 < per_minute < 26
    assert lids.max() <= 1
    lengths = [np.argmax(lids[s + 1 :] == 0) for s in starts[:-1]]
    assert 5 <= np.median(lengths) <= 8
