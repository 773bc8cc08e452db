"""The generator: a face whose lower half is missing, another face and 0.2 s of mel make a face.

Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild"
(2020), arXiv:2008.10010. Parameters have the names of the official code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipkit.models.parts.wav2lip_syncnet import Convolution, Spec, encoder, same
from lipkit.models.wav2lip.layers import Upconvolution, fold, scaled, unfold, widths_of

SIDE = 96  # pixels of a face; the network has no other size

# in units of the first layer's width, which is 16 in the released weights
FACE = (
    (Spec(1, kernel=7, padding=3),),  # 96
    (Spec(2, stride=2), *same(2, 2)),  # 48
    (Spec(4, stride=2), *same(4, 3)),  # 24
    (Spec(8, stride=2), *same(8, 2)),  # 12
    (Spec(16, stride=2), *same(16, 2)),  # 6
    (Spec(32, stride=2), *same(32, 1)),  # 3
    (Spec(32, padding=0), Spec(32, kernel=1, padding=0)),  # 1
)
SOUND = (
    *(Spec(2), *same(2, 2)),
    *(Spec(4, stride=(3, 1)), *same(4, 2)),
    *(Spec(8, stride=3), *same(8, 2)),
    *(Spec(16, stride=(3, 2)), *same(16, 1)),
    *(Spec(32, padding=0), Spec(32, kernel=1, padding=0)),
)
UP = (
    (Spec(32, kernel=1, padding=0),),  # 1
    (Spec(32, padding=0), *same(32, 1)),  # 3
    (Spec(32, stride=2), *same(32, 2)),  # 6
    (Spec(24, stride=2), *same(24, 2)),  # 12
    (Spec(16, stride=2), *same(16, 2)),  # 24
    (Spec(8, stride=2), *same(8, 2)),  # 48
    (Spec(4, stride=2), *same(4, 2)),  # 96
)
HEAD = Spec(2)


class Generator(nn.Module):
    """Faces with other lips; ``width`` is the first layer's, and all others' are its multiples."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        faces = [scaled(stage, width) for stage in FACE]
        inside = [6, *widths_of(faces)]
        self.face_encoder_blocks = nn.ModuleList(
            encoder(before, stage, "relu") for before, stage in zip(inside, faces, strict=False)
        )
        sound = scaled(SOUND, width)
        self.audio_encoder = encoder(1, sound, "relu")
        self.face_decoder_blocks = nn.ModuleList()
        before = sound[-1].width
        for stage, skipped in zip(UP, reversed(inside[1:]), strict=True):
            layers = scaled(stage, width)
            self.face_decoder_blocks.append(upwards(before, layers))
            before = layers[-1].width + skipped
        self.output_block = nn.Sequential(
            Convolution(before, *scaled([HEAD], width), "relu"),
            nn.Conv2d(HEAD.width * width, 3, 1),
            nn.Sigmoid(),
        )

    def forward(self, mels: Tensor, faces: Tensor) -> Tensor:
        """Faces ``(b, 3, 96, 96)`` in 0..1 of ``mels (b, 1, 80, 16)``, ``faces (b, 6, 96, 96)``.

        The first three channels are the face to complete, in BGR, its lower half black; the others
        a whole face. Clips go through as ``mels (b, f, 1, 80, 16)``, ``faces (b, 6, f, 96, 96)``.
        """
        if faces.dim() == 5:
            made = self(mels.transpose(0, 1).flatten(0, 1), fold(faces))
            return unfold(made, faces.shape[2])
        x = self.audio_encoder(mels)
        for block, seen in zip(self.face_decoder_blocks, reversed(self.look(faces)), strict=True):
            x = torch.cat([block(x), seen], 1)
        return self.output_block(x)

    def look(self, faces: Tensor) -> list[Tensor]:
        """What the face encoder sees at each size, from 96 pixels to one."""
        seen = []
        for block in self.face_encoder_blocks:
            faces = block(faces)
            seen.append(faces)
        return seen


def upwards(inside: int, specs: tuple[Spec, ...]) -> nn.Sequential:
    """A stage of the decoder; the first, of 1 by 1 pixels, has nothing to enlarge."""
    first, *others = specs
    if first.kernel == 1:
        return encoder(inside, specs, "relu")
    return nn.Sequential(
        Upconvolution(inside, first), *(Convolution(first.width, spec, "relu") for spec in others)
    )


def beheaded(faces: Tensor) -> Tensor:
    """The generator's input ``(b, 6, h, w)`` that shows the same faces ``(b, 3, h, w)`` twice."""
    upper = faces.clone()
    upper[..., faces.shape[-2] // 2 :, :] = 0
    return torch.cat([upper, faces], 1)
