"""Runners of the files about JoyVASA's generator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lipkit.models.parts.convert import convert as fit
from lipkit.models.vasa.codecs.liveportrait import motion as poses
from lipkit.models.vasa.joyvasa import convert, pipeline
from lipkit.models.vasa.joyvasa import model as networks
from lipkit.models.vasa.joyvasa.config import (
    DenoiserConfig,
    HearingConfig,
    ModelConfig,
    SamplingConfig,
)
from lipkit.models.vasa.joyvasa.denoiser import Denoiser
from lipkit.models.vasa.joyvasa.objective import Objective, truncated
from lipkit.models.vasa.joyvasa.sampling import Context, Guided, drawn
from lipkit.models.vasa.joyvasa.schedule import Schedule

from .audio import weights

Meta = dict[str, Any]
Tensors = dict[str, Tensor]

PARTS = {"exp": slice(63), "scale": 63, "t": slice(64, 67), "pitch": 67, "yaw": 68, "roll": 69}
ANGLES = ("pitch", "yaw", "roll")


def denoiser_form(official: Meta, positions: str) -> DenoiserConfig:
    return DenoiserConfig(
        channels=official["motion_feat_dim"],
        width=official["feature_dim"],
        heads=official.get("n_heads", 8),
        layers=official.get("n_layers", 8),
        growth=official.get("mlp_ratio", 4),
        window=official["n_motions"],
        context=official["n_prev_motions"],
        reach=official.get("align_mask_width", 1) or 0,
        indicator=official.get("use_indicator") or False,
        positions=positions,
    )


@torch.no_grad()
def denoiser(meta: Meta, tensors: Tensors) -> Tensors:
    network = Denoiser(denoiser_form(meta["config"], meta["pe_mode"])).eval()
    given = weights(tensors, "weight.")
    network.load_state_dict(fit(given, convert.DENOISER, network.state_dict(), "golden"))
    motion, context = tensors["in.motion"], tensors["in.prev_motion"]
    indicator, step = tensors.get("in.indicator"), tensors["in.step"]
    audio = tensors["in.audio"], context, tensors["in.prev_audio"]
    results = {
        "out.step_embedding": network.timed(step),
        "out.after_pe": network.entered(motion, context, indicator),
        "out.motion_target": network(motion, *audio, step, indicator),
    }
    if network.deaf is not None:
        results["out.alignment_mask"] = network.deaf.to(torch.uint8)
    return results


def schedule(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for steps, name in meta["specs"]:
        found = Schedule.of(name, steps)
        key = f"out.{name}{steps}."
        results |= {
            key + "betas": found.betas,
            key + "alphas": found.alphas,
            key + "alpha_bars": found.alpha_bars,
            key + "sigmas_flex": found.full_sigmas,
            key + "sigmas_inflex": found.posterior_sigmas,
            key + "sigmas_half": found.sigmas(0.5)[1:],
        }
    return results


def generator_of(meta: Meta, tensors: Tensors) -> networks.JoyVasa:
    """The whole model with official weights; without HuBERT's where the file has none."""
    config = meta["config"]
    given = weights(tensors, "weight.")
    hears = meta.get("hubert_config")
    width = given["audio_feature_map.weight"].shape[1]
    hearing = hearing_form(hears) if hears else HearingConfig(width, 1, 1, 8, (8,) * 7, 16, 1)
    form = ModelConfig(
        fps=config["fps"],
        diffusion_steps=config["n_diff_steps"],
        schedule=config["diff_schedule"],
        target=config.get("target", "sample"),
        denoiser=denoiser_form(config, meta.get("pe_mode", "fixed")),
        hearing=hearing,
    )
    network = networks.build(form).eval()
    expected = {k: v for k, v in network.state_dict().items() if not k.startswith("motion_")}
    if not hears:
        expected = {k: v for k, v in expected.items() if not k.startswith("hearing.")}
    found = fit(given, convert.MODEL, expected, "golden")
    network.load_state_dict(network.state_dict() | found)
    return network


def hearing_form(official: Meta) -> HearingConfig:
    return HearingConfig(
        width=official["hidden_size"],
        layers=official["num_hidden_layers"],
        heads=official["num_attention_heads"],
        inner=official["intermediate_size"],
        convolutions=tuple(official["conv_dim"]),
        positions=official["num_conv_pos_embeddings"],
        groups=official["num_conv_pos_embedding_groups"],
    )


@torch.no_grad()
def sample(meta: Meta, tensors: Tensors) -> Tensors:
    model = generator_of(meta, tensors)
    audio, steps = tensors["in.audio_feat"], model.config.diffusion_steps
    results = {}
    for number, case in enumerate(meta["cases"]):
        context = Context.start(model, len(audio))
        if case.get("use_prev"):
            context = Context(tensors["in.prev_motion"], tensors["in.prev_audio"])
        guides = "audio" in (case["cfg_cond"] if case.get("cfg_cond") is not None else ["audio"])
        predict = Guided(
            model,
            audio,
            context,
            guidance=case["cfg_scale"] if guides else None,
            threshold=tuple(case.get("dynamic_threshold") or ()),
        )
        stored = tensors[f"in.case{number}.z"]

        def noise(like: Tensor, step: int, stored: Tensor = stored) -> Tensor:
            return stored[steps - step]

        sampling = SamplingConfig(flexibility=case.get("flexibility", 0.0))
        states = list(drawn(predict, tensors["in.motion_at_T"], noise, sampling))
        results |= {
            f"out.case{number}.x_after_first": states[0],
            f"out.case{number}.x_mid": states[steps - 1 - steps // 2],
            f"out.case{number}.x0": states[-1],
        }
    return results


class StoredNoise:
    """Noise that a file holds."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors

    def start(self, shape: tuple[int, ...]) -> Tensor:
        assert self.tensors["in.motion_at_T"].shape == shape
        return self.tensors["in.motion_at_T"]

    def step(self, shape: tuple[int, ...], window: int, step: int) -> Tensor:
        steps = self.tensors["in.z"].shape[1]
        return self.tensors["in.z"][window, steps + 1 - step]


class Remembering(pipeline.SpeechGenerator):
    """A generator that keeps what it heard and drew."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.heard: list[Tensor] = []
        self.drawn: list[Tensor] = []

    def window(self, heard: Tensor, state: pipeline.State, frames: int) -> Tensor:
        self.heard.append(heard)
        self.drawn.append(super().window(heard, state, frames))
        return self.drawn[-1]


def scaled(model: networks.JoyVasa, template: Tensors) -> None:
    """Give a model the scale of motion that a template holds."""
    spans = [(template[f"min_{k}"], template[f"max_{k}"]) for k in PARTS if k != "exp"]
    model.motion_offset = torch.cat([template["mean_exp"], *(low for low, _ in spans)])
    model.motion_scale = torch.cat([template["std_exp"], *(high - low for low, high in spans)])


def told(motion: Tensor, prefix: str) -> Tensors:
    """Motion ``(f, 70)`` under official names."""
    parts = {key: motion[:, [at] if isinstance(at, int) else at] for key, at in PARTS.items()}
    parts["exp"] = parts["exp"].unflatten(1, (-1, 3))
    parts["R"] = poses.rotation(*(parts[key] for key in ANGLES))
    return {prefix + key: value for key, value in parts.items()}


@torch.no_grad()
def windowed_motion(meta: Meta, tensors: Tensors) -> Tensors:
    model = generator_of(meta, tensors)
    scaled(model, weights(tensors, "in.template."))
    results: dict[str, Tensor] = {}
    for prefix, steadiness in (("out.motion.", 0.0), ("out.ema.", 0.99)):
        sampling = SamplingConfig(guidance=meta["cfg_scale"], head_steadiness=steadiness)
        generator = Remembering(model, sampling, StoredNoise(tensors))
        state, rows, sounds, told_frames = None, [], [], []
        count = model.config.denoiser.window
        sound = [tensors["in.audio"].numpy()]
        for window in pipeline.windows(sound, model.config, meta["pad_mode"]):
            made, state = generator.generate(window.sound, {"frames": window.frames}, state)
            rows.append(torch.from_numpy(made[: window.frames]))
            sounds.append(torch.from_numpy(window.sound)[None])
            told_frames.append((torch.arange(count) < window.frames).float()[None])
        results |= told(torch.cat(rows), prefix)
    results |= {
        "out.window_audio": torch.stack(sounds),
        "out.window_indicator": torch.stack(told_frames),
        "out.window_motion": torch.stack(generator.drawn),
        "out.window_audio_feat": torch.stack(generator.heard),
    }
    return {key: value for key, value in results.items() if key in tensors}


def train_loss(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for number, case in enumerate(meta["cases"]):
        args = meta["default_args"] | case.get("args", {})
        judge = Objective(args["criterion"], args["target"], args["no_constrain_prev"])
        terms = judge.terms(
            tensors["in.pred"],
            tensors["in.gt"],
            tensors["in.noise"],
            None if case["start"] else tensors["in.prev"],
            tensors["in.end_idx"] if case["trunc"] else None,
        )
        results |= {f"out.case{number}.{key}": value[None] for key, value in terms.items()}
    ends = tensors["out.trunc.end_idx"]  # drawn at random, so it is taken as given
    unit = tensors["in.trunc_audio"].shape[1] // tensors["in.gt"].shape[1]
    sound = truncated(tensors["in.trunc_audio"], ends, unit)
    return results | {
        "out.trunc.end_idx": ends,
        "out.trunc_zero.audio_tail": sound[:, -tensors["out.trunc_zero.audio_tail"].shape[1] :],
        "out.trunc_zero.motion": truncated(tensors["in.gt"], ends),
        "out.trunc_repl.motion": truncated(tensors["in.gt"], ends, tail="replicate"),
    }


RUNNERS = {
    "joyvasa_denoiser": denoiser,
    "joyvasa_denoiser_legacy_pe": denoiser,
    "joyvasa_denoiser_indicator": denoiser,
    "joyvasa_schedule": schedule,
    "joyvasa_sample": sample,
    "joyvasa_sample_legacy_pe": sample,
    "joyvasa_windowed_motion": windowed_motion,
    "joyvasa_train_loss": train_loss,
}
