"""JoyVASA's official files in our names."""

from __future__ import annotations

from lipkit.audio import wav2vec2
from lipkit.models.parts.convert import Rule

# Tables that can be computed; the official loader hides every mismatch, so they are dropped by name
TABLES = r"(?:TE\.pe|PE\.pe|alignment_mask)"
DENOISER = (
    Rule(TABLES, None),
    Rule(r"diff_step_map\.(.+)", r"time.\1"),
    Rule(r"feature_proj\.(.+)", r"enter.\1"),
    Rule(r"motion_dec\.(.+)", r"leave.\1"),
    Rule(r"(transformer\.layers\..+)", r"\1"),
)
HEARING = tuple(
    Rule(
        rf"audio_encoder\.(?:{rule.pattern})",
        None if rule.target is None else "hearing." + rule.target,
        rule.change,
    )
    for rule in wav2vec2.RULES
)
MODEL = (
    Rule(r"diffusion_sched\..+", None),
    *(
        Rule(r"denoising_net\." + rule.pattern, rule.target and "denoiser." + rule.target)
        for rule in DENOISER
    ),
    Rule(r"audio_feature_map\.(.+)", r"audio_map.\1"),
    Rule(r"(start_motion|start_audio|null_audio)_feat", r"\1"),
    *HEARING,
)
