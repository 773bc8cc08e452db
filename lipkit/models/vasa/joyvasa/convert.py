"""JoyVASA's official files in our names, and ours in official names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from lipkit.audio import wav2vec2
from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert, renamed
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vasa.joyvasa.config import DenoiserConfig, ModelConfig
from lipkit.models.vasa.joyvasa.denoiser import Denoiser, waves
from lipkit.models.vasa.joyvasa.model import JoyVasa

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

OFFICIAL = (
    Rule(r"denoiser\.time\.(.+)", r"denoising_net.diff_step_map.\1"),
    Rule(r"denoiser\.enter\.(.+)", r"denoising_net.feature_proj.\1"),
    Rule(r"denoiser\.leave\.(.+)", r"denoising_net.motion_dec.\1"),
    Rule(r"denoiser\.(.+)", r"denoising_net.\1"),
    Rule(r"audio_map\.(.+)", r"audio_feature_map.\1"),
    Rule(r"(start_motion|start_audio|null_audio)", r"\1_feat"),
    Rule(r"hearing\.(.+)", r"audio_encoder.\1"),
)
TIMES, PLACES = 501, 600  # rows of the official tables, whatever the model needs
SPANS = ("scale", "t", "pitch", "yaw", "roll")  # in the order of the channels


def adopt(
    checkpoints: Sequence[Checkpoint], wanted: Any = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The official generator and its template of motion as our model, and its settings.

    The settings are the tensors' own: what the file says of its training is not all true.
    """
    generator, template = checkpoints
    form = form_of(generator)
    with torch.device("meta"):
        expected = JoyVasa(form).state_dict()
    scale = {name: expected.pop(name) for name in ("motion_offset", "motion_scale")}
    found = convert(generator.tensors, MODEL, expected, str(generator.file))
    return found | dict(zip(scale, scale_of(template), strict=True)), asdict(form)


def form_of(generator: Checkpoint) -> ModelConfig:
    """The settings that a file's tensors have the shapes of."""
    tensors = generator.tensors
    try:
        context, channels = tensors["start_motion_feat"].shape[1:]
        width = tensors["audio_feature_map.weight"].shape[0]
        tokens = tensors["denoising_net.alignment_mask"].shape[0]
        steps = len(tensors["diffusion_sched.betas"]) - 1
    except KeyError as problem:
        raise WeightsError(f"{generator.file}: no {problem} in it, so not JoyVASA's") from None
    shape = DenoiserConfig(channels=channels, width=width, window=tokens - context, context=context)
    return ModelConfig(diffusion_steps=steps, denoiser=shape)


def scale_of(template: Checkpoint) -> tuple[Tensor, Tensor]:
    """Offset and scale ``(70,)`` of motion, out of a template's statistics."""
    found = template.tensors
    try:
        lows = [found[f"min_{name}"].flatten() for name in SPANS]
        highs = [found[f"max_{name}"].flatten() for name in SPANS]
        mean, deviation = found["mean_exp"].flatten(), found["std_exp"].flatten()
    except KeyError as problem:
        raise WeightsError(f"{template.file}: no {problem} in it, so no template") from None
    low, high = torch.cat(lows), torch.cat(highs)
    return torch.cat([mean, low]), torch.cat([deviation, high - low])


def official(model: JoyVasa, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A model's ``state`` under the names of the official file, tables included."""
    schedule, denoiser = model.schedule, model.denoiser
    tables = {
        "denoising_net.TE.pe": table(TIMES, denoiser),
        "denoising_net.PE.pe": table(PLACES, denoiser),
        "diffusion_sched.betas": schedule.betas,
        "diffusion_sched.alphas": schedule.alphas,
        "diffusion_sched.alpha_bars": schedule.alpha_bars,
        "diffusion_sched.sigmas_flex": schedule.full_sigmas,
        "diffusion_sched.sigmas_inflex": schedule.posterior_sigmas,
    }
    if denoiser.deaf is not None:
        tables["denoising_net.alignment_mask"] = denoiser.deaf
    return renamed(state, OFFICIAL) | tables


def table(rows: int, denoiser: Denoiser) -> Tensor:
    """The official table ``(1, rows, d)`` of sines and cosines."""
    return waves(torch.arange(rows, dtype=torch.float32), denoiser.config.width)[None]
