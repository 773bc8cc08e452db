"""What frames are told of a mesh."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.models.vlogger.controls import (
    CHANNELS,
    DENSE,
    REGIONS,
    controls_of,
    placed,
    reference_of,
)
from lipkit.models.vlogger.figure import figure_of
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.material import points_at, tracked
from lipkit.training.toys.takes import Toys, ToySpec

SIDE = 64
TAKE = Toys(ToySpec(size=SIDE, seconds=2.0)).training[1]


@pytest.fixture(scope="module")
def reference():
    return reference_of(TAKE.pictures(10, 11)[0], points_at(TAKE, 10, 1, SIDE)[0])


def regions(controls: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(REGIONS, controls[DENSE : DENSE + len(REGIONS)], strict=True))


def test_a_mesh_is_seen_where_it_was_found() -> None:
    heads = tracked(TAKE)
    seen = placed(heads.meshes[:5], heads.matrices[:5], SIDE)
    np.testing.assert_allclose(seen[..., :2], TAKE.mesh(0, 5)[..., :2], atol=0.05)
    pairs = zip(seen[..., 2], TAKE.mesh(0, 5)[..., 2], strict=True)
    assert min(np.corrcoef(*pair)[0, 1] for pair in pairs) > 0.98


def test_masks_agree_with_what_is_drawn(reference) -> None:
    frame = int(TAKE.motion[:, 0].argmax())  # the mouth is open
    told = controls_of(points_at(TAKE, frame, 1, SIDE)[0], reference, 2).astype(np.float32)
    assert told.shape == (CHANNELS, SIDE, SIDE)
    found = regions(told)
    drawn = TAKE.labels(frame, frame + 1)[0].astype(np.float32) / 255
    for name, column in (("mouth", 2), ("eyes", 3)):
        mask = found[name] + (found["irises"] if name == "eyes" else 0)
        both = np.minimum(mask, drawn[..., column]).sum()
        assert both / np.maximum(mask, drawn[..., column]).sum() > 0.5
    assert not found["body"].any()
    assert not found["hands"].any()
    assert told[:DENSE].min() >= 0
    assert told[:DENSE].max() <= 1


def test_the_reference_comes_along(reference) -> None:
    still = controls_of(reference.points, reference, 1).astype(np.float32)
    colours, known = still[-4:-1], still[-1] > 0
    wanted = np.moveaxis(reference.picture / 127.5 - 1, 2, 0)
    assert known.mean() > 0.15
    assert np.abs(colours - wanted)[:, known].mean() < 0.03
    assert not colours[:, ~known].any()


def test_a_side_that_the_reference_hides_is_not_made_up(reference) -> None:
    turned = reference.points @ np.array([[0.5, 0, 0.87], [0, 1, 0], [-0.87, 0, 0.5]])
    turned += [SIDE / 2, 0, 0] - turned.mean(0) * [1, 0, 0]
    aside = reference_of(reference.picture, turned)
    assert 0.25 < aside.visible.mean() < 0.85 < reference.visible.mean()


def test_a_figure_under_its_own_motion_is_the_picture(model) -> None:
    points = points_at(TAKE, 10, 1, SIDE)[0]
    figure = figure_of(model.face, TAKE.pictures(10, 11)[0], points)
    rows = rows_of(model.config)
    motion = np.zeros((1, len(rows)))
    motion[0, rows.expression] = figure.expression
    seen = figure.points(model.face, rows, motion)[0]
    np.testing.assert_allclose(seen[:, :2], points[:, :2], atol=0.05)
    assert rows.body.stop == rows.body.start == rows.hands.stop
