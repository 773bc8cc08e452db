"""SyncNets: whether lips fit a sound (LatentSync, arXiv:2412.09262, section 3.4)."""

from __future__ import annotations

from lipkit.protocols import Family

FAMILY = Family(
    name="syncnet",
    verbs=frozenset(),
    config="lipkit.models.latentsync.expert.config:ExpertConfig",
    build="lipkit.models.latentsync.expert.model:build",
    stages={"pairs": "lipkit.models.latentsync.expert.stages:pairs"},
)
