"""``toy:`` as data: lazy, repeatable, split by people and by utterances."""

import numpy as np
import pytest

from lipkit.errors import BadUsage
from lipkit.training.data import footage, open_data, sound
from lipkit.training.toys.takes import Toys, ToySpec, parse


def test_a_take_is_footage_that_fits_together(tmp_path):
    data = footage(open_data("toy:size=32,seconds=2", tmp_path), "test")
    take = data.training[17]
    assert len(take) == 50
    assert take.wave.shape == (32000,)
    assert take.pictures(10, 14).shape == (4, 32, 32, 3)
    assert take.points.shape == (50, 68, 2)
    assert take.truth["motion"].shape == (50, 17)
    assert take.truth["silence"].dtype == bool
    assert take.truth["phones"].shape[0] == 50
    assert take.truth["phones"].sum(1) == pytest.approx(np.ones(50), abs=1e-3)
    assert take.labels(0, 2).shape == (2, 32, 32, 5)


def test_windows_of_a_take_agree_with_the_whole():
    take = Toys(ToySpec(size=24, seconds=1)).training[3]
    assert np.array_equal(take.pictures(0, 25)[7:9], take.pictures(7, 9))


def test_takes_are_the_same_every_time_and_differ_by_seed():
    first, again, other = (Toys(ToySpec(size=16, seed=s)).training[5] for s in (0, 0, 1))
    assert np.array_equal(first.wave, again.wave)
    assert not np.array_equal(first.pictures(0, 1), other.pictures(0, 1))


def test_no_person_or_utterance_is_on_both_sides():
    toys = Toys(ToySpec(people=7, takes=30, held_out=9))
    trained, held = list(toys.training), list(toys.held_out)
    assert not {t.who for t in trained} & {t.who for t in held}
    assert not {t.utterance for t in trained} & {t.utterance for t in held}
    assert len({t.who for t in held}) == 9
    assert toys.training[-1] == trained[-1]
    with pytest.raises(IndexError):
        toys.training[30]


def test_sound_of_frames_has_one_length_everywhere():
    take = Toys(ToySpec(size=16, seconds=1)).training[0]
    for start in (0, 3, 20):
        assert len(sound(take, start, start + 5, margin=0.1)) == 3200 + 3200
    assert np.array_equal(sound(take, 5, 10), take.wave[3200:6400])
    assert not sound(take, 0, 5, margin=0.1)[:1600].any()
    assert np.array_equal(sound(take, 0, 5, margin=0.1)[1600:], take.wave[:4800])


@pytest.mark.parametrize("wish", ["size", "size=x", "sise=3", "size=4", "people=0", "seconds=0"])
def test_wishes_that_cannot_be_met(wish):
    with pytest.raises(BadUsage, match=f"--data toy:{wish}"):
        parse(f"toy:{wish}")


def test_wishes_that_can():
    assert parse("toy:size=96,seconds=2.5,seed=4") == ToySpec(size=96, seconds=2.5, seed=4)
    assert Toys(parse("toy:size=96")).name == "toy:size=96"
