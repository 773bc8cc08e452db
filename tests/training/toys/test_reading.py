"""Motion and identity are read back from pictures, also from blurred and noisy ones."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lipkit.training.toys.drawing import draw_frames
from lipkit.training.toys.likeness import nearest
from lipkit.training.toys.motion import INDEX, LIPS
from lipkit.training.toys.reading import read
from lipkit.training.toys.takes import Toys, ToySpec

CAST = Toys(ToySpec(seconds=1.0, held_out=12)).held_out


def worsened(frames, blur, noise, seed=0):
    rng = np.random.default_rng(seed)
    soft = np.stack([gaussian_filter(f.astype(float), (blur, blur, 0)) for f in frames])
    return (soft + noise * rng.standard_normal(frames.shape)).clip(0, 255).astype(np.uint8)


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


@pytest.mark.parametrize(("blur", "noise"), [(0.0, 0), (1.3, 12)])
def test_all_of_the_motion(blur, noise):
    made, truth = [], []
    for take in CAST[:2]:
        frames = worsened(take.pictures(0, 24)[::4], blur, noise)
        made.append(read(frames, take.who).motion)
        truth.append(take.motion[0:24:4])
    made, truth = np.concatenate(made), np.concatenate(truth)
    least = {"aperture": 0.98, "yaw": 0.95, "pitch": 0.95, "roll": 0.95, "blink_left": 0.95}
    for name, r in least.items():
        k = INDEX[name]
        assert correlation(made[:, k], truth[:, k]) > r, name
    assert np.abs(made - truth)[:, INDEX["aperture"]].mean() < 0.02
    assert np.abs(made - truth)[:, INDEX["yaw"]].mean() < 1.5


def test_lips_alone_where_the_rest_is_known():
    take = CAST[3]
    frames = worsened(take.pictures(0, 24), 1.0, 10)
    found = read(frames, take.who, known=take.motion[:24], free=LIPS)
    assert correlation(found["aperture"], take.motion[:24, INDEX["aperture"]]) > 0.98
    assert correlation(found["width"], take.motion[:24, INDEX["width"]]) > 0.9
    assert np.array_equal(found["yaw"], take.motion[:24, INDEX["yaw"]])


def test_what_was_not_generated_is_not_read():
    take = CAST[3]
    known = take.motion[:24]
    still = known.copy()
    still[:, INDEX["aperture"]] = 0.1
    where = np.zeros((24, 64, 64), np.float32)
    where[:, 34:52, 16:48] = 1  # the lips, not the chin, which moves with them
    frozen = draw_frames(take.who, still, 64)
    frames = np.where(where[..., None] > 0, frozen, take.pictures(0, 24))
    seen = {"known": known, "free": LIPS}
    found = read(frames, take.who, **seen, where=where)["aperture"]
    assert found.std() < 0.1 * known[:, INDEX["aperture"]].std()
    lips = read(take.pictures(0, 24), take.who, **seen, where=where)["aperture"]
    assert correlation(lips, known[:, INDEX["aperture"]]) > 0.98


def test_larger_pictures_and_lost_faces():
    take = Toys(ToySpec(size=128, seconds=1.0)).held_out[5]
    frames = take.pictures(0, 3)
    frames[1] = np.random.default_rng(0).integers(0, 255, frames[1].shape)
    found = read(frames, take.who)
    kept = [0, 2]
    assert found.error[1] > 5 * found.error[kept].max()
    assert found["aperture"][kept] == pytest.approx(take.motion[kept, 0], abs=0.03)


def test_people_are_told_apart_by_their_heads():
    people = [take.who for take in CAST[:8]]
    for k in (0, 4):
        frame = worsened(CAST[k].pictures(12, 13), 1.4, 14)[0]
        frame[:, :10] = 0  # other surroundings
        assert nearest(frame, people) == people[k]
