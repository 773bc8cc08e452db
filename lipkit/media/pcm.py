"""Plain samples: how their bytes are laid out, and the WAV header that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput, BadUsage

Floats = NDArray[np.float32]
Read = Callable[[int], bytes]  # so many bytes, fewer at the end of the stream only

# name, as ffmpeg has it: bytes of a sample, and the number that full scale is
FORMATS = {
    "u8": (1, 128.0),
    "s16le": (2, 32768.0),
    "s24le": (3, 8388608.0),
    "s32le": (4, 2147483648.0),
    "f32le": (4, 1.0),
    "f64le": (8, 1.0),
}
DTYPES = {"u8": "u1", "s16le": "<i2", "s32le": "<i4", "f32le": "<f4", "f64le": "<f8"}
RATES = (1000, 768_000)  # hertz
MOST_CHANNELS = 64
HEADER_LIMIT = 1 << 20  # bytes of chunks before the samples
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
# Programs that write into a pipe declare the longest length they know, or none.
STREAMED = 0x7FFF0000


@dataclass(frozen=True)
class Pcm:
    """The layout of interleaved samples: a name of `FORMATS`, hertz, and channels."""

    form: str = "s16le"
    rate: int = 16000
    channels: int = 1

    def __post_init__(self) -> None:
        if not RATES[0] <= self.rate <= RATES[1]:
            raise ValueError(f"{self.rate} Hz, not {RATES[0]} to {RATES[1]}")
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise ValueError(f"{self.channels} channels, not 1 to {MOST_CHANNELS}")

    @property
    def unit(self) -> int:
        """Bytes of one sample of all channels."""
        return FORMATS[self.form][0] * self.channels

    def mono(self, data: bytes) -> Floats:
        """The mean of the channels ``(n,)`` in -1..1; no-numbers are silence.

        ``data`` holds whole samples, ``n * unit`` bytes.
        """
        size, full = FORMATS[self.form]
        if size == 3:
            triples = np.frombuffer(data, np.uint8).reshape(-1, 3)
            shifted = np.pad(triples, ((0, 0), (1, 0)))  # low byte zero: 32 bits, sign and all
            values = shifted.reshape(-1).view("<i4") / 256.0
        else:
            values = np.frombuffer(data, DTYPES[self.form]).astype(np.float64)
        if self.form == "u8":
            values = values - 128.0
        wave = values.reshape(-1, self.channels).mean(1) / full
        clean: Floats = np.nan_to_num(wave, posinf=0.0, neginf=0.0).astype(np.float32)
        return clean


def parse(text: str) -> Pcm:
    """The layout that ``FORMAT[,RATE[,CHANNELS]]`` names; BadUsage for any other text."""
    form, *numbers = text.split(",")
    try:
        if form in FORMATS and len(numbers) <= 2:
            return Pcm(form, *map(int, numbers))
    except ValueError as problem:
        raise BadUsage(f"--pcm {text}: {problem}") from None
    raise BadUsage(f"--pcm {text}", hint=f"FORMAT[,RATE[,CHANNELS]] with {', '.join(FORMATS)}")


def read_header(read: Read) -> tuple[Pcm, int | None]:
    """Layout and length in bytes of the samples of a WAV stream, which stands at its samples then.

    The length is None where the writer did not know it. BadInput for other streams.
    """
    head = read(12)
    if not head:
        raise BadInput("no sound came")
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        hint = "pipe a WAV into it, or say --pcm s16le,16000,1 of samples without a header"
        raise BadInput("the sound is no WAV", hint=hint)
    layout, passed = None, 0
    while len(chunk := read(8)) == 8:
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"data":
            if layout is None:
                break
            return layout, None if size == 0 or size >= STREAMED else size
        size += size % 2
        passed += size
        if passed > HEADER_LIMIT:
            break
        body = read(size)
        if name == b"fmt ":
            layout = described(body)
    raise BadInput("the WAV is damaged: no samples follow its header")


def described(body: bytes) -> Pcm:
    """The layout that a WAV's format chunk tells; BadInput for compressed samples."""
    tag, channels, rate, _, _, bits = (
        int.from_bytes(body[a:b], "little")
        for a, b in ((0, 2), (2, 4), (4, 8), (8, 12), (12, 14), (14, 16))
    )
    if tag == EXTENSIBLE:
        tag = int.from_bytes(body[24:26], "little")
    names = {
        PCM: {8: "u8", 16: "s16le", 24: "s24le", 32: "s32le"},
        FLOAT: {32: "f32le", 64: "f64le"},
    }
    form = names.get(tag, {}).get(bits)
    if form is None:
        hint = "convert it first: ffmpeg -i - -c:a pcm_s16le -f wav -"
        raise BadInput(f"the WAV holds samples of kind {tag} with {bits} bits", hint=hint)
    try:
        return Pcm(form, rate, channels)
    except ValueError as problem:
        raise BadInput(f"the WAV is damaged: {problem}") from None
