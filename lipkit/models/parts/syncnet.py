"""SyncNet: do these lips say what is heard? The network behind LSE-C, LSE-D and AV offset.

Chung and Zisserman, "Out of time: automated lip sync in the wild" (ACCV-W 2016); the weights are
``syncnet_v2.model``. Parameters have the names of that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.models.parts.weights import locate

if TYPE_CHECKING:
    from lipkit.models.parts.weights import WeightSet

FRAMES = 5  # that one embedding of lips sees
COLUMNS = 20  # of MFCC that one embedding of a voice hears
COEFFICIENTS = 13
SIDE = 224
WIDTH = 1024

RULES = (Rule(r"(net(?:cnn|fc)(?:aud|lip)\.\d+\..+)", r"\1"),)


def filtered(conv: nn.Module, norm: nn.Module) -> list[nn.Module]:
    """A convolution with its norm and activation."""
    return [conv, norm, nn.ReLU(inplace=True)]


def flat(inside: int, outside: int, kernel: Any, padding: Any) -> list[nn.Module]:
    """A layer over time and frequency."""
    conv = nn.Conv2d(inside, outside, kernel, padding=padding)
    return filtered(conv, nn.BatchNorm2d(outside))


def solid(
    inside: int, outside: int, kernel: Any, stride: Any = 1, padding: Any = 0
) -> list[nn.Module]:
    """A layer over time, height and width."""
    conv = nn.Conv3d(inside, outside, kernel, stride, padding)
    return filtered(conv, nn.BatchNorm3d(outside))


def head() -> nn.Sequential:
    """From what the convolutions find to the embedding, which is not normalised."""
    layers = (nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, WIDTH))
    return nn.Sequential(*layers)


class SyncNet(nn.Module):
    """Embeddings of lips and of voices, near each other where both say the same."""

    def __init__(self) -> None:
        super().__init__()
        near, even = (1, 3, 3), (0, 1, 1)
        self.netcnnaud = nn.Sequential(
            *flat(1, 64, 3, 1),
            nn.Identity(),  # holds the number of a pooling of one by one
            *flat(64, 192, 3, 1),
            nn.MaxPool2d(3, (1, 2)),
            *flat(192, 384, 3, 1),
            *flat(384, 256, 3, 1),
            *flat(256, 256, 3, 1),
            nn.MaxPool2d(3, 2),
            *flat(256, 512, (5, 4), 0),
        )
        self.netfcaud = head()
        self.netcnnlip = nn.Sequential(
            *solid(3, 96, (FRAMES, 7, 7), (1, 2, 2)),
            nn.MaxPool3d(near, (1, 2, 2)),
            *solid(96, 256, (1, 5, 5), (1, 2, 2), even),
            nn.MaxPool3d(near, (1, 2, 2), even),
            *solid(256, 256, near, 1, even),
            *solid(256, 256, near, 1, even),
            *solid(256, 256, near, 1, even),
            nn.MaxPool3d(near, (1, 2, 2)),
            *solid(256, 512, (1, 6, 6)),
        )
        self.netfclip = head()

    def lips(self, frames: Tensor) -> Tensor:
        """Embeddings ``(b, t - 4, 1024)`` of every five frames of ``(b, 3, t, 224, 224)``.

        Frames are BGR in 0..255, unscaled. Only the first layer looks across time, so a run of
        frames costs a fifth of its windows one by one, and gives the same.
        """
        found = self.netcnnlip(frames)[..., 0, 0].transpose(1, 2)
        return self.netfclip(found.flatten(0, 1)).unflatten(0, found.shape[:2])

    def voice(self, windows: Tensor) -> Tensor:
        """Embeddings ``(b, 1024)`` of MFCC windows ``(b, 1, 13, 20)`` of 16-bit sound."""
        return self.netfcaud(self.netcnnaud(windows).flatten(1))


def build() -> SyncNet:
    """The network on the meta device: shapes without numbers, to load weights into."""
    with torch.device("meta"):
        return SyncNet().eval()


def adopt(
    checkpoint: Checkpoint, wanted: WeightSet | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights of ``syncnet_v2.model``, which has no config.

    Files older than PyTorch 0.4.1 lack the count of batches, which nothing reads.
    """
    expected = build().state_dict()
    counts = {name for name in expected if name.endswith("num_batches_tracked")}
    given = {name: torch.zeros((), dtype=torch.int64) for name in counts} | checkpoint.tensors
    return convert(given, RULES, expected, str(checkpoint.file)), {}


def load(*, weights: str | None = None, device: str = "cpu") -> SyncNet:
    """The network with its stored weights, or with those of a file."""
    tensors, _ = adopt(read_checkpoint(weights or locate("syncnet-v2")))
    network = build()
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(False).to(device, torch.float32)
