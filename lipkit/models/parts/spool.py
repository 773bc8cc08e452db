"""Frames that wait in a file, so that memory does not grow with the length of a video."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Spool:
    """So many arrays of one shape, at first zeros, in a file without a name.

    The file is gone when nobody holds the spool any more.
    """

    def __init__(self, count: int, shape: Sequence[int]) -> None:
        self.count, self.shape = count, tuple(shape)
        self.bytes = 4 * int(np.prod(self.shape))
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 -- it lives as long as the spool
        weakref.finalize(self, self.file.close)
        self.clear()

    def __len__(self) -> int:
        return self.count

    def clear(self) -> None:
        """Make all of it zeros."""
        self.file.truncate(0)
        self.file.truncate(self.count * self.bytes)

    def read(self, rows: Sequence[int]) -> Floats:
        """The arrays ``(n, ...)`` of those numbers."""
        number = self.file.fileno()
        data = b"".join(os.pread(number, self.bytes, row * self.bytes) for row in rows)
        return np.frombuffer(bytearray(data), np.float32).reshape(len(rows), *self.shape)

    def write(self, rows: Sequence[int], values: Any) -> None:
        """Put ``values (n, ...)`` in the place of what is there."""
        given = np.ascontiguousarray(values, np.float32)
        for row, value in zip(rows, given, strict=True):
            os.pwrite(self.file.fileno(), value.tobytes(), row * self.bytes)

    def add(self, rows: Sequence[int], values: Any) -> None:
        """Add ``values (n, ...)`` to what is there; each row once."""
        self.write(rows, self.read(rows) + np.asarray(values, np.float32))
