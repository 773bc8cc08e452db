"""Masks of the lower face out of the labels of a face parsing network."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipkit.models.musetalk import parsing

NAMES = {"skin": 1, "nose": 10, "inside": 11, "lips": 12, "neck": 14, "hair": 17}


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """A round face with nose and mouth on a neck, hair above."""
    found = np.zeros((512, 512), np.uint8)
    found[380:, 200:312] = NAMES["neck"]
    found[:200, 150:362] = NAMES["hair"]
    cv2.ellipse(found, (256, 270), (120, 150), 0, 0, 360, NAMES["skin"], -1)
    cv2.ellipse(found, (256, 250), (20, 40), 0, 0, 360, NAMES["nose"], -1)
    cv2.ellipse(found, (256, 340), (50, 22), 0, 0, 360, NAMES["lips"], -1)
    cv2.ellipse(found, (256, 340), (40, 8), 0, 0, 360, NAMES["inside"], -1)
    return found


def test_raw_and_neck_are_what_they_name(labels: np.ndarray) -> None:
    assert ((parsing.parsed(labels, "raw") == 255) == np.isin(labels, (1, 11, 12))).all()
    assert ((parsing.parsed(labels, "neck") == 255) == np.isin(labels, (1, 11, 12, 14))).all()


def test_the_jaw_grows_downwards_but_not_beside_the_cheeks(labels: np.ndarray) -> None:
    mask = parsing.parsed(labels) == 255
    skin = labels == NAMES["skin"]
    chin = np.flatnonzero(skin[:, 256])[-1]
    grown = np.flatnonzero(mask[:, 256])[-1]
    assert grown == chin + parsing.REACH_UP  # dilation looks as far up as the kernel's roof
    across = np.flatnonzero(skin[270])
    kept = np.flatnonzero(mask[270])
    assert kept[0] > across[0] - parsing.REACH_ASIDE
    assert kept[-1] < across[-1] + parsing.REACH_ASIDE
    assert not mask[labels == NAMES["nose"]].any()
    assert mask[np.isin(labels, (11, 12))].all()


def test_wider_cheeks_erode_less(labels: np.ndarray) -> None:
    narrow, wide = (parsing.parsed(labels, "jaw", (k, k)) > 0 for k in (60, 120))
    assert wide.sum() > narrow.sum()
    assert not (narrow & ~wide).any()
