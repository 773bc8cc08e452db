"""VASA-1 (Xu et al. 2024, arXiv:2404.10667) whole: MegaPortraits' face space, moved by speech."""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="vasa1",
    verbs=frozenset({"animate"}),
    config="lipkit.models.vasa.vasa1.config:Vasa1Config",
    build="lipkit.models.vasa.vasa1.model:build",
    stages={
        "pose": "lipkit.models.vasa.vasa1.stages:pose",
        "codec": "lipkit.models.vasa.vasa1.stages:codec",
        "codec_hr": "lipkit.models.vasa.vasa1.stages:codec_hr",
        "generator": "lipkit.models.vasa.vasa1.stages:generator",
    },
    speaker="lipkit.models.vasa.vasa1.pipeline:speak",
    reader="lipkit.models.vasa.vasa1.pipeline:read_aloud",
    live="lipkit.models.vasa.vasa1.live:speak_live",
    codec="megaportraits",
    drawer="lipkit.models.vasa.codecs.megaportraits.codec:MegaPortraitsCodec",
)
