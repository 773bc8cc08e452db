"""What can be said of any file: its kind, its properties, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipkit.artifacts.clip import read_clip, read_provenance
from lipkit.artifacts.sniff import Kind, sniff
from lipkit.artifacts.tensors import read_header, read_table
from lipkit.errors import BadInput
from lipkit.media.image import probe_image
from lipkit.media.probe import MediaInfo, VideoInfo, probe


def summarize(path: Path) -> dict[str, Any]:
    """JSON-ready facts about the file: ``kind``, what that kind has, and ``provenance`` if known.

    Rates are strings such as "30000/1001", which JSON's numbers cannot hold. BadInput for files
    of no known kind.
    """
    kind = sniff(path)
    facts = {"kind": str(kind), "bytes": path.stat().st_size}
    return facts | _READERS.get(kind, _tensors)(path)


def _media(path: Path) -> dict[str, Any]:
    return _media_facts(probe(path)) | _history(read_provenance(path))


def _media_facts(info: MediaInfo) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "container": info.container,
        "seconds": None if info.duration is None else float(info.duration),
    }
    if info.video is not None:
        facts["video"] = _video(info.video)
    if info.audio is not None:
        facts["audio"] = vars(info.audio).copy()
    if info.attachments:
        facts["attachments"] = list(info.attachments)
    return facts


def _video(video: VideoInfo) -> dict[str, Any]:
    """The stream's properties; those that are as expected are left out."""
    facts = {
        "codec": video.codec,
        "width": video.width,
        "height": video.height,
        "fps": str(video.fps),
        "pixel": video.pix_fmt,
        "bits": video.bit_depth,
    }
    rare = {
        "variable": video.variable,
        "rotation": video.rotation,
        "alpha": video.alpha,
        "color": video.color,
        "aspect": str(video.aspect) if video.aspect != 1 else None,
    }
    return facts | {name: value for name, value in rare.items() if value}


def _clip(path: Path) -> dict[str, Any]:
    clip = read_clip(path)
    valid = clip.tensors.get("valid")
    geometry = {"frames": clip.count, **_plain(clip.header)}
    if valid is not None and len(valid):
        geometry["valid"] = round(float(np.mean(valid)), 4)
    if "shot" in clip.tensors and clip.count:
        geometry["shots"] = len(np.unique(clip.tensors["shot"]))
    geometry["tensors"] = {name: list(t.shape) for name, t in clip.tensors.items()}
    facts = {"geometry": geometry} | _media_facts(clip.info) | _history(clip.provenance)
    if facts["seconds"] is None and "fps" in clip.header:  # a pipe could not go back to note it
        facts["seconds"] = float(clip.count / Fraction(clip.header["fps"]))
    return facts


def _tensors(path: Path) -> dict[str, Any]:
    header = read_header(path)
    facts = {"schema": header["schema"], "header": _plain(header), "tensors": _shapes(path)}
    return facts | _history(header.get("provenance", {}))


def _weights(path: Path) -> dict[str, Any]:
    """Weights of lipkit's, or of anybody: metadata, and how many numbers there are."""
    table = read_table(path)
    metadata = table.get("__metadata__", {})
    shapes = [entry["shape"] for name, entry in table.items() if name != "__metadata__"]
    facts: dict[str, Any] = {
        "tensors": len(shapes),
        "parameters": sum(math.prod(shape) for shape in shapes),
    }
    try:
        header = read_header(path, "weights")
    except BadInput:
        return facts | {"metadata": metadata}
    return facts | {"header": _plain(header)} | _history(header.get("provenance", {}))


def _shapes(path: Path) -> dict[str, Any]:
    return {
        name: {"dtype": entry["dtype"], "shape": entry["shape"]}
        for name, entry in read_table(path).items()
        if name != "__metadata__"
    }


def _plain(header: Mapping[str, Any]) -> dict[str, Any]:
    """A header without what the summary says elsewhere."""
    known = ("kind", "schema", "provenance")
    return {name: value for name, value in header.items() if name not in known}


def _history(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {"provenance": dict(provenance)} if provenance else {}


def _text(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"lines": sum(1 for _ in file)}


def _unknown(path: Path) -> dict[str, Any]:
    """Nothing: ffmpeg's own words on why it is no media file are the best there is to say."""
    probe(path)
    raise BadInput(f"{path}: not a kind of file that lipkit knows")


_READERS: dict[Kind, Callable[[Path], dict[str, Any]]] = {
    Kind.VIDEO: _media,
    Kind.AUDIO: _media,
    Kind.IMAGE: probe_image,
    Kind.CLIP: _clip,
    Kind.WEIGHTS: _weights,
    Kind.SHARDS: lambda path: {},
    Kind.TEXT: _text,
    Kind.UNKNOWN: _unknown,
}
