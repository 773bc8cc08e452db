"""What VGG sees in pictures, for losses that compare looks (Simonyan and Zisserman 2015)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipkit.errors import WeightsError
from lipkit.models.parts import weights
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.lpips import vgg
from lipkit.models.parts.stand_in import STAND_IN, StandIn

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours in 0..1
DEPTHS = {13: (2, 2, 3, 3, 3), 16: (2, 2, 4, 4, 4)}  # of VGG16 and VGG19, by convolutions
PREFIX = "features."  # of torchvision's names; the store's have none


class Perception(nn.Module):
    """VGG's convolutions, and what they see at the end of each of their parts."""

    def __init__(self, depths: tuple[int, ...]) -> None:
        super().__init__()
        self.features, self.taps, _, _ = vgg(depths)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def looks(self, pictures: Tensor) -> list[Tensor]:
        """Features of ``pictures (b, 3, h, w)`` in -1..1."""
        x = ((pictures + 1) / 2 - self.mean) / self.deviation
        found = []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in self.taps:
                found.append(x)
        return found


def perception(name: str) -> Perception | StandIn:
    """VGG16 or VGG19 of the store or of a file, frozen, or the stand-in for either."""
    if name == STAND_IN:
        return StandIn().eval().requires_grad_(False)
    given = read_checkpoint(weights.locate(name) if name in weights.catalogue() else name)
    own = {n.removeprefix(PREFIX): t for n, t in given.tensors.items() if "classifier" not in n}
    depths = DEPTHS.get(sum(n.endswith(".weight") for n in own))
    if depths is None:
        hint = "names as torchvision's, such as features.0.weight"
        raise WeightsError(f"{name}: not the convolutions of VGG16 or VGG19", hint=hint)
    network = Perception(depths)
    try:
        network.features.load_state_dict(own)
    except RuntimeError as problem:
        reason = str(problem).splitlines()[1].strip()
        raise WeightsError(f"{name}: not VGG's convolutions: {reason}") from None
    return network.eval().requires_grad_(False)
