"""Frames that wait in a file."""

from __future__ import annotations

import numpy as np

from lipkit.models.parts.spool import Spool


def test_what_is_written_is_read() -> None:
    spool = Spool(5, (2, 3))
    values = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(np.float32)
    spool.write([4, 1], values)
    assert len(spool) == 5
    np.testing.assert_array_equal(spool.read([1, 4, 0]), [values[1], values[0], np.zeros((2, 3))])
    spool.add([1], np.ones((1, 2, 3)))
    np.testing.assert_array_equal(spool.read([1])[0], values[1] + 1)
    spool.clear()
    assert not spool.read(range(5)).any()
    assert spool.read([]).shape == (0, 2, 3)
