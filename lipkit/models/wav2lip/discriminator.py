"""The judge of quality: whether the lower half of a face was made or filmed.

Prajwal et al. 2020, arXiv:2008.10010, section 4.3. Parameters have the names of the official code.
"""

from __future__ import annotations

from torch import Tensor, nn

from lipkit.models.parts.wav2lip_syncnet import Spec
from lipkit.models.wav2lip.layers import fold, plain, scaled, widths_of

# in units of the first layer's width, which is 32 in the released weights
STAGES = (
    (Spec(1, kernel=7, padding=3),),
    (Spec(2, kernel=5, stride=(1, 2), padding=2), Spec(2, kernel=5, padding=2)),
    (Spec(4, kernel=5, stride=2, padding=2), Spec(4, kernel=5, padding=2)),
    (Spec(8, kernel=5, stride=2, padding=2), Spec(8, kernel=5, padding=2)),
    (Spec(16, stride=2), Spec(16)),
    (Spec(16, stride=2), Spec(16)),
    (Spec(16, padding=0), Spec(16, kernel=1, padding=0)),
)


class Discriminator(nn.Module):
    """Probabilities that faces are real; ``width`` is the first layer's."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        stages = [scaled(stage, width) for stage in STAGES]
        inside = [3, *widths_of(stages)]
        self.face_encoder_blocks = nn.ModuleList(
            plain(before, stage) for before, stage in zip(inside, stages, strict=False)
        )
        self.binary_pred = nn.Sequential(nn.Conv2d(inside[-1], 1, 1), nn.Sigmoid())

    def forward(self, clip: Tensor) -> Tensor:
        """Probabilities ``(f*b, 1)`` for faces ``(b, 3, f, 96, 96)`` in 0..1 and BGR."""
        x = fold(clip)
        x = x[..., x.shape[-2] // 2 :, :]
        for block in self.face_encoder_blocks:
            x = block(x)
        return self.binary_pred(x).flatten(1)
