"""Just enough of ONNX to write a network that averages tiles of a picture."""

from __future__ import annotations

from pathlib import Path


def number(value: int) -> bytes:
    """A varint."""
    rest, out = value, b""
    while rest > 127:
        out, rest = out + bytes([rest & 127 | 128]), rest >> 7
    return out + bytes([rest])


def field(tag: int, value: bytes | str | int) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(tag << 3 | 2) + number(len(data)) + data


def tensor(name: str, *shape: int) -> bytes:
    """What the graph says of an input or output of floats."""
    sizes = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sizes)))


def sizes(name: str, tile: int) -> bytes:
    """An attribute of two equal whole numbers."""
    return field(5, field(1, name) + field(8, tile) + field(8, tile) + field(20, 7))


def write_tiles(path: Path, tile: int = 16, side: int = 112) -> Path:
    """A network whose embedding is the mean of each tile of each channel."""
    count = side // tile
    pool = field(1, "in") + field(2, "tiles") + field(4, "AveragePool")
    pool += sizes("kernel_shape", tile) + sizes("strides", tile)
    flat = field(1, "tiles") + field(2, "out") + field(4, "Flatten")
    graph = field(1, pool) + field(1, flat) + field(2, "tiles")
    graph += field(11, tensor("in", 1, 3, side, side))
    graph += field(12, tensor("out", 1, 3 * count * count))
    path.write_bytes(field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph))
    return path
