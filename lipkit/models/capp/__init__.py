"""CAPP: whether a head moves to the sound, a score trained by contrast (VASA-1, section 4.1).

Xu et al., "VASA-1: Lifelike Audio-Driven Talking Faces Generated in Real Time" (2024). Their
weights were never published; what is trained here scores as ``capp_own``.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="capp",
    verbs=frozenset({"score"}),
    config="lipkit.models.capp.config:CappConfig",
    build="lipkit.models.capp.model:build",
    stages={"pairs": "lipkit.models.capp.stages:pairs"},
)
