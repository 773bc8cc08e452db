"""JoyVASA (Cao et al. 2024, arXiv:2411.09209): speech to motion of LivePortrait's keypoints."""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="joyvasa",
    verbs=frozenset({"animate"}),
    config="lipkit.models.vasa.joyvasa.config:JoyVasaConfig",
    build="lipkit.models.vasa.joyvasa.model:build",
    speaker="lipkit.models.vasa.joyvasa.pipeline:speak",
    live="lipkit.models.vasa.joyvasa.pipeline:speak_live",
    codec="liveportrait",
    stages={"generator": "lipkit.models.vasa.joyvasa.stages:generator"},
    initialise="lipkit.models.vasa.joyvasa.stages:begin",
)
