from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.codecs.mesh.modes import face_modes, gap_correction, row_gaps
from lipkit.models.vasa.codecs.mesh.shape import FREE_APERTURE, FaceShape

SMALL = st.floats(-0.05, 0.05)


def deformed(shape: FaceShape, **channels: float) -> np.ndarray:
    motion = dict.fromkeys(MESH_LAYOUT.channels, 0.0) | channels
    return shape.points + np.tensordot(shape.coefficients(motion), shape.basis, 1)


@given(aperture=st.floats(0, FREE_APERTURE), width=SMALL, press=st.floats(0, 1), jaw=SMALL)
@settings(max_examples=25, deadline=None)
def test_the_lips_open_as_far_as_commanded(portrait, aperture, width, press, jaw) -> None:
    points = deformed(portrait.shape, aperture=aperture, width=width, press=press, jaw=0.05 + jaw)
    local = mesh.to_local(points, portrait.shape.frame)
    gap = row_gaps(local)[mesh.LIP_CENTRE].mean()
    assert gap == pytest.approx(aperture, abs=0.012)


def test_a_closed_smile_is_closed_along_the_whole_mouth(portrait) -> None:
    shape = portrait.shape
    assert shape.gaps[mesh.LIP_CENTRE].mean() > 0.08
    local = mesh.to_local(deformed(shape, aperture=0.0), shape.frame)
    assert np.abs(row_gaps(local)[1:-1]).max() < 0.005


def test_modes_have_the_measured_values(portrait) -> None:
    modes = face_modes(portrait.shape.local)
    whole = modes.opening + 0.44 * modes.jaw
    np.testing.assert_allclose(whole[14], [0, 0.92, 0.06], atol=0.04)
    np.testing.assert_allclose(whole[mesh.CHIN], [0, 0.44, 0.12], atol=0.03)
    np.testing.assert_allclose(modes.jaw[mesh.CHIN, 1], 1, atol=0.05)
    np.testing.assert_allclose(modes.opening[mesh.CHIN], 0, atol=0.04)
    spread = modes.width[mesh.MOUTH_RIGHT] - modes.width[mesh.MOUTH_LEFT]
    assert np.linalg.norm(spread) == pytest.approx(1, abs=0.1)
    assert np.abs(whole[[33, 263, 10, 1]]).max() < 0.03


def test_the_gap_grows_from_the_corners_to_the_middle(portrait) -> None:
    profile = face_modes(portrait.shape.local).profile
    assert profile[0] == profile[-1] == 0
    assert (np.diff(profile[:6]) > 0).all()
    assert (np.diff(profile[5:]) < 0).all()


def test_a_gap_correction_moves_the_lips_apart_by_just_that() -> None:
    gaps = np.linspace(0, 0.1, 11)
    moved = row_gaps(gap_correction(gaps))
    np.testing.assert_allclose(moved[1:-1], gaps[1:-1])
    assert moved[0] == moved[-1] == 0


def test_huge_openings_are_limited_smoothly(portrait) -> None:
    frame = portrait.shape.frame
    seen = []
    for aperture in np.linspace(0.2, 1.0, 17):
        local = mesh.to_local(deformed(portrait.shape, aperture=aperture), frame)
        seen.append(row_gaps(local)[mesh.LIP_CENTRE].mean())
    assert (np.diff(seen) >= 0).all()
    assert 0.3 < seen[-1] < 0.37
