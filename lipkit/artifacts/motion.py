"""Motion files: what moves in the space of one codec, with the sound that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.artifacts.tensors import read_tensors, write_tensors
from lipkit.errors import BadInput
from lipkit.protocols import Layout

KIND = "motion"


@dataclass(frozen=True)
class Motion:
    """``data (f, c)`` in ``layout`` at ``fps``; ``sound`` is a packed recording, if any."""

    data: NDArray[np.float32]
    layout: Layout
    fps: Fraction
    sound: bytes | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write_motion(path: Path | None, motion: Motion) -> None:
    """Write a motion file; None is stdout. Equal contents give equal bytes."""
    tensors: dict[str, NDArray[Any]] = {"motion": np.asarray(motion.data, np.float32)}
    if motion.sound is not None:
        tensors["sound"] = np.frombuffer(motion.sound, np.uint8)
    header = {
        "codec": motion.layout.codec,
        "channels": list(motion.layout.channels),
        "fps": str(motion.fps),
        "frames": len(motion.data),
        "provenance": dict(motion.provenance),
    }
    write_tensors(path, KIND, tensors, header)


def read_motion(path: Path) -> Motion:
    """The motion in a file; BadInput for other kinds and for headers that contradict the data."""
    tensors, header = read_tensors(path, KIND)
    try:
        layout = Layout(str(header["codec"]), tuple(header["channels"]))
        fps = Fraction(header["fps"])
        data = tensors["motion"]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise BadInput(f"{path}: damaged motion header: {problem}") from None
    if data.ndim != 2 or data.shape[1] != len(layout.channels) or not len(data):
        raise BadInput(f"{path}: motion of shape {data.shape} for {len(layout.channels)} channels")
    if fps <= 0 or not np.isfinite(data).all():
        raise BadInput(
            f"{path}: damaged motion: {fps} frames a second or values that are no numbers"
        )
    sound = tensors["sound"].tobytes() if "sound" in tensors else None
    return Motion(data.astype(np.float32), layout, fps, sound, header.get("provenance", {}))


def require_codec(motion: Motion, layout: Layout, name: str) -> None:
    """Refuse motion that another codec understands."""
    if motion.layout != layout:
        ours = f"{layout.codec} ({len(layout.channels)} channels)"
        theirs = f"{motion.layout.codec} ({len(motion.layout.channels)} channels)"
        raise BadInput(
            f"{name}: motion for the codec {theirs}, not for {ours}", hint="choose --codec to fit"
        )
