"""Expression coefficients of a face by a 3-D reconstruction network (Deng et al., CVPRW 2019).

The ResNet-50 of Deep3DFaceRecon_pytorch without what EMO's E-FID does not look at: identity,
texture, light and pose. Names are those of its ``net_recon``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.convert import Rule, convert, counted
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.hyperiqa import stage

SIDE = 224
COEFFICIENTS = 64  # of the expression
SCALE = 102.0  # pixels of the crop to one unit of the standard face
# Eyes, nose tip and mouth corners of the standard face: x to the right, y up, z to the camera.
STANDARD = (
    (-0.31148657, 0.29036078, 0.13377953),
    (0.30979887, 0.28972036, 0.13179526),
    (0.0032535, -0.04617932, 0.55244243),
    (-0.25216928, -0.38133916, 0.22405732),
    (0.2484662, -0.38128236, 0.22235769),
)
EXPRESSION = r"final_layers\.1\."
RULES = (
    Rule(EXPRESSION + "(.+)", r"expression.\1"),
    Rule(r"final_layers\.\d\..+", None),
    Rule(r"backbone\.(.+)", r"\1"),
)


class Expression(nn.Module):
    """The 64 coefficients ``(b, 64)`` of crops ``(b, 3, 224, 224)`` in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, 1)
        self.layer2 = stage(256, 128, 4, 2)
        self.layer3 = stage(512, 256, 6, 2)
        self.layer4 = stage(1024, 512, 3, 2)
        self.expression = nn.Conv2d(2048, COEFFICIENTS, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """One row a crop."""
        x = functional.relu(self.bn1(self.conv1(crops)))
        x = functional.max_pool2d(x, 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.expression(x.mean((2, 3), keepdim=True)).flatten(1)


def placement(points: np.ndarray) -> np.ndarray:
    """Picture-to-crop matrix ``(2, 3)`` of five points ``(5, 2)``: zoom and shift, no turn.

    The scaled orthographic pose of the standard face, solved by least squares.
    """
    upward = points * (1.0, -1.0)
    design = np.concatenate([np.asarray(STANDARD), np.ones((5, 1))], 1)
    solved = np.linalg.lstsq(design, upward, rcond=None)[0]
    zoom = SCALE / np.linalg.norm(solved[:3], axis=0).mean()
    x, y = solved[3] * (1.0, -1.0)
    return np.array([[zoom, 0, SIDE / 2 - zoom * x], [0, zoom, SIDE / 2 - zoom * y]])


def adopt(checkpoint: Checkpoint, wanted: Any = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of the public file that expressions take; there is nothing to configure."""
    with torch.device("meta"):
        expected = Expression().state_dict()
    backbone = [f"backbone.{name}" for name in expected if not name.startswith("expression")]
    given = counted(checkpoint.tensors, backbone)
    return convert(given, RULES, expected, str(checkpoint.file)), {}
