"""What the registry knows of an architecture; see ``protocols``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """An architecture: how to configure, build, run and train it.

    ``config`` is a dataclass type with the tables ``model`` and ``sampling`` and ``train``;
    ``stages`` maps a stage's name to a "module:attribute" string; ``editor`` is one for families
    that sync; ``performer`` is one for families that draw portraits without a face codec.
    """

    name: str
    verbs: frozenset[str]
    config: str
    build: str
    stages: Mapping[str, str] = field(default_factory=dict)
    converters: Mapping[str, str] = field(default_factory=dict)
    editor: str | None = None  # builds an ``Editor``: (model, sampling, *, seed, threads)
    enlarger: str | None = None  # builds an ``Enlarger``: (model, sampling)
    finisher: str | None = None  # builds an ``Editor`` of latents drawn before: (config, vae)
    performer: str | None = None  # builds a ``Performer``: (model, config, *, seed)
    speaker: str | None = None  # moves faces: (model, sampling, sound chunks, seed) -> ``Spoken``
    reader: str | None = None  # the same of features: (model, sampling, features, name, seed)
    live: str | None = None  # moves to sound as it comes: (model, sampling, chunks, seed) -> chunks
    codec: str = "mesh"  # the one that draws the motion it makes
    drawer: str | None = None  # wraps a model as a ``FaceCodec``: (model, sampling, *, threads)
    initialise: str | None = None  # fills a fresh model from another's file: (model, path)
    on_request: frozenset[str] = frozenset()  # stages that run only where --stage names them
    hollow: bool = False  # ``build`` works on the meta device: large weights are loaded once only
