"""What MuseTalk is trained for: faces like those that were filmed, by pixels, looks and judges.

Zhang et al. 2024, arXiv:2410.10122, sections 3.3 and 3.4; weights after the official 1.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lipkit.losses.adversarial import deceit, feature_gap
from lipkit.losses.agreement import disagreement, lips_of
from lipkit.losses.perception import feature_distance
from lipkit.models.musetalk import pixels
from lipkit.models.musetalk.config import TrainConfig, Weighing
from lipkit.models.musetalk.network import FaceUNet, placed
from lipkit.models.parts import vae

SCALES = (1.0, 0.5, 0.25, 0.125)  # at which looks are compared

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Judges:
    """Networks that the terms of the loss ask; the judges of patches learn, the others do not."""

    looks: Any = None
    syncnet: nn.Module | None = None
    syncnet_size: int = 256
    face: nn.Module | None = None
    mouth: nn.Module | None = None


def unit(faces: Tensor) -> Tensor:
    """Pictures in -1..1 of uint8."""
    return faces.float() / 127.5 - 1


def drawn(unet: FaceUNet, coder: AutoencoderKL, batch: Batch, train: TrainConfig) -> Tensor:
    """The model's faces ``(b, f, 3, r, r)`` about -1..1 for a batch."""
    target, reference = (unit(batch[name]).flatten(0, 1) for name in ("target", "reference"))
    with torch.no_grad():
        seen = pixels.both(coder, target, others=reference)
    audio = batch["audio"].flatten(0, 1)
    latents = unet(seen, placed(audio) if train.positions else audio)
    return vae.decode(coder, latents).unflatten(0, batch["target"].shape[:2])


def mouths(faces: Tensor, places: Tensor) -> Tensor:
    """Squares ``(n, 3, r/2, r/2)`` of ``faces (n, 3, r, r)`` in boxes x0 y0 x1 y1 ``(n, 4)``."""
    side = faces.shape[-1]
    low, high = places[:, :2], places[:, 2:]
    middle, half = (low + high + 1) / side - 1, (high - low) / side
    theta = torch.zeros(len(faces), 2, 3, device=faces.device)
    theta[:, [0, 1], [0, 1]] = half
    theta[:, :, 2] = middle
    grid = functional.affine_grid(
        theta, [len(faces), faces.shape[1], side // 2, side // 2], align_corners=False
    )
    return functional.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def views(faces: Tensor, batch: Batch) -> dict[str, Tensor]:
    """What each judge of patches sees of ``faces (b, f, 3, r, r)``."""
    flat = faces.flatten(0, 1)
    return {"judge": flat, "mouth": mouths(flat, batch["mouth"].flatten(0, 1))}


def terms(
    made: Tensor, batch: Batch, judges: Judges, weighing: Weighing, side: int, judged: bool
) -> dict[str, Tensor]:
    """The weighed terms of the loss; those of judges of patches only if it is ``judged``."""
    real = unit(batch["target"])
    found = {"pixels": weighing.pixels * functional.l1_loss(made, real)}
    if weighing.looks:
        found["looks"] = weighing.looks * looks(judges.looks, made, real, side)
    if weighing.sync and judges.syncnet is not None:
        lips, sound = judges.syncnet(lips_of(made, judges.syncnet_size), batch["mel"])
        fits = torch.ones(len(lips), device=lips.device)
        found["sync"] = weighing.sync * disagreement(lips, sound, fits).mean()
    for name, judge in (("judge", judges.face), ("mouth", judges.mouth)):
        if judged and judge is not None:
            verdict = judge(views(made, batch)[name])
            with torch.no_grad():
                known = judge(views(real, batch)[name])
            found[name] = getattr(weighing, name) * deceit(verdict.verdicts)
            gap = feature_gap(known.features, verdict.features)
            found[f"{name}_matching"] = weighing.matching * getattr(weighing, name) * gap
    return found


def looks(network: Any, made: Tensor, real: Tensor, side: int) -> Tensor:
    """How different pictures look, from ``side`` pixels down to an eighth of that, in sum."""
    gaps = []
    for scale in SCALES:
        size = round(side * scale)
        small = [
            functional.interpolate(
                each.flatten(0, 1), (size, size), mode="bilinear", antialias=True
            )
            for each in (made, real)
        ]
        gaps.append(feature_distance(network.looks, *small))
    return torch.stack(gaps).sum()
