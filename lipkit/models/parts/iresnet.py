"""ArcFace's networks as InsightFace trains them, for losses that need their gradients.

Deng et al. 2019, arXiv:1801.07698; improved residual units of its section 3.1.1. Parameters carry
the names of InsightFace's ``backbone.pth``.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint

DEPTHS = (3, 4, 14, 3)  # of the one with 50 layers
WIDTHS = (64, 128, 256, 512)
SIDE = 112  # of the pictures
EPSILON = 1e-5


class Unit(nn.Module):
    """Norm, convolution, norm, PReLU, convolution with the stride, norm."""

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(entering, EPSILON)
        self.conv1 = nn.Conv2d(entering, leaving, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(leaving, EPSILON)
        self.prelu = nn.PReLU(leaving)
        self.conv2 = nn.Conv2d(leaving, leaving, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(leaving, EPSILON)
        self.downsample = nn.Sequential()
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(entering, leaving, 1, stride, bias=False),
                nn.BatchNorm2d(leaving, EPSILON),
            )

    def forward(self, x: Tensor) -> Tensor:
        """``x (b, c, h, w)`` at a stride."""
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(inner)) + self.downsample(x)


class IResNet(nn.Module):
    """Pictures ``(b, 3, h, w)`` of aligned faces in -1..1 to embeddings ``(b, 512)``."""

    def __init__(self, depths: tuple[int, ...] = DEPTHS, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0], EPSILON)
        self.prelu = nn.PReLU(widths[0])
        entering = widths[0]
        for place, (depth, width) in enumerate(zip(depths, widths, strict=True), 1):
            units = [Unit(entering, width, 2), *(Unit(width, width, 1) for _ in range(depth - 1))]
            setattr(self, f"layer{place}", nn.Sequential(*units))
            entering = width
        self.bn2 = nn.BatchNorm2d(entering, EPSILON)
        self.fc = nn.Linear(entering * (SIDE // 16) ** 2, 512)
        self.features = nn.BatchNorm1d(512, EPSILON)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings; faces of other sizes are resized."""
        x = functional.interpolate(faces, (SIDE, SIDE), mode="bilinear", align_corners=False)
        x = self.prelu(self.bn1(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.features(self.fc(self.bn2(x).flatten(1)))


def adopt(checkpoint: Checkpoint) -> IResNet:
    """A network of the depth that the file has, frozen; WeightsError where it holds none."""
    names = checkpoint.tensors
    depths = tuple(
        len({name.split(".")[1] for name in names if name.startswith(f"layer{k}.")})
        for k in (1, 2, 3, 4)
    )
    hint = "give InsightFace's backbone.pth"
    if not all(depths):
        raise WeightsError(f"{checkpoint.file}: no ArcFace network", hint=hint)
    network = IResNet(depths, tuple(len(names[f"layer{k}.0.bn2.weight"]) for k in (1, 2, 3, 4)))
    try:
        network.load_state_dict(dict(names))
    except RuntimeError as problem:
        reason = str(problem).splitlines()[1].strip()
        raise WeightsError(f"{checkpoint.file}: {reason}", hint=hint) from None
    return network.eval().requires_grad_(False)
