"""What a row of motion holds: the parts of a person one after the other.

The paper's rows hold a body and hands, too. Here they have places and no channels: MediaPipe's
face mesh sees none of them, and a tracker that does needs no other layout.
"""

from __future__ import annotations

from dataclasses import dataclass

from lipkit.models.vlogger.config import ModelConfig

HEAD = 6  # three angles in degrees and a shift in centimetres, against the reference picture's


@dataclass(frozen=True)
class Rows:
    """Columns of motion ``(f, c)``."""

    expression: slice  # absolute codes
    head: slice  # residual
    body: slice  # residual; empty so far
    hands: slice  # residual; empty so far

    def __len__(self) -> int:
        return int(self.hands.stop)


def rows_of(form: ModelConfig) -> Rows:
    """The columns of a model's motion."""
    sizes = (form.face.expression, HEAD, form.motion.body, form.motion.hands)
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return Rows(*(slice(end - size, end) for size, end in zip(sizes, ends, strict=True)))
