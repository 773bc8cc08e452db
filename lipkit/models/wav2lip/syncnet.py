"""The expert: whether five lower halves of faces and 0.2 s of mel belong together.

Prajwal et al. 2020, arXiv:2008.10010, section 3.1. Parameters have the names of the official code.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.wav2lip_syncnet import Spec, encoder, same
from lipkit.models.wav2lip.layers import scaled

FRAMES = 5

# in units of the first layer's width, which is 32 in the released weights
LIPS = (
    Spec(1, kernel=7, padding=3),
    *(Spec(2, kernel=5, stride=(1, 2)), *same(2, 2)),
    *(Spec(4, stride=2), *same(4, 3)),
    *(Spec(8, stride=2), *same(8, 2)),
    *(Spec(16, stride=2), *same(16, 2)),
    Spec(16, stride=2),
    Spec(16, padding=0),
    Spec(16, kernel=1, padding=0),
)
SOUND = (
    *(Spec(1), *same(1, 2)),
    *(Spec(2, stride=(3, 1)), *same(2, 2)),
    *(Spec(4, stride=3), *same(4, 2)),
    *(Spec(8, stride=(3, 2)), *same(8, 2)),
    *(Spec(16, padding=0), Spec(16, kernel=1, padding=0)),
)


class Expert(nn.Module):
    """Embeddings of lips and sound; their last layers are ReLUs, so cosines are never below 0."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.face_encoder = encoder(3 * FRAMES, scaled(LIPS, width), "relu")
        self.audio_encoder = encoder(1, scaled(SOUND, width), "relu")

    def forward(self, frames: Tensor, mels: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings ``(b, 512)`` of ``frames (b, 15, 48, 96)`` and ``mels (b, 1, 80, 16)``.

        Frames are in 0..1 and BGR, all colours of the first one first.
        """
        found = self.face_encoder(frames).flatten(1), self.audio_encoder(mels).flatten(1)
        lips, sound = (functional.normalize(each) for each in found)
        return lips, sound


def lips_of(clip: Tensor) -> Tensor:
    """The lower halves ``(b, 3*f, h/2, w)`` that the expert sees of faces ``(b, 3, f, h, w)``."""
    return clip[..., clip.shape[-2] // 2 :, :].transpose(1, 2).flatten(1, 2)
