"""EMO: latent diffusion that makes a portrait talk; and Hallo, which is built like it.

Tian et al., "EMO: Emote Portrait Alive" (2024), arXiv:2402.17485; Xu et al., "Hallo" (2024),
arXiv:2406.08801.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="emo",
    verbs=frozenset({"animate"}),
    config="lipkit.models.emo.config:EmoConfig",
    build="lipkit.models.emo.model:build",
    initialise="lipkit.models.emo.beginnings:begin",
    stages={
        "autoencoder": "lipkit.models.emo.stages:autoencoder",
        "stage1": "lipkit.models.emo.stages:stage1",
        "stage2": "lipkit.models.emo.stages:stage2",
        "stage3": "lipkit.models.emo.stages:stage3",
    },
    performer="lipkit.models.emo.performing:EmoPerformer",
    hollow=True,
)
