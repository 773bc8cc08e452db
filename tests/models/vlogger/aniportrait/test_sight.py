"""CLIP's picture encoder: taken in at full size, and what it is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import CLIPImageProcessor

from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vlogger.aniportrait import sight
from lipkit.models.vlogger.aniportrait.config import SightConfig
from lipkit.models.vlogger.aniportrait.model import AniPortrait


def test_the_released_encoder_is_taken_in() -> None:
    with torch.device("meta"):
        tensors = sight.build(SightConfig()).state_dict()
    old = {"vision_model.embeddings.position_ids": torch.empty(1, 257, device="meta")}
    found, _ = sight.adopt(Checkpoint(tensors | old, {}, Path("pytorch_model.bin")), None)
    assert found.keys() == tensors.keys()
    assert sum(tensor.numel() for tensor in found.values()) * 4 // 10**6 == 1215  # megabytes


@torch.inference_mode()
def test_pictures_are_shown_as_the_official_processor_shows_them(
    model: AniPortrait, astronaut: np.ndarray
) -> None:
    side = model.config.sight.resolution
    picture = Image.fromarray(astronaut).resize((side, side), Image.Resampling.BICUBIC)
    shown = CLIPImageProcessor(size=side, crop_size=side)(picture, return_tensors="pt")
    wanted = model.sight(shown["pixel_values"]).image_embeds
    pixels = torch.from_numpy(astronaut.copy()).movedim(2, 0)[None] / 127.5 - 1
    seen = sight.view(model.sight, pixels)[:, 0]
    assert torch.cosine_similarity(seen, wanted).item() > 0.999
