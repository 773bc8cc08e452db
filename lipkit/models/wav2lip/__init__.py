"""Wav2Lip: the lower half of a 96-pixel face, drawn at once from 0.2 s of mel.

Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild"
(2020), arXiv:2008.10010.
"""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="wav2lip",
    verbs=frozenset({"sync"}),
    config="lipkit.models.wav2lip.config:Wav2LipConfig",
    build="lipkit.models.wav2lip.model:build",
    stages={
        "expert": "lipkit.models.wav2lip.stages:expert",
        "generator": "lipkit.models.wav2lip.stages:generator",
    },
    editor="lipkit.models.wav2lip.editing:Wav2LipEditor",
)
