"""Runners of the files about face choice, alignment and pasting."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lipkit.faces import latentsync, latentsync_pixels


def face_select(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    results = {}
    for case in meta["config"]["cases"]:
        key, size = case["id"], (case["width"], case["height"])
        inputs = (tensors[f"in.{key}.{name}"].numpy() for name in ("bbox", "score", "landmarks106"))
        choice = latentsync.choose(*inputs, size)
        results[f"out.{key}.found"] = torch.tensor(int(choice is not None))
        if choice is not None:
            results[f"out.{key}.chosen"] = torch.tensor(choice.index)
            results[f"out.{key}.box"] = torch.from_numpy(choice.box)
            results[f"out.{key}.landmarks"] = torch.from_numpy(choice.landmarks)
    return results


def affine_align(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    sets = meta["config"]["landmark_sets"]
    groups = [sets[name] for name in ("left_brow", "right_brow", "nose")]
    results = {}
    for sequence in meta["config"]["sequences"]:
        key, resolution = sequence["id"], sequence["resolution"]
        frames = tensors[f"in.{key}.frames"].numpy()
        bias, rows = None, []
        for frame, landmarks in zip(frames, tensors[f"in.{key}.landmarks106"].numpy(), strict=True):
            points = latentsync.three_points(landmarks, groups)
            matrix, bias = latentsync.fit(points, resolution, bias)
            crop, face = latentsync_pixels.cut(frame, matrix, resolution)
            box = np.array([0, 0, crop.shape[1], crop.shape[0]])
            rows.append((points, matrix, bias, crop, face.transpose(2, 0, 1), box))
        names = ("landmarks3", "matrix", "bias", "crop", "face", "box")
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            results[f"out.{key}.{name}"] = torch.from_numpy(np.stack(values))
    return results


def restore_paste(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    results = {}
    for case in meta["config"]["cases"]:
        key = case["id"]
        parts = (tensors[f"in.{key}.{name}"] for name in ("frames", "faces", "matrix"))
        pasted = [
            latentsync_pixels.paste(frame.numpy(), face, matrix.numpy(), case["resolution"])
            for frame, face, matrix in zip(*parts, strict=True)
        ]
        results[f"out.{key}.frames"] = torch.from_numpy(np.stack(pasted))
    return results


def mask_prepare(meta: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    results = {}
    for case in meta["config"]["cases"]:
        key, resolution = case["id"], case["resolution"]
        mask = latentsync_pixels.fixed_mask(case["mask"], resolution)
        frames = tensors[f"in.{key}.frames"].numpy()
        if frames.shape[-1] != 3:
            frames = np.moveaxis(frames, 1, -1)
        pixels, masked = latentsync_pixels.prepare(frames, mask)
        repeated = torch.from_numpy(mask / 255).float().expand(len(frames), 1, -1, -1)
        small = latentsync_pixels.latent_mask(mask).expand(len(frames), 1, -1, -1)
        values = {"pixel_values": pixels, "masked": masked, "mask": repeated, "mask_latent": small}
        results |= {f"out.{key}.{name}": value for name, value in values.items()}
    for row in meta["config"]["masks"]:
        mask = latentsync_pixels.fixed_mask(row["mask"], row["resolution"])
        suffix = f"{row['mask']}.{row['resolution']}"
        results[f"out.mask.{suffix}"] = torch.from_numpy(mask)
        results[f"out.mask_latent.{suffix}"] = latentsync_pixels.latent_mask(mask)
    return results


RUNNERS = {
    "mask_prepare": mask_prepare,
    "face_select": face_select,
    "affine_align": affine_align,
    "restore_paste": restore_paste,
}
