"""Sound from a pipe while it is still being made.

``LiveSound`` is the source of every ``--live``: iterate over it for what has arrived, as mono
samples at 16 kHz beside the bytes they came as, which a writer can mux again. Nothing is read
before it is asked for, so a slow consumer holds the writer of the pipe back.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, gcd
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipkit.media.pcm import Pcm, read_header

Floats = NDArray[np.float32]

RATE = 16000
PIECE = 1 << 16  # bytes taken at once, at most: what a pipe holds
PATIENCE = 0.1  # seconds between looks at whether somebody has closed the sound
REACH = 10  # zero crossings of the resampling filter on either side


class Stream(Protocol):
    """A pipe or file, by its descriptor."""

    def fileno(self) -> int:
        """The descriptor."""
        ...


@dataclass(frozen=True)
class Heard:
    """Some more sound: mono samples ``wave (n,)`` at 16 kHz, and ``data``, the bytes they were.

    The resampler holds a millisecond back, so that one piece's two halves need not cover quite the
    same time; over the whole stream they do.
    """

    wave: Floats
    data: bytes


class LiveSound:
    """The sound of ``stream``, as it comes; a WAV unless ``pcm`` says how its bytes are laid out.

    Raises BadInput, on first use, for a stream that is neither. ``close`` may be called from
    another thread: whoever waits for sound then meets its end.
    """

    def __init__(self, stream: Stream, pcm: Pcm | None = None) -> None:
        self._descriptor = stream.fileno()
        self._closed = False
        self._pcm = pcm
        self._left: int | None = None  # bytes of samples still to come, where that is known

    @property
    def pcm(self) -> Pcm:
        """How the bytes are laid out; waits for the header of a WAV."""
        if self._pcm is None:
            self._pcm, self._left = read_header(self._exactly)
        return self._pcm

    def close(self) -> None:
        """End the sound here."""
        self._closed = True

    def __iter__(self) -> Iterator[Heard]:
        pcm = self.pcm
        resample = Resampler(pcm.rate)
        rest = b""
        while data := self._some(PIECE if self._left is None else min(PIECE, self._left)):
            if self._left is not None:
                self._left -= len(data)
            rest += data
            whole = len(rest) - len(rest) % pcm.unit
            if whole:
                taken, rest = rest[:whole], rest[whole:]
                yield Heard(resample.push(pcm.mono(taken)), taken)
        yield Heard(resample.flush(), b"")

    def _some(self, most: int) -> bytes:
        """What has arrived, ``most`` bytes of it; waits for a first one; empty at the end."""
        while most and not self._closed:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE)
            if ready:
                return os.read(self._descriptor, most)
        return b""

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count and (more := self._some(count - len(found))):
            found += more
        return found


class Resampler:
    """Brings mono samples of ``rate`` a second to 16 kHz, piece by piece and without joints."""

    def __init__(self, rate: int) -> None:
        from scipy.signal import firwin

        shared = gcd(rate, RATE)
        self.up, self.down = RATE // shared, rate // shared
        widest = max(self.up, self.down)
        self.margin = ceil(REACH * widest / self.up)
        self.same = widest == 1
        if not self.same:
            self.filter = firwin(2 * REACH * widest + 1, 1 / widest, window=("kaiser", 5.0))
        self.held = np.zeros(0, np.float32)  # input that more output depends on
        self.known = 0  # outputs of ``held`` that have been given

    def push(self, wave: Floats) -> Floats:
        """The samples that ``wave (n,)`` settles."""
        if self.same:
            return wave
        self.held = np.concatenate([self.held, wave])
        settled = int(Fraction(max(0, len(self.held) - self.margin) * self.up, self.down))
        return self._given(settled)

    def flush(self) -> Floats:
        """The last samples: the sound ends here."""
        if self.same:
            return np.zeros(0, np.float32)
        return self._given(round(Fraction(len(self.held) * self.up, self.down)))

    def _given(self, until: int) -> Floats:
        """Outputs up to ``until`` since the last time; drops input that has no effect any more."""
        from scipy.signal import resample_poly

        if until <= self.known:
            return np.zeros(0, np.float32)
        made = resample_poly(self.held, self.up, self.down, window=self.filter)
        given: Floats = made[self.known : until].astype(np.float32)
        self.known = until
        # The cut lies at a whole number of periods, where input and output samples coincide.
        periods = max(0, self.known * self.down // self.up - self.margin) // self.down
        self.held = self.held[periods * self.down :]
        self.known -= periods * self.up
        return given
