"""Pictures and sound in, frames out; and videos edited."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput
from lipkit.models.vlogger.config import VloggerConfig
from lipkit.models.vlogger.editing import VloggerEditor
from lipkit.models.vlogger.model import Vlogger
from lipkit.models.vlogger.performing import VloggerPerformer, lasting
from lipkit.protocols import Face, FaceTrack, Features
from lipkit.training.toys.takes import Toy, Toys, ToySpec


@pytest.fixture(scope="module")
def take() -> Toy:
    return Toys(ToySpec(size=96, seconds=0.6)).training[2]


@pytest.fixture(scope="module")
def performer(model: Vlogger, small: VloggerConfig) -> VloggerPerformer:
    return VloggerPerformer(model, small)


def face_of(take: Toy) -> Face:
    points = take.mesh(0, 1)[0]
    box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
    return Face(box, points, 1.0)


def test_a_picture_talks(performer: VloggerPerformer, take: Toy) -> None:
    picture = take.pictures(0, 1)[0]
    canvas = performer.sit(picture, face_of(take))
    total = performer.count(len(take.wave))
    assert total == 15
    pieces = list(performer.perform(canvas, performer.hear(lambda: [take.wave]), total))
    crops = np.concatenate(pieces)
    assert crops.shape == (15, 32, 32, 3)
    assert crops.dtype == np.uint8
    assert max(map(len, pieces)) <= performer.form.window
    again = performer.perform(
        canvas, performer.hear(lambda: [take.wave[:3000], take.wave[3000:]]), total
    )
    np.testing.assert_array_equal(np.concatenate(list(again)), crops)
    assert canvas.paste(crops[:2]).shape == (2, 96, 96, 3)


def test_features_of_a_file_are_heard_like_the_sound(
    performer: VloggerPerformer, take: Toy
) -> None:
    from lipkit.sync.hearing import encoder_of

    features = encoder_of("mel").encode(take.wave)
    direct = np.concatenate(list(performer.hear(lambda: [take.wave])))
    np.testing.assert_allclose(np.concatenate(list(performer.recall(features, "x"))), direct)
    with pytest.raises(BadInput, match="whisper"):
        performer.recall(Features(features.data, features.rate, "whisper-tiny"), "x")


def test_what_is_heard_lasts_as_long_as_it_must() -> None:
    rows = np.concatenate(list(lasting([np.arange(3), np.arange(3, 5)], 9)))
    assert rows.tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4]
    assert len(np.concatenate(list(lasting([np.arange(30)], 9)))) == 9
    with pytest.raises(BadInput, match="too short"):
        list(lasting([], 3))


def test_sizes_that_the_cascade_lacks_are_refused(model: Vlogger, small: VloggerConfig) -> None:
    base = replace(small, sampling=replace(small.sampling, size=16))
    assert VloggerPerformer(model, base).size == 16
    with pytest.raises(BadInput, match="16, 32"):
        VloggerPerformer(model, replace(small, sampling=replace(small.sampling, size=20)))


def tracked(take: Toy, count: int, deep: int = 8) -> tuple[FaceTrack, np.ndarray]:
    fps = Fraction(take.fps)
    valid = np.ones(count, np.bool_)
    valid[-1] = False
    frames = take.pictures(0, count)
    track = FaceTrack(
        take.mesh(0, count), valid, np.zeros(count, int), [k / fps for k in range(count)], fps,
        (take.size, take.size), "mediapipe478",
    )  # fmt: skip
    return track, frames if deep == 8 else frames.astype(np.uint16) * 257


@pytest.mark.parametrize("region", ["mouth", "eyes", "expression"])
@pytest.mark.parametrize("deep", [8, 16])
def test_editing_leaves_all_else_as_it_was(
    region: str, deep: int, model: Vlogger, small: VloggerConfig, take: Toy
) -> None:
    editor = VloggerEditor(model, replace(small.sampling, edit=region))
    track, frames = tracked(take, 7, deep)
    study = editor.study(track, lambda rows: (frames[row : row + 1] for row in rows))
    voice = editor.hear([take.wave])
    rows = list(range(2, 7))
    times = [track.times[row] for row in rows]
    made = editor.edit(frames[rows], rows, times, track, voice, study)
    touched = editor.touched(rows, times, track, voice, study)
    changed = (made != frames[rows]).any(-1)
    assert made.dtype == frames.dtype
    assert not (changed & ~touched).any()
    assert changed[:-1].any((1, 2)).all()
    assert not changed[-1].any()  # there is no face
    height = np.nonzero(touched[0])[0]
    middle = take.mesh(2, 3)[0, 4, 1]  # the tip of the nose
    if region != "expression":
        assert (height.mean() > middle) == (region == "mouth")
    again = editor.edit(frames[rows], rows, times, track, voice, study)
    np.testing.assert_array_equal(made, again)


def test_speech_between_frames_is_in_between(model: Vlogger, small: VloggerConfig) -> None:
    from lipkit.models.vlogger.editing import Speech

    speech = Speech(np.array([[0.0], [1.0], [3.0]]), Fraction(25))
    times = [Fraction(0), Fraction(1, 50), Fraction(3, 50), Fraction(9)]
    assert speech.at(times)[:, 0].tolist() == [0.0, 0.5, 2.0, 3.0]
    assert torch.isfinite(model.alpha_bar).all()
