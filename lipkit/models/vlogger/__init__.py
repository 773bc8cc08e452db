"""VLOGGER: speech to the motion of a face's mesh, and diffusion that draws what the mesh does.

Corona et al., "VLOGGER: Multimodal Diffusion for Embodied Avatar Synthesis" (2024),
arXiv:2403.08764; and AniPortrait, the open system of the same two steps: Wei et al., "AniPortrait:
Audio-Driven Synthesis of Photorealistic Portrait Animation" (2024), arXiv:2403.17694.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="vlogger",
    verbs=frozenset({"animate"}),
    config="lipkit.models.vlogger.config:VloggerConfig",
    build="lipkit.models.vlogger.model:build",
    performer="lipkit.models.vlogger.performing:VloggerPerformer",
    hollow=True,
)
