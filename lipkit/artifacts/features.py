"""Feature files: what an audio encoder heard, at its own rate, and where nobody spoke."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipkit.artifacts.tensors import read_tensors, write_tensors
from lipkit.errors import BadInput
from lipkit.protocols import Features

KIND = "features"


def write_features(path: Path | None, features: Features, header: Mapping[str, Any]) -> None:
    """Write a feature file; None is stdout. ``header`` adds to what the features say themselves."""
    steps, layers, width = features.data.shape
    tensors: dict[str, Any] = {"features": features.data}
    if features.silence is not None:
        tensors["silence"] = features.silence
    own = {
        "encoder": features.encoder,
        "rate": str(features.rate),
        "steps": steps,
        "layers": layers,
        "width": width,
    }
    write_tensors(path, KIND, tensors, {**header, **own})


def read_features(path: Path) -> tuple[Features, dict[str, Any]]:
    """The features in a file, and its header; BadInput where the two contradict each other."""
    tensors, header = read_tensors(path, KIND)
    try:
        data, rate = tensors["features"], Fraction(header["rate"])
        promised = (header["steps"], header["layers"], header["width"])
        encoder = str(header["encoder"])
    except (KeyError, ValueError, ZeroDivisionError) as problem:
        raise BadInput(f"{path}: damaged features header: {problem}") from None
    if data.shape != promised or rate <= 0:
        raise BadInput(f"{path}: features of shape {data.shape}, the header says {promised}")
    silence = tensors.get("silence")
    if silence is not None and silence.shape != data.shape[:1]:
        raise BadInput(f"{path}: {len(silence)} steps of silence for {len(data)} of features")
    return Features(data.astype(np.float32, copy=False), rate, encoder, silence), header


def require_encoder(features: Features, encoder: str, layers: int, width: int, name: str) -> None:
    """Refuse features of another encoder, or of other layers of it, than a model was trained on."""
    found = (features.encoder, *features.data.shape[1:])
    if found != (encoder, layers, width):
        raise BadInput(
            f"{name}: features of {found[0]} ({found[1]} layers of {found[2]}), but this model "
            f"needs {encoder} ({layers} layers of {width})",
            hint=f"`lipkit embed-audio --encoder {encoder}` makes them",
        )
