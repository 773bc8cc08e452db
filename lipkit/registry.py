"""Names to "module:attribute" strings, so that listing what exists imports nothing heavy."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from lipkit.errors import BadUsage

FAMILIES = {
    "capp": "lipkit.models.capp:FAMILY",
    "vasa": "lipkit.models.vasa:FAMILY",
    "vasa1": "lipkit.models.vasa.vasa1:FAMILY",
    "joyvasa": "lipkit.models.vasa.joyvasa:FAMILY",
    "liveportrait": "lipkit.models.vasa.codecs.liveportrait:FAMILY",
    "latentsync": "lipkit.models.latentsync:FAMILY",
    "syncnet": "lipkit.models.latentsync.expert:FAMILY",
    "emo": "lipkit.models.emo:FAMILY",
    "vlogger": "lipkit.models.vlogger:FAMILY",
    "aniportrait": "lipkit.models.vlogger.aniportrait:FAMILY",
    "wav2lip": "lipkit.models.wav2lip:FAMILY",
    "musetalk": "lipkit.models.musetalk:FAMILY",
}

CODECS = {
    "mesh": "lipkit.models.vasa.codecs.mesh:MeshCodec",
    "liveportrait": "lipkit.models.vasa.codecs.liveportrait.codec:LivePortraitCodec",
    "megaportraits": "lipkit.models.vasa.codecs.megaportraits.codec:MegaPortraitsCodec",
}

TRACKERS = {
    "mediapipe": "lipkit.faces.mediapipe:MediapipeTracker",
    "fan": "lipkit.faces.fan:FanTracker",
    "file": "lipkit.faces.file:FileTracker",
}

ENCODERS = {
    "mel": "lipkit.audio.mel:MelEncoder",
    "mel-64": "lipkit.audio.mel:mel64",
    "mel-wav2lip": "lipkit.audio.mel:wav2lip",
    "whisper-tiny": "lipkit.audio.whisper:whisper_tiny",
    "whisper-small": "lipkit.audio.whisper:whisper_small",
    "wav2vec2-base-960h": "lipkit.audio.wav2vec2:wav2vec2_base",
    "hubert-base": "lipkit.audio.wav2vec2:hubert_base",
}

JUDGES = {  # frozen networks that several families train against: by a name, a file or a run
    "lips": "lipkit.models.latentsync.expert.model:load",
}


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known name most like ``name``, if any is."""
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return found[0] if found else None


def resolve(table: dict[str, str], name: str, kind: str) -> Any:
    """The object behind ``name``; an unknown name is the user's error and names the nearest."""
    if name not in table:
        guess = nearest(name, list(table))
        hint = f"did you mean {guess}?" if guess else f"known: {', '.join(sorted(table))}"
        raise BadUsage(f"unknown {kind} {name!r}", hint=hint)
    return load(table[name])


def load(path: str) -> Any:
    """The attribute that a "module:attribute" string names."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
