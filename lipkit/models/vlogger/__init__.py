"""VLOGGER: speech to the motion of a face's mesh, and diffusion that draws what the mesh does.

Corona et al., "VLOGGER: Multimodal Diffusion for Embodied Avatar Synthesis" (2024),
arXiv:2403.08764. ``aniportrait`` is the open system of the same two steps.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="vlogger",
    verbs=frozenset({"animate", "sync"}),
    config="lipkit.models.vlogger.config:VloggerConfig",
    build="lipkit.models.vlogger.model:build",
    stages={
        "motion": "lipkit.models.vlogger.speaking:motion",
        "base": "lipkit.models.vlogger.stages:base",
        "frames": "lipkit.models.vlogger.stages:frames",
        "temporal": "lipkit.models.vlogger.stages:temporal",
        "upscale": "lipkit.models.vlogger.enlarging:upscale",
        "personalize": "lipkit.models.vlogger.stages:personalize",
    },
    on_request=frozenset({"personalize"}),
    performer="lipkit.models.vlogger.performing:VloggerPerformer",
    enlarger="lipkit.models.vlogger.enlarging:Enlarger",
    editor="lipkit.models.vlogger.editing:VloggerEditor",
)
