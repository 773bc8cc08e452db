"""Runners of the files about Wav2Lip and MuseTalk."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.losses.agreement import disagreement
from lipkit.models.wav2lip.batches import batches, smoothed
from lipkit.models.wav2lip.discriminator import Discriminator
from lipkit.models.wav2lip.generator import Generator
from lipkit.models.wav2lip.syncnet import Expert

from .audio import weights
from .fixtures import Within

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
HALF = 2.0**-11  # what storing a number in 16 bits may change of it


def filled(network: nn.Module, tensors: Tensors) -> nn.Module:
    """A network with the official weights of a file."""
    network.load_state_dict(weights(tensors, "w."))
    return network.eval()


@torch.inference_mode()
def generator(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    network = filled(Generator(16 // meta["channel_divisor"]), tensors)
    results: dict[str, Any] = {
        "out.image": network(tensors["in.mel"], tensors["in.face6"]),
        "out.audio_embedding": network.audio_encoder(tensors["in.mel"]),
    }
    for k, seen in enumerate(network.look(tensors["in.face6"])):
        results[f"out.enc_mean.{k}"] = seen.mean((2, 3))
    made = network(tensors["in.mel_seq"], tensors["in.face6_seq"])
    stored = HALF * (tensors["out.image_seq"].dtype == torch.float16)
    return results | {"out.image_seq": Within(made, meta["atol"], meta["rtol"] + stored)}


@torch.inference_mode()
def expert(meta: Meta, tensors: Tensors) -> Tensors:
    network = filled(Expert(32 // meta["channel_divisor"]), tensors)
    lips, sound = network(tensors["in.face15"], tensors["in.mel"])
    return {
        "out.face": lips,
        "out.audio": sound,
        "out.cosine": torch.cosine_similarity(lips, sound),
        "out.bce": disagreement(lips, sound, tensors["in.y"]).mean(),
    }


@torch.inference_mode()
def discriminator(meta: Meta, tensors: Tensors) -> Tensors:
    network = filled(Discriminator(32 // meta["channel_divisor"]), tensors)
    return {"out.prob": network(tensors["in.faces"])}


def prepared(meta: Meta, tensors: Tensors) -> Tensors:
    y0, y1, x0, x1 = meta["box"]
    frames = tensors["in.frames"].numpy()
    sizes = tensors["out.batch_sizes"].tolist()
    mels = np.zeros((sum(sizes), 80, 16), np.float32)
    boxes = np.tile([x0, y0, x1, y1], (len(frames), 1))
    made = list(batches(frames, boxes, mels, max(sizes)))
    first = tensors["out.img_batch0_nhwc"]
    return {
        "out.smoothed": torch.from_numpy(smoothed(tensors["in.boxes"].numpy())),
        "out.img_batch0_nhwc": torch.from_numpy(made[0][0][: len(first)]),
        "out.batch_sizes": torch.tensor([len(faces) for faces, _ in made]),
        "out.mel_batch_shape": torch.tensor(made[0][1].shape),
    }


RUNNERS = {
    "w2l_generator_narrow": generator,
    "w2l_syncnet_narrow": expert,
    "w2l_disc_narrow": discriminator,
    "w2l_boxes_batches": prepared,
}
