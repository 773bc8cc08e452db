"""wav2vec 2.0 and HuBERT as audio front ends, at their own 50 Hz or at a video's frame rate.

Baevski et al. 2020, arXiv:2006.11477; Hsu et al. 2021, arXiv:2106.07447. With ``fps``, the output
of the convolutions is interpolated to one step a frame *before* the transformer, as Hallo and
AniPortrait do; interpolating the transformer's output instead is another function.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from lipkit.audio.hidden import chosen, stacked
from lipkit.audio.streams import blocks, crossfaded, embed, statistics
from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.models.parts.weights import WeightSet, find, locate
from lipkit.protocols import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from lipkit.audio.streams import Chunks, Floats

SAMPLE_RATE = 16000
HOP, FIELD = 320, 400  # samples between two steps, samples that one step hears
WINDOW = 30 * SAMPLE_RATE
OVERLAP = 5 * SAMPLE_RATE

MODEL = r"(?:wav2vec2\.|hubert\.)?"  # files of the whole model for recognition have it
POSITIONS = "encoder.pos_conv_embed.conv.parametrizations.weight.original"
RULES = (
    Rule(r"lm_head\..+|" + MODEL + r"masked_spec_embed", None),  # recognition, training
    Rule(MODEL + r"encoder\.pos_conv_embed\.conv\.weight_g", POSITIONS + "0"),  # older torch
    Rule(MODEL + r"encoder\.pos_conv_embed\.conv\.weight_v", POSITIONS + "1"),
    Rule(MODEL + r"((?:feature_extractor|feature_projection|encoder)\..+)", r"\1"),
)
# what of a transformers config shapes the network
KEYS = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "conv_dim",
    "conv_stride",
    "conv_kernel",
    "conv_bias",
    "num_conv_pos_embeddings",
    "feat_extract_norm",
    "num_conv_pos_embedding_groups",
    "feat_extract_activation",
    "do_stable_layer_norm",
    "layer_norm_eps",
    "feat_proj_layer_norm",
    "do_normalize",
)


class Wav2Vec2Encoder:
    """Features ``(t, l, d)`` from transformers' ``Wav2Vec2Model`` or ``HubertModel``.

    All layers are the outputs of the transformer's blocks; layer 0 is what enters the first.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str = "wav2vec2-base-960h",
        layers: str = "all",
        fps: Fraction | None = None,
        normalise: bool = True,
    ) -> None:
        self.model = model.eval()
        self.name = name
        stack = self.model.encoder.layers
        self.indices = chosen(layers, tuple(range(1, len(stack) + 1)))
        self.layers = len(self.indices)
        self.width = int(self.model.config.hidden_size)
        self.fps = fps
        self.rate = fps or Fraction(SAMPLE_RATE, HOP)
        self.normalise = normalise

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and width of a feature step."""
        return self.layers, self.width

    def count(self, samples: int) -> int:
        """Feature steps of a sound: one a video frame, or what the convolutions give."""
        if self.fps is not None:
            return math.ceil(samples * self.fps / SAMPLE_RATE)
        return convolved(samples) if samples else 0

    def stream(self, chunks: Chunks) -> Iterator[Floats]:
        """Pieces ``(t, l, d)`` of the features of a sound; asks for the sound twice."""
        samples, mean, variance = statistics(chunks())
        if not self.normalise:
            mean, variance = 0.0, 1.0
        # sound before which all was scaled to zero mean and unit variance, whole, not by window
        scale = 1.0 / math.sqrt(variance + 1e-7)
        scaled = (((chunk - mean) * scale).astype(np.float32) for chunk in chunks())
        places = spread(convolved(samples), self.count(samples))
        windows = blocks(scaled, WINDOW, WINDOW - OVERLAP)
        return crossfaded(self.window(start, wave, places) for start, wave in windows)

    def window(self, start: int, wave: Floats, places: NDArray[np.float64]) -> tuple[int, Floats]:
        """Index of the first step that lies in a window of sound, and the states of all that do."""
        first = start // HOP
        inside = (places >= first) & (places <= first + convolved(len(wave)) - 1)
        rows = np.flatnonzero(inside)
        whole = len(rows) == len(places)
        return int(rows[0]), self.states(wave, len(rows) if whole else places[rows] - first)

    @torch.inference_mode()
    def states(self, wave: Floats, places: NDArray[np.float64] | int | None = None) -> Floats:
        """Hidden states ``(t, l, d)`` of one window of scaled sound.

        ``places (t,)`` are the steps of the convolutions' output at which to look, fractions
        included, or how many to spread over it from end to end; without them, every step.
        """
        weight = self.model.feature_projection.projection.weight
        heard = torch.from_numpy(np.pad(wave, (0, max(0, FIELD - len(wave)))))
        heard = heard.to(weight.device, weight.dtype)[None]
        convolutions = self.model.feature_extractor(heard).transpose(1, 2)
        if isinstance(places, int):
            convolutions = linear_interpolation(convolutions, places)
        elif places is not None:
            convolutions = interpolated(convolutions, torch.from_numpy(places))
        projected = self.model.feature_projection(convolutions)
        if isinstance(projected, tuple):  # wav2vec2 also returns the normed input of the projection
            projected = projected[0]
        run = self.model.encoder
        states, result = stacked(run.layers, lambda: run(projected), self.indices)
        if len(run.layers) in self.indices:  # the large models' final norm belongs to the last
            states[:, :, self.indices.index(len(run.layers))] = result.last_hidden_state
        kept: Floats = states[0].float().cpu().numpy()
        return kept

    def encode(self, wave: Floats) -> Features:
        """Features of ``wave (n,)`` at 16 kHz."""
        return embed(self, lambda: [wave])


def convolved(samples: int) -> int:
    """Steps that the convolutions make of so many samples; too short a sound is filled up."""
    return (max(samples, FIELD) - FIELD) // HOP + 1


def spread(steps: int, count: int) -> NDArray[np.float64]:
    """Places ``(count,)`` from the first to the last of ``steps`` steps, ends on ends."""
    if count == steps:
        return np.arange(count, dtype=np.float64)
    places = np.arange(count, dtype=np.float64) * ((steps - 1) / max(count - 1, 1))
    return places.clip(max=steps - 1)


def interpolated(steps: Tensor, places: Tensor) -> Tensor:
    """``steps (b, t, d)`` at fractional ``places (p,)``, linearly between neighbours."""
    places = places.to(steps.device)
    below = places.floor().long().clamp(0, steps.shape[1] - 1)
    above = (below + 1).clamp(max=steps.shape[1] - 1)
    share = (places - below).to(steps.dtype)[None, :, None]
    return steps[:, below] * (1 - share) + steps[:, above] * share


def linear_interpolation(steps: Tensor, count: int) -> Tensor:
    """``steps (b, t, d)`` as ``(b, count, d)``, first on first and last on last (Hallo)."""
    if steps.shape[1] == count:
        return steps
    channels = steps.transpose(1, 2)
    spread = functional.interpolate(channels, count, mode="linear", align_corners=True)
    return spread.transpose(1, 2)


def filled(samples: int, fps: Fraction, clip: int) -> tuple[int, int]:
    """Frames of a sound, rounded up to whole clips, and the samples to append for that (Hallo).

    Hallo counts in floating point, so that some whole numbers of frames count as one more, and
    appends a fixed number of samples for each missing frame.
    """
    frames = math.ceil(samples / SAMPLE_RATE * float(fps))
    missing = -frames % clip
    return frames + missing, missing * int(SAMPLE_RATE / fps)


def mirrored(wave: Tensor) -> Tensor:
    """``wave (b, n)`` padded by mirroring, so that whole frames give two steps each (JoyVASA).

    The convolutions lose 80 samples. What is missing is added half on each side, itself mirrored
    in two halves, as the released network was trained.
    """
    missing = wave.shape[1] // HOP * HOP + FIELD - HOP - wave.shape[1]
    side = math.ceil(missing / 2)
    for _ in range(2):
        if side > 1:
            wave = functional.pad(wave, (side // 2, side // 2), mode="reflect")
    return functional.pad(wave, (1, 1), mode="replicate") if side > 0 and side % 2 else wave


def wav2vec2_base(**options: Any) -> Wav2Vec2Encoder:
    """wav2vec 2.0 base, fine-tuned on 960 h of read English."""
    return load("wav2vec2-base-960h", **options)


def hubert_base(**options: Any) -> Wav2Vec2Encoder:
    """HuBERT base, pretrained on 960 h of read English."""
    return load("hubert-base", **options)


def load(
    name: str, *, weights: str | None = None, device: str = "cpu", **options: Any
) -> Wav2Vec2Encoder:
    """The encoder with its stored weights, or with those of a file or folder."""
    checkpoint = read_checkpoint(weights or locate(name))
    tensors, config = adopt(checkpoint, find(name))
    model = build(config)
    model.load_state_dict(tensors, assign=True)
    options.setdefault("normalise", config.get("do_normalize", True))
    return Wav2Vec2Encoder(model.to(device, torch.float32), name=name, **options)


def adopt(
    checkpoint: Checkpoint, wanted: WeightSet | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A checkpoint's encoder in our names, and its config; its size must be the one wanted.

    Without a config beside the weights, they are taken for the base size.
    """
    config = {key: checkpoint.config[key] for key in KEYS if key in checkpoint.config}
    if wanted:
        config.setdefault("model_type", "hubert" if "hubert" in wanted.name else "wav2vec2")
    network = build(config)
    size = len(network.encoder.layers), network.config.hidden_size
    if wanted and size != (wanted.layers, wanted.width):
        raise WeightsError(
            f"{checkpoint.file}: {size[0]} blocks of width {size[1]}, but {wanted.name} has "
            f"{wanted.layers} of {wanted.width}"
        )
    expected = network.state_dict()
    return convert(checkpoint.tensors, RULES, expected, str(checkpoint.file)), config


def build(config: dict[str, Any]) -> Any:
    """The network on the meta device: shapes without numbers, to load weights into."""
    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

    shape = {k: v for k, v in config.items() if k not in ("model_type", "do_normalize")}
    # no masking of training, so no parameter for what is masked
    shape |= {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    with torch.device("meta"):
        if config.get("model_type") == "hubert":
            return HubertModel(HubertConfig(**shape))
        return Wav2Vec2Model(Wav2Vec2Config(**shape))
