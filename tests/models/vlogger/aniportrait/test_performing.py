"""Sound and a picture become frames of the same person, as many as the sound is long."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput
from lipkit.faces.warping import transform
from lipkit.models.vlogger import pose
from lipkit.models.vlogger.aniportrait.config import AniPortraitConfig
from lipkit.models.vlogger.aniportrait.following import at_rate, doings
from lipkit.models.vlogger.aniportrait.model import AniPortrait
from lipkit.models.vlogger.aniportrait.performing import (
    AniPortraitPerformer,
    Canvas,
    Rows,
    calmed,
    heard,
    moved,
)
from lipkit.models.vlogger.aniportrait.pipeline import Performance
from lipkit.models.vlogger.head import fit
from lipkit.protocols import Face, Features

Floats = np.ndarray


@pytest.fixture(scope="module")
def performer(model: AniPortrait, tiny: AniPortraitConfig) -> AniPortraitPerformer:
    return AniPortraitPerformer(model, tiny, seed=3)


@pytest.fixture(scope="module")
def canvas(performer: AniPortraitPerformer, face: Face) -> Canvas:
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    return performer.sit(picture, face)


def sound(seconds: float) -> Floats:
    time = np.arange(int(seconds * 16000)) / 16000
    return (np.sin(2 * np.pi * 200 * time) * np.sin(2 * np.pi * 3 * time)).astype(np.float32)


def test_every_frame_of_the_sound_is_heard_and_drawn(
    performer: AniPortraitPerformer, canvas: Canvas
) -> None:
    wave = sound(0.41)
    total = performer.count(len(wave))
    assert total == 11
    pieces = list(performer.hear(lambda: [wave]))
    assert sum(len(piece) for piece in pieces) == total
    crops = np.concatenate(list(performer.perform(canvas, pieces, total)))
    assert crops.shape == (total, 64, 64, 3)
    again = np.concatenate(list(performer.perform(canvas, pieces, total)))
    assert np.array_equal(crops, again)
    assert canvas.paste(crops[:1]).shape == (1, 512, 512, 3)


def test_long_sound_moves_on_in_pieces_of_five_seconds(performer: AniPortraitPerformer) -> None:
    wave = sound(11.0)
    chunks = [wave[:70000], wave[70000:]]
    known = heard(performer.poser.hearing, performer.fps, lambda: chunks)
    pieces = list(moved(performer.poser, known, performer.fps, torch.tensor([4])))
    assert [len(piece) for piece in pieces] == [125, 150]
    assert np.allclose(pieces[0][0], pieces[1][0], atol=0.2)  # both begin from rest


def test_a_head_at_rest_is_drawn_where_the_tracker_saw_it(
    performer: AniPortraitPerformer, canvas: Canvas, face: Face
) -> None:
    rest = Performance(np.zeros((2, 468, 3)), np.zeros((2, 6)))
    seen = performer.animator.points(canvas.sitter.head, rest)[0] * 64 - 0.5
    assert np.abs(seen - transform(face.points[:468, :2], canvas.matrix)).max() < 0.02


def test_half_the_turns_and_all_of_the_shifts_count(tiny: AniPortraitConfig) -> None:
    poses = np.full((9, 6), 4.0)
    made = calmed(poses, replace(tiny.sampling, turn=0.5))
    assert np.allclose(made, [2, 2, 2, 4, 4, 4])


def test_the_last_row_of_a_performance_lasts() -> None:
    rows = np.arange(3 * 1410, dtype=np.float32).reshape(3, 1, 1410)
    kept = Rows([rows[:2], rows[2:]], 5)
    assert len(kept) == 5
    some = kept.part([1, 4])
    assert np.array_equal(some.offsets.reshape(2, -1), rows[[1, 2], 0, :1404])
    assert np.array_equal(some.poses, rows[[1, 2], 0, 1404:])
    assert len(Rows([rows], 2)) == 2
    with pytest.raises(BadInput, match="too short"):
        Rows([], 5)


def test_a_driver_lends_what_moves_and_not_how_it_looks(face: Face) -> None:
    head = fit(face.points / 512, (512, 512))
    poses = np.array([[0, 0, 0, 0, 0, 0], [0, 8, 0, 0, 0, 0], [3, 8, 0, 1, 0, 0]], float)
    made = doings(np.stack([face.points] * 3), (512, 512))
    assert np.allclose(made.offsets, 0)
    assert np.allclose(made.poses, 0, atol=1e-9)
    matrices = head.matrix @ pose.matrices(poses)
    assert np.allclose(pose.template(matrices), poses)


def test_features_of_others_are_refused(performer: AniPortraitPerformer) -> None:
    features = Features(np.zeros((4, 1, 8), np.float32), Fraction(50), "hubert-base")
    with pytest.raises(BadInput, match=r"x\.safetensors: .* networks of its own"):
        performer.recall(features, "x.safetensors")


def test_drivers_of_other_rates_keep_their_duration() -> None:
    track = np.arange(60)[:, None]
    assert at_rate(track, Fraction(60), Fraction(30))[:, 0].tolist() == list(range(0, 60, 2))
    assert len(at_rate(track, Fraction(24), Fraction(30))) == 75
