"""How a head lies in its crop, and the grids that turn volumes towards and away from the front.

Coordinates run from -1 to 1 over the crop: x right, y down, z away from the camera. A *pose*
``(b, 7)`` is yaw, pitch and roll in radians, signed as in `lipkit.faces.mesh.euler`, the place
x, y, z of the skull's middle, and the size, 1 for a distance of the outer eye corners of ``UNIT``.
VASA-1's z_pose (arXiv:2404.10667, section 3.1); MegaPortraits has three sizes instead of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lipkit.errors import BadInput
from lipkit.faces import mesh

Array = NDArray[Any]

POSE = ("yaw", "pitch", "roll", "x", "y", "z", "scale")
UNIT = 0.74  # half sides between the outer eye corners of a head of size 1
SKULL = 0.75  # eye distances from between the eyes to the middle of the skull
FACE = (0.0, 0.2, -0.5)  # middle of the face of a frontal head, in half sides
ALIGNED, ALIGNED_ZOOM = (0.0, 0.06, -0.5), 1.25  # what networks of recognition see, as ArcFace


def rotations(angles: Tensor) -> Tensor:
    """Matrices ``(b, 3, 3)`` from head to camera of yaw, pitch, roll ``(b, 3)`` in radians."""
    yaw, pitch, roll = angles.unbind(1)
    none, one = torch.zeros_like(yaw), torch.ones_like(yaw)

    def about(rows: tuple[Tensor, ...]) -> Tensor:
        return torch.stack(rows, 1).view(-1, 3, 3)

    c, s = yaw.cos(), yaw.sin()
    turned = about((c, none, s, none, one, none, -s, none, c))
    c, s = pitch.cos(), pitch.sin()
    nodded = about((one, none, none, none, c, -s, none, s, c))
    c, s = roll.cos(), roll.sin()
    tilted = about((c, -s, none, s, c, none, none, none, one))
    return tilted @ turned @ nodded


def identity_grid(shape: tuple[int, int, int], like: Tensor, corners: bool = True) -> Tensor:
    """Places ``(d, h, w, 3)`` of a volume's voxels in the order x, y, z.

    With ``corners``, the outermost lie at -1 and 1; otherwise half a voxel inside, where `sampled`
    looks for them.
    """
    ends = [1.0 if corners else 1 - 1 / n for n in shape]
    axes = [
        torch.linspace(-end, end, n, device=like.device, dtype=like.dtype)
        for end, n in zip(ends, shape, strict=True)
    ]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], -1)


def placed(points: Tensor, pose: Tensor) -> Tensor:
    """Where canonical points ``(..., 3)`` of each head lie in its crop: ``(b, ..., 3)``."""
    flat = points.reshape(1, -1, 3).expand(len(pose), -1, -1)
    turned = flat @ rotations(pose[:, :3]).transpose(1, 2) * pose[:, 6:, None] + pose[:, None, 3:6]
    return turned.view(len(pose), *points.shape)


def recovered(points: Tensor, pose: Tensor) -> Tensor:
    """Where points ``(..., 3)`` of each crop lie in the canonical head: ``(b, ..., 3)``.

    It is theta of MegaPortraits: shifted, then turned, then sized.
    """
    flat = points.reshape(1, -1, 3) - pose[:, None, 3:6]
    turned = flat @ rotations(pose[:, :3]) / pose[:, 6:, None]
    return turned.view(len(pose), *points.shape)


def sampled(volume: Tensor, grid: Tensor) -> Tensor:
    """``volume (b, c, d, h, w)`` looked up at places ``(b, d, h, w, 3)``; nothing lies outside."""
    return functional.grid_sample(volume, grid.to(volume.dtype), align_corners=False)


def faced(
    pictures: Tensor,
    pose: Tensor,
    side: int,
    zoom: float,
    middle: tuple[float, float, float] = FACE,
) -> Tensor:
    """The faces ``(b, 3, side, side)`` of ``pictures (b, 3, h, w)``: centred, upright, frontal.

    What the expression net sees; the plane of the face is looked up, at ``zoom`` times the size of
    a head of size 1.
    """
    flat = torch.tensor([1 / zoom, 1 / zoom, 0.0]).to(pictures)
    plane = identity_grid((1, side, side), pictures)[0] * flat
    places = placed(plane + torch.tensor(middle).to(pictures), pose.to(pictures))[..., :2]
    return functional.grid_sample(pictures, places, padding_mode="border", align_corners=False)


def poses_of(points: Array, scheme: str, size: int) -> Array:
    """Poses ``(f, 7)`` of tracked landmarks ``(f, 478, 3)`` in pixels of crops of that size.

    Raises BadInput for landmarks without depth.
    """
    if scheme != "mediapipe478":
        raise BadInput(
            f"landmarks of {scheme} do not tell how a head lies",
            hint="align by --tracker mediapipe",
        )
    frame = mesh.face_frame(np.asarray(points, np.float64))
    middle = frame.origin + SKULL * frame.unit[:, None] * frame.rotation[:, :, 2]
    place = (middle[:, :2] + 0.5) / size * 2 - 1
    rows = [
        np.radians(mesh.euler(frame.rotation)),
        place,
        np.zeros((len(place), 1)),
        frame.unit[:, None] * 2 / size / UNIT,
    ]
    return np.concatenate(rows, 1).astype(np.float32)
