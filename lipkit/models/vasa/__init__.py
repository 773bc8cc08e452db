"""VASA-1's design: a face codec, and a diffusion transformer that moves it to speech.

Xu et al., "VASA-1: Lifelike Audio-Driven Talking Faces Generated in Real Time" (2024).
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="vasa",
    verbs=frozenset({"animate", "sync"}),
    config="lipkit.models.vasa.config:VasaConfig",
    build="lipkit.models.vasa.model:build",
    editor="lipkit.models.vasa.editing:MouthEditor",
    live="lipkit.models.vasa.live:speak_live",
    stages={
        "frontend": "lipkit.models.vasa.stages:frontend",
        "generator": "lipkit.models.vasa.stages:generator",
        "footage": "lipkit.models.vasa.footage:footage",
    },
)
