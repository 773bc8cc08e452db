"""LatentSync: latent diffusion that redraws the lower face to what Whisper hears.

Li et al., "LatentSync: Taming Audio-Conditioned Latent Diffusion Models for Lip Sync with SyncNet
Supervision" (2024), arXiv:2412.09262.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="latentsync",
    verbs=frozenset({"sync"}),
    config="lipkit.models.latentsync.config:LatentSyncConfig",
    build="lipkit.models.latentsync.model:build",
    stages={
        "autoencoder": "lipkit.models.latentsync.stages:autoencoder",
        "hearing": "lipkit.models.latentsync.hearing:hearing",
        "stage1": "lipkit.models.latentsync.stages:stage1",
        "stage2": "lipkit.models.latentsync.stages:stage2",
    },
    initialise="lipkit.models.latentsync.stages:begin",
    editor="lipkit.models.latentsync.editing:LatentSyncEditor",
    finisher="lipkit.models.latentsync.editing:finisher",
    hollow=True,
)
