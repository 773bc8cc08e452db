"""Whether lips fit their sound, by the embeddings of a SyncNet."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def disagreement(lips: Tensor, sound: Tensor, together: Tensor) -> Tensor:
    """Cross-entropy ``(b,)`` of the cosine of embeddings ``(b, d)``, taken as a probability.

    ``together (b,)`` is 1 where they belong together and 0 where not. Embeddings have no values
    below 0, so neither have cosines (Prajwal et al. 2020, arXiv:2008.10010, equation 2).
    """
    with torch.autocast(lips.device.type, enabled=False):  # logarithms of half numbers overflow
        cosine = functional.cosine_similarity(lips.float(), sound.float()).clamp(0, 1)
        wanted = together.reshape(-1).to(cosine.dtype)
        return functional.binary_cross_entropy(cosine, wanted, reduction="none")


def lips_of(frames: Tensor, size: int) -> Tensor:
    """What a SyncNet of pixels sees ``(b, f*3, size/2, size)`` of ``frames (b, f, 3, r, r)``.

    The lower halves, all colours of the first frame first.
    """
    if frames.shape[-1] != size:
        small = functional.interpolate(frames.flatten(0, 1), (size, size), mode="bicubic")
        frames = small.reshape(*frames.shape[:2], *small.shape[1:])
    return frames[..., size // 2 :, :].flatten(1, 2)
