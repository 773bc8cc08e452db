"""AniPortrait: speech to a face mesh, its lines to pictures by latent diffusion.

Wei et al., "AniPortrait: Audio-Driven Synthesis of Photorealistic Portrait Animation" (2024),
arXiv:2403.17694: VLOGGER's two steps over Stable Diffusion.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="aniportrait",
    verbs=frozenset({"animate"}),
    config="lipkit.models.vlogger.aniportrait.config:AniPortraitConfig",
    build="lipkit.models.vlogger.aniportrait.model:build",
    performer="lipkit.models.vlogger.aniportrait.performing:AniPortraitPerformer",
    hollow=True,
)
