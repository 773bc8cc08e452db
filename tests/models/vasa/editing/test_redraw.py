"""One frame with another mouth."""

from dataclasses import replace

import numpy as np
import pytest

from lipkit.models.vasa.editing.clip import study_clip
from lipkit.models.vasa.editing.donor import unwrap
from lipkit.models.vasa.editing.lips import Articulation, Lips
from lipkit.models.vasa.editing.lower import cut_out
from lipkit.models.vasa.editing.redraw import Wanted, redraw
from lipkit.models.vasa.editing.skull import pose_at

BLUE = np.array([0, 0, 255], np.float32)


@pytest.fixture(scope="module")
def drawn(clip):
    """Draws the astronaut's smile at an aperture, between lips that lend a blue mouth."""
    study = study_clip(clip.track, clip.read)
    lower = cut_out(clip.frames[6], clip.track.points[6], pose_at(study.poses, 6))
    lips = Lips(lower.points, lower.pose)
    donor = unwrap(lower, study.patch)
    blue = replace(donor, colour=np.zeros_like(donor.colour) + BLUE, dark=BLUE)
    articulation = Articulation.of(lips.local)

    def draw(opening):
        wanted = Wanted(lips.aperture + opening, 0.0, 0.0)
        return redraw(lower.image, lips, wanted, articulation, (blue, study.patch))

    return draw


def blueness(image):
    return float(((image[..., 2] > 100) & (image[..., 0] < 60)).mean())


def test_a_mouth_that_opens_a_little_keeps_its_own_inside_and_a_wide_one_borrows(drawn):
    wide = blueness(drawn(0.2))
    assert wide > 0.01
    assert blueness(drawn(0.02)) < 0.05 * wide
