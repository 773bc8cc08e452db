import numpy as np
import pytest

from lipkit.training.toys.dubbing import agreement, dubbed, following
from lipkit.training.toys.takes import Toys, ToySpec

TAKES = dubbed(Toys(ToySpec(size=16, seconds=2.0)).held_out[:6])


def test_pictures_of_one_and_sound_of_another():
    first = TAKES[0]
    assert np.array_equal(first.pictures(3, 5), first.seen.pictures(3, 5))
    assert np.array_equal(first.wave, TAKES[1].seen.wave)
    assert np.array_equal(first.truth["heard"], TAKES[1].seen.motion)
    assert {pair.heard.name for pair in TAKES} == {pair.seen.name for pair in TAKES}


def test_followers_and_shortcuts_are_told_apart():
    follower = [pair.heard.motion[:, 0] for pair in TAKES]
    shortcut = [pair.seen.motion[:, 0] for pair in TAKES]
    assert following(follower, TAKES, "aperture").heard == pytest.approx(1)
    assert following(follower, TAKES, "aperture").seen < 0.4
    assert following(shortcut, TAKES, "aperture").seen == pytest.approx(1)


def test_what_does_not_move_agrees_with_nothing():
    moving = np.sin(np.arange(20))
    assert agreement([np.ones(20), moving], [moving, moving]) == pytest.approx(0.5)
    assert agreement([moving, moving], [np.ones(20), moving]) == pytest.approx(1)


def test_takes_that_say_the_same_cannot_be_swapped():
    with pytest.raises(ValueError, match="different things"):
        dubbed([TAKES[0].seen])
