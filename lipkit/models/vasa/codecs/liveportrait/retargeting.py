"""S and R: small networks that correct keypoints, and the openings of eyes and lips."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipkit.models.vasa.codecs.liveportrait.config import RetargetingConfig
from lipkit.models.vasa.codecs.liveportrait.layers import perceptron

# Of 203 landmarks: the two whose distance opens, and the two whose distance is the measure.
EYES = ((6, 18, 0, 12), (30, 42, 24, 36))
LIPS = ((90, 102, 48, 66),)


class Retargeting(nn.Module):
    """Keypoints for another picture than the one that they were found in (LivePortrait, 3.3)."""

    def __init__(self, config: RetargetingConfig, points: int) -> None:
        super().__init__()
        flat = 3 * points
        self.stitching = perceptron(2 * flat, config.stitching, flat + 2)
        self.lips = perceptron(flat + 2, config.lips, flat)
        self.eyes = perceptron(flat + 3, config.eyes, flat)

    def stitch_change(self, source: Tensor, driving: Tensor) -> Tensor:
        """Changes ``(f, 3 k + 2)`` of keypoints, and of all of them together in x and y."""
        return self.stitching(torch.cat([source.flatten(1), driving.flatten(1)], 1))

    def stitched(self, source: Tensor, driving: Tensor) -> Tensor:
        """``driving (f, k, 3)`` so that neck and shoulders stay where ``source (f, k, 3)`` is."""
        source = source.expand_as(driving)
        change = self.stitch_change(source, driving)
        moved = driving + change[:, :-2].unflatten(1, (-1, 3))
        return torch.cat([moved[..., :2] + change[:, None, -2:], moved[..., 2:]], -1)

    def eyes_change(self, source: Tensor, openings: Tensor) -> Tensor:
        """Changes ``(f, k, 3)`` to eyes of ``openings (f, 3)``: both as they are, and as wanted."""
        return _changed(self.eyes, source, openings)

    def lips_change(self, source: Tensor, openings: Tensor) -> Tensor:
        """Changes ``(f, k, 3)`` to lips of ``openings (f, 2)``: as they are, and as wanted."""
        return _changed(self.lips, source, openings)


def _changed(network: nn.Module, source: Tensor, openings: Tensor) -> Tensor:
    source = source.expand(len(openings), -1, -1)
    return network(torch.cat([source.flatten(1), openings], 1)).unflatten(1, (-1, 3))


def eye_openings(landmarks: Tensor) -> Tensor:
    """Height over width of both eyes ``(f, 2)`` of ``landmarks (f, 203, 2)``."""
    return _openings(landmarks, EYES)


def lip_opening(landmarks: Tensor) -> Tensor:
    """Height over width of the mouth ``(f, 1)`` of ``landmarks (f, 203, 2)``."""
    return _openings(landmarks, LIPS)


def _openings(landmarks: Tensor, pairs: tuple[tuple[int, ...], ...]) -> Tensor:
    top, bottom, left, right = (landmarks[:, list(index)] for index in zip(*pairs, strict=True))
    height, width = (top - bottom).norm(dim=-1), (left - right).norm(dim=-1)
    return height / (width + 1e-6)
