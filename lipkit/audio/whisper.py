"""Whisper's encoder as an audio front end: five layers of 50 steps a second, as LatentSync hears.

Radford et al. 2022, arXiv:2212.04356. The log-mel is taken of the whole sound at once, and layers
are the blocks' own outputs, without the final norm (LatentSync, `whisper/audio2feature.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lipkit.audio.hidden import chosen, stacked
from lipkit.audio.mel import WHISPER, compressed, spectra
from lipkit.audio.streams import blocks, crossfaded, embed
from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.models.parts.weights import WeightSet, find, locate
from lipkit.protocols import Features

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lipkit.audio.streams import Chunks, Floats

WINDOW = 3000  # mel columns that the network hears at once: 30 s
OVERLAP = 500  # columns that two windows share: 5 s
HEAD = 64  # width of an attention head, in every size that was released

BLOCK = r"(?:encoder\.)?blocks\.(\d+)\."
# openai's names, then transformers' (of the whole model or of its encoder alone: our own)
RULES = (
    Rule(r"(?:encoder\.)?positional_embedding", "embed_positions.weight"),
    Rule(BLOCK + r"attn\.query\.(.+)", r"layers.\1.self_attn.q_proj.\2"),
    Rule(BLOCK + r"attn\.key\.(.+)", r"layers.\1.self_attn.k_proj.\2"),
    Rule(BLOCK + r"attn\.value\.(.+)", r"layers.\1.self_attn.v_proj.\2"),
    Rule(BLOCK + r"attn\.out\.(.+)", r"layers.\1.self_attn.out_proj.\2"),
    Rule(BLOCK + r"attn_ln\.(.+)", r"layers.\1.self_attn_layer_norm.\2"),
    Rule(BLOCK + r"mlp\.0\.(.+)", r"layers.\1.fc1.\2"),
    Rule(BLOCK + r"mlp\.2\.(.+)", r"layers.\1.fc2.\2"),
    Rule(BLOCK + r"mlp_ln\.(.+)", r"layers.\1.final_layer_norm.\2"),
    Rule(r"(?:encoder\.)?ln_post\.(.+)", r"layer_norm.\1"),
    Rule(r"(?:model\.)?decoder\..+|proj_out\.weight", None),  # only the encoder listens
    Rule(r"(?:model\.)?(?:encoder\.)?((?:conv[12]|embed_positions|layers|layer_norm)\..+)", r"\1"),
)


class WhisperEncoder:
    """Features ``(t, l, d)`` at 50 Hz from transformers' ``WhisperEncoder``.

    ``joints="hard"`` starts anew every 30 s, as the official code does, and jumps there.
    """

    rate = Fraction(50)

    def __init__(
        self,
        model: Any,
        *,
        name: str = "whisper-tiny",
        layers: str = "all",
        joints: str = "faded",
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.indices = chosen(layers, tuple(range(len(self.model.layers) + 1)))
        self.layers = len(self.indices)
        self.width = int(self.model.conv1.out_channels)
        self.stride = WINDOW if joints == "hard" else WINDOW - OVERLAP

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and width of a feature step."""
        return self.layers, self.width

    def count(self, samples: int) -> int:
        """Feature steps of a sound of so many samples."""
        return WHISPER.count(samples) // 2

    def stream(self, chunks: Chunks) -> Iterator[Floats]:
        """Pieces ``(t, l, d)`` of the features of a sound; asks for the sound twice."""
        peak = max((float(piece.max()) for piece in spectra(chunks(), WHISPER)), default=0.0)
        mels = (compressed(piece, WHISPER, peak) for piece in spectra(chunks(), WHISPER))
        windows = blocks(mels, WINDOW, self.stride)
        return crossfaded((start // 2, self.states(mel)) for start, mel in windows)

    @torch.inference_mode()
    def states(self, mel: Floats) -> Floats:
        """Hidden states ``(columns // 2, l, d)`` of one window of log-mel ``(columns, 80)``.

        A short window is filled up with zeros, which is not the level of silence: so it was
        trained.
        """
        weight = self.model.conv1.weight
        full = np.zeros((WINDOW, mel.shape[1]), np.float32)
        full[: len(mel)] = mel
        heard = torch.from_numpy(full).to(weight.device, weight.dtype).T[None]
        states, _ = stacked(self.model.layers, lambda: self.model(heard), self.indices)
        kept: Floats = states[0, : len(mel) // 2].float().cpu().numpy()
        return kept

    def encode(self, wave: Floats) -> Features:
        """Features of ``wave (n,)`` at 16 kHz."""
        return embed(self, lambda: [wave])


def whisper_tiny(**options: Any) -> WhisperEncoder:
    """Whisper tiny: five layers of 384."""
    return load("whisper-tiny", **options)


def whisper_small(**options: Any) -> WhisperEncoder:
    """Whisper small: thirteen layers of 768."""
    return load("whisper-small", **options)


def load(
    name: str, *, weights: str | None = None, device: str = "cpu", **options: Any
) -> WhisperEncoder:
    """The encoder with its stored weights, or with those of a file or folder."""
    checkpoint = read_checkpoint(weights or locate(name))
    tensors, config = adopt(checkpoint, find(name))
    model = build(config)
    model.load_state_dict(tensors, assign=True)
    return WhisperEncoder(model.to(device, torch.float32), name=name, **options)


def adopt(
    checkpoint: Checkpoint, wanted: WeightSet | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A checkpoint's encoder in our names, and its config; its size must be the one wanted."""
    config = configure(checkpoint)
    size = config["encoder_layers"], config["d_model"]
    if wanted and size != (wanted.layers, wanted.width):
        raise WeightsError(
            f"{checkpoint.file}: {size[0]} blocks of width {size[1]}, but {wanted.name} has "
            f"{wanted.layers} of {wanted.width}"
        )
    expected = build(config).state_dict()
    return convert(checkpoint.tensors, RULES, expected, str(checkpoint.file)), config


def configure(checkpoint: Checkpoint) -> dict[str, Any]:
    """The encoder's sizes, from the tensors' shapes and, for the heads, the file's config."""
    shapes = {name.split("encoder.")[-1]: t.shape for name, t in checkpoint.tensors.items()}
    if "conv1.weight" not in shapes:
        raise WeightsError(f"{checkpoint.file}: no Whisper encoder in these weights")
    width, bands, _ = shapes["conv1.weight"]
    given = checkpoint.config
    heads = given.get("encoder_attention_heads") or given.get("dims", {}).get("n_audio_head")
    encoder = [n for n in checkpoint.tensors if not n.removeprefix("model.").startswith("decoder")]
    blocks = {re.sub(r".*?(?:blocks|layers)\.(\d+)\..*", r"\1", n) for n in encoder}
    inner = next(s[0] for n, s in shapes.items() if re.search(r"\.0\.(mlp\.0|fc1)\.weight", n))
    return {
        "d_model": int(width),
        "num_mel_bins": int(bands),
        "encoder_layers": sum(block.isdigit() for block in blocks),
        "encoder_attention_heads": int(heads or max(1, width // HEAD)),
        "encoder_ffn_dim": int(inner),
        "max_source_positions": WINDOW // 2,
    }


def build(config: dict[str, Any]) -> nn.Module:
    """The network on the meta device: shapes without numbers, to load weights into."""
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder as Network

    with torch.device("meta"):
        return Network(WhisperConfig(**config))
