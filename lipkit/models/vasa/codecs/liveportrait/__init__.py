"""LivePortrait (Guo et al. 2024, arXiv:2407.03168): a face moved by implicit keypoints."""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="liveportrait",
    verbs=frozenset({"animate"}),
    config="lipkit.models.vasa.codecs.liveportrait.config:VideoDrivenConfig",
    build="lipkit.models.vasa.codecs.liveportrait.model:build",
    codec="liveportrait",
    drawer="lipkit.models.vasa.codecs.liveportrait.codec:LivePortraitCodec",
)
