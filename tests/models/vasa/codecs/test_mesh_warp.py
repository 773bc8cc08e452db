from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.warp import (
    Box,
    Field,
    box_around,
    grid_of,
    polygon_mask,
    thin_plate,
)

STILL = Pose(np.zeros(3), np.zeros((3, 2)), np.zeros(2))


def wave_field(height: float) -> Field:
    box = Box(8, 4, 136, 100)
    places = grid_of(box, 2.0)
    x, y = places[..., 0] - 70, places[..., 1] - 50
    bump = np.exp(-(x**2 + y**2) / 600)
    basis = np.dstack([0.5 * height * bump, height * bump, 0 * bump])[None]
    points = np.dstack([places, np.zeros_like(bump)])
    return Field(box, points, np.ones_like(bump), basis.astype(np.float32))


def test_thin_plate_goes_through_its_controls_and_keeps_straight_fields() -> None:
    random = np.random.default_rng(0)
    controls, points = random.uniform(-1, 1, (40, 2)), random.uniform(-1, 1, (30, 2))
    values = random.normal(size=(40, 3))
    np.testing.assert_allclose(thin_plate(controls, values, controls, 0.0), values, atol=2e-3)
    slope, start = random.normal(size=(2, 3)), random.normal(size=3)
    straight = thin_plate(controls, controls @ slope + start, points, 0.1)
    np.testing.assert_allclose(straight, points @ slope + start, atol=2e-3)


@given(height=st.floats(-14, 14))
@settings(max_examples=15, deadline=None)
def test_backward_undoes_the_displacement(height: float) -> None:
    field = wave_field(height)
    displacement = field.displacement(np.ones(1, np.float32), STILL)
    came = field.backward(displacement)
    x, y = came[..., 0] - 70, came[..., 1] - 50
    bump = height * np.exp(-(x**2 + y**2) / 600)
    forward = came + np.dstack([0.5 * bump, bump])
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(forward - field.box.pixels)[inner].max() < 0.15


def test_an_unmoved_field_samples_each_pixel_itself() -> None:
    field = wave_field(5.0)
    came = field.backward(field.displacement(np.zeros(1, np.float32), STILL))
    np.testing.assert_array_equal(came, field.box.pixels)


def test_grid_tiles_its_box_evenly() -> None:
    places = grid_of(Box(10, 20, 30, 60), 4.0)
    assert places.shape == (10, 5, 2)
    np.testing.assert_allclose(places[0, 0], [11.5, 21.5])
    np.testing.assert_allclose(places[-1, -1], [27.5, 57.5])


def test_boxes_stay_in_the_picture() -> None:
    box = box_around(np.array([[-30.0, 5.0], [300.0, 9.0]]), (10, 20, 30), (100, 50))
    assert (box.x0, box.y0, box.x1, box.y1) == (0, 0, 100, 39)
    beyond = box_around(np.array([[400.0, 300.0]]), (1, 1, 1), (100, 50))
    assert beyond.width > 0
    assert beyond.height > 0


def test_polygon_mask_covers_the_polygon() -> None:
    mask = polygon_mask((40, 60), np.array([[9.5, 9.5], [39.5, 9.5], [39.5, 29.5], [9.5, 29.5]]))
    assert abs(float(mask.sum()) - 600) < 20
    assert mask[20, 20] == 1
    assert mask[5, 5] == 0
