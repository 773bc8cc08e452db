"""MuseTalk: the lower half of a face completed in latent space, in one step, to what Whisper hears.

Zhang et al., "MuseTalk: Real-Time High-Fidelity Video Dubbing via Spatio-Temporal Sampling"
(2024), arXiv:2410.10122.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="musetalk",
    verbs=frozenset({"sync"}),
    config="lipkit.models.musetalk.config:MuseTalkConfig",
    build="lipkit.models.musetalk.model:build",
    stages={
        "autoencoder": "lipkit.models.musetalk.stages:autoencoder",
        "stage1": "lipkit.models.musetalk.stages:stage1",
        "stage2": "lipkit.models.musetalk.stages:stage2",
    },
    editor="lipkit.models.musetalk.editing:MuseTalkEditor",
    finisher="lipkit.models.musetalk.editing:finisher",
    initialise="lipkit.models.musetalk.stages:begin",
    hollow=True,
)
