"""Boxes and masks of faces, also of faces that fill or leave the picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lipkit.faces import hallo

SIZE = (200, 176)


def test_a_large_face_is_masked_where_it_is() -> None:
    sides = hallo.enlarged((1, 198, 3, 170), SIZE, 1.2)
    assert sides[0] < 0
    assert hallo.filled(sides, SIZE).mean() > 250
    assert hallo.filled(sides, SIZE, wrap=True).mean() < 60  # as Hallo's code does


@given(st.data())
def test_boxes_stay_in_the_picture_if_they_fit(data: st.DataObject) -> None:
    left = data.draw(st.integers(0, 150))
    right = data.draw(st.integers(left + 4, 199))
    low, high = hallo.stretched(left, right, 200, data.draw(st.floats(1, 4)))
    assert high <= 200
    if high - low <= 200:
        assert low >= 0
    assert high - low >= right - left - 1


def test_masks_part_the_picture() -> None:
    face = hallo.filled((60, 140, 40, 150), SIZE)
    lips = hallo.filled((85, 115, 110, 130), SIZE)
    masks = hallo.soft(face, lips)
    assert masks.lip.argmax() // 64 > masks.face.argmax() // 64  # lips are the lower half
    assert masks.full[0, 0] == 255
    assert masks.full.min() == 0
    levels = masks.levels(16)
    assert [mask.shape for mask in levels[0]] == [(1, 256), (1, 64), (1, 16), (1, 4)]
    assert all(mask.min() >= 0 and mask.max() <= 1 for part in levels for mask in part)


def test_regions_let_the_head_swing_or_nod() -> None:
    sides = (60, 140, 40, 150)
    area = {how: hallo.allowed(sides, SIZE, how) for how in ("box", "wide", "tall", "none")}
    assert area["none"].all()
    rows, columns = (lambda m: np.flatnonzero(m.any(1))), (lambda m: np.flatnonzero(m.any(0)))
    assert len(columns(area["wide"])) > len(columns(area["box"]))
    assert len(rows(area["wide"])) == len(rows(area["box"]))
    assert len(rows(area["tall"])) > len(rows(area["box"]))


def test_pixels_span_the_networks_range() -> None:
    picture = np.zeros((30, 50, 3), np.uint8)
    picture[:, 25:] = 255
    seen = hallo.pixels(picture, 16)
    assert seen.shape == (3, 16, 16)
    assert (seen.min(), seen.max()) == (-1, 1)
