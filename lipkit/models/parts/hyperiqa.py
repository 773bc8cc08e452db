"""hyperIQA: the quality of a picture, judged by a small network that a large one makes up for it.

Su et al., CVPR 2020. A ResNet-50 looks at a patch of 224 x 224; a hyper network turns what it sees
into the weights of five fully connected layers, and these judge the patch by its details. Names are
those of ``koniq_pretrained.pkl`` (trained on KonIQ-10k, scores about 0..100).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.convert import Rule, convert, counted
from lipkit.models.parts.foreign import Checkpoint

PATCH = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
DETAIL = 16  # numbers that each of the first three stages adds to the judged vector
SIZES = (224, 112, 56, 28, 14)  # of the judging network's layers
SEEN = 112  # channels that the hyper network reads
MAP = 7 * 7  # pixels of its map


class Bottleneck(nn.Module):
    """Convolutions of 1 x 1, 3 x 3 and 1 x 1 beside a shortcut."""

    def __init__(self, wide: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * inner, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * inner)
        self.downsample = nn.Sequential()
        if stride > 1 or wide != 4 * inner:
            self.downsample = nn.Sequential(
                nn.Conv2d(wide, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(b, wide, h, w)`` to ``(b, 4 inner, h', w')``."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def stage(wide: int, inner: int, count: int, stride: int) -> nn.Sequential:
    """``count`` bottlenecks, the first of which may halve the picture."""
    rest = (Bottleneck(4 * inner, inner, 1) for _ in range(count - 1))
    return nn.Sequential(Bottleneck(wide, inner, stride), *rest)


def thinned(wide: int, out: int) -> nn.Sequential:
    """Fewer channels, then means over tiles of 7 x 7."""
    return nn.Sequential(nn.Conv2d(wide, out, 1, bias=False), nn.AvgPool2d(7))


class Backbone(nn.Module):
    """ResNet-50 that also sums up the details seen on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, 3, 1)
        self.layer2 = stage(256, 128, 4, 2)
        self.layer3 = stage(512, 256, 6, 2)
        self.layer4 = stage(1024, 512, 3, 2)
        self.lda1_pool = thinned(256, 16)
        self.lda1_fc = nn.Linear(16 * 64, DETAIL)
        self.lda2_pool = thinned(512, 32)
        self.lda2_fc = nn.Linear(32 * 16, DETAIL)
        self.lda3_pool = thinned(1024, 64)
        self.lda3_fc = nn.Linear(64 * 4, DETAIL)
        self.lda4_pool = nn.AvgPool2d(7)
        self.lda4_fc = nn.Linear(2048, SIZES[0] - 3 * DETAIL)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The last map ``(b, 2048, 7, 7)`` and the details ``(b, 224)``."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, 1)
        details = []
        for index in range(1, 5):
            x = getattr(self, f"layer{index}")(x)
            tiles = getattr(self, f"lda{index}_pool")(x).flatten(1)
            details.append(getattr(self, f"lda{index}_fc")(tiles))
        return x, torch.cat(details, 1)


class HyperIqa(nn.Module):
    """Scores ``(b,)`` of patches ``(b, 3, 224, 224)`` normalised as for ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.res = Backbone()
        self.conv1 = nn.Sequential(
            nn.Conv2d(2048, 1024, 1), nn.ReLU(),
            nn.Conv2d(1024, 512, 1), nn.ReLU(),
            nn.Conv2d(512, SEEN, 1), nn.ReLU(),
        )  # fmt: skip
        for index, (wide, out) in enumerate(pairwise(SIZES), 1):
            setattr(self, f"fc{index}w_conv", nn.Conv2d(SEEN, wide * out // MAP, 3, padding=1))
            setattr(self, f"fc{index}b_fc", nn.Linear(SEEN, out))
        self.fc5w_fc = nn.Linear(SEEN, SIZES[-1])
        self.fc5b_fc = nn.Linear(SEEN, 1)

    def judges(self, seen: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Weights ``(b, out, in)`` and biases ``(b, out)`` of each layer for ``(b, 112, 7, 7)``."""
        pooled = seen.mean((2, 3))
        for index, (wide, out) in enumerate(pairwise(SIZES), 1):
            weight = getattr(self, f"fc{index}w_conv")(seen).reshape(-1, out, wide)
            yield weight, getattr(self, f"fc{index}b_fc")(pooled)
        yield self.fc5w_fc(pooled)[:, None], self.fc5b_fc(pooled)

    def forward(self, patches: Tensor) -> Tensor:
        """One score a patch."""
        last, judged = self.res(patches)
        *inner, (weight, bias) = self.judges(self.conv1(last))
        for weights, biases in inner:
            judged = torch.sigmoid(torch.einsum("boi,bi->bo", weights, judged) + biases)
        return torch.einsum("boi,bi->bo", weight, judged)[:, 0] + bias[:, 0]


def normalised(patches: Tensor) -> Tensor:
    """Patches ``(b, 3, h, w)`` of grey levels 0..255 as the network wants them."""
    mean = torch.tensor(MEAN, device=patches.device).view(3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=patches.device).view(3, 1, 1)
    return (patches.float() / 255 - mean) / deviation


def adopt(checkpoint: Checkpoint, wanted: Any = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of the public file, strictly; there is nothing to configure."""
    with torch.device("meta"):
        expected = HyperIqa().state_dict()
    given = counted(checkpoint.tensors, expected)
    return convert(given, [Rule("(.+)", r"\1")], expected, str(checkpoint.file)), {}
