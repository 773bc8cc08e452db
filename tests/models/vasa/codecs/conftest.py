"""The portrait that the tests of the mesh codec share."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.models.vasa.codecs.mesh import MESH_LAYOUT, MeshAppearance, MeshCodec


@pytest.fixture(scope="session")
def codec() -> MeshCodec:
    return MeshCodec()


@pytest.fixture(scope="session")
def portrait(codec: MeshCodec, astronaut: np.ndarray) -> MeshAppearance:
    """The astronaut, whose smile shows her teeth."""
    return codec.encode_appearance(astronaut)


def moved(appearance: MeshAppearance, **channels: float) -> np.ndarray:
    """The motion ``(1, c)`` of ``appearance`` at rest but for ``channels``."""
    row = appearance.rest.copy()
    for name, value in channels.items():
        row[MESH_LAYOUT.index(name)] = value
    return row[None]


def drawn(appearance: MeshAppearance, **channels: float) -> np.ndarray:
    """The crop of ``appearance`` at rest but for ``channels``."""
    return next(MeshCodec().render(appearance, moved(appearance, **channels)))[0]
