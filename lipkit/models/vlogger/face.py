"""A parametric face learned from tracked ones: a shape code, an expression code, and their mesh.

Blanz and Vetter, "A Morphable Model For The Synthesis Of 3D Faces" (1999), with MediaPipe's mesh.
VLOGGER has a licensed statistical body in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lipkit.faces.mesh import EYES, LEFT_BROW, LOWER_LIP_ROWS, OVAL, POINTS, RIGHT_BROW
from lipkit.faces.mesh import UPPER_LIP_ROWS as UPPER
from lipkit.models.vlogger.config import FaceConfig

Array = NDArray[Any]

MOUTH = tuple(sorted({k for row in (*UPPER, *LOWER_LIP_ROWS) for k in row}))
LIDS = tuple(sorted({k for eye in EYES for k in (*eye.upper, *eye.lower, *eye.iris)}))
BROWS = (*LEFT_BROW, *RIGHT_BROW)
EMPHASIS = ((MOUTH, 3.0), (LIDS, 2.0), (BROWS, 1.5), (OVAL, 0.5))  # of errors there
NOISE = 0.05  # centimetres by which trackers err
LEAST = 1e-6  # variance below which a way to move is none


class Face(nn.Module):
    """A mesh as ``mean + shape @ ways of people + expression @ ways of moving``, plus a rest.

    Codes have the variance 1 in what it was learned from. Until it is learned it says nothing.
    """

    def __init__(self, form: FaceConfig) -> None:
        super().__init__()
        size = 3 * POINTS
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("shapes", torch.zeros(form.shape, size))
        self.register_buffer("expressions", torch.zeros(form.expression, size))
        self.register_buffer("spread", torch.zeros(form.expression))  # of each way, cm

    def learn(self, takes: Sequence[Array]) -> None:
        """Set the model by takes of several people: meshes ``(f, 478, 3)`` in the head's frame, cm.

        Ways of moving are found within the takes, ways of people between them. What both could be
        is divided by how likely each is.
        """
        weight = np.sqrt(emphasis())
        flat = [take.reshape(len(take), -1) for take in takes]
        means = np.stack([take.mean(0) for take in flat])
        moved = np.concatenate([take - mean for take, mean in zip(flat, means, strict=True)])
        ways, spread = components(moved * weight, len(self.expressions))
        mean = means.mean(0)
        others, sizes = components((means - mean) * weight, len(self.shapes))
        given = {
            "mean": mean,
            "expressions": ways * spread[:, None] / weight,
            "shapes": others * sizes[:, None] / weight,
            "spread": spread,
        }
        for name, value in given.items():
            getattr(self, name).copy_(torch.from_numpy(np.ascontiguousarray(value)))

    def expression(self, mesh: Array) -> Array:
        """The most likely expression codes ``(f, e)`` of meshes ``(f, 478, 3)`` by themselves."""
        ways, shapes = self._arrays()
        return self._fitted(mesh, np.concatenate([ways, shapes]))[:, : len(ways)]

    def expressions_of(self, take: Array) -> Array:
        """Expression codes ``(f, e)`` of one person's take ``(f, 478, 3)``.

        Changes are seen more exactly than what is always there, which is seen as in one picture.
        """
        mean = take.mean(0)
        return self.expression(mean[None]) + self.changes(take, mean)

    def changes(self, meshes: Array, mean: Array) -> Array:
        """How the codes ``(f, e)`` of one person's meshes differ from those of their mean."""
        ways, _ = self._arrays()
        return self._fitted(meshes - mean + self._mean(), ways)

    def mesh(self, neutral: Array, expression: Array) -> Array:
        """Meshes ``(f, 478, 3)`` of a person's ``neutral (478, 3)`` under codes ``(f, e)``."""
        ways, _ = self._arrays()
        return neutral + (expression @ ways).reshape(-1, POINTS, 3)

    def neutral(self, mesh: Array, expression: Array) -> Array:
        """The mesh ``(478, 3)`` without the expression ``(e,)`` that it has."""
        return np.asarray(mesh - self.mesh(np.zeros_like(mesh), expression[None])[0])

    def _fitted(self, mesh: Array, ways: Array) -> Array:
        """Codes ``(f, n)`` by least squares with the prior that they have variance 1."""
        weight = emphasis()
        given = mesh.reshape(len(mesh), -1) - self._mean().reshape(-1)
        normal = (ways * weight) @ ways.T + NOISE**2 * np.eye(len(ways))
        return np.linalg.solve(normal, (ways * weight) @ given.T).T

    def _mean(self) -> Array:
        return self.mean.double().cpu().numpy().reshape(1, POINTS, 3)

    def _arrays(self) -> tuple[Array, Array]:
        return self.expressions.double().cpu().numpy(), self.shapes.double().cpu().numpy()


def emphasis() -> Array:
    """How much errors count ``(3 * 478,)``, by where they are."""
    weight = np.ones(POINTS)
    for places, factor in EMPHASIS:
        weight[list(places)] = factor
    return np.repeat(weight, 3)


def components(rows: Array, count: int) -> tuple[Array, Array]:
    """The first ``count`` principal axes ``(count, d)`` and deviations of centred ``rows (n, d)``.

    Where there are fewer, the rest are 0.
    """
    variance, axes = np.linalg.eigh(rows.T @ rows / max(1, len(rows)))
    order = np.argsort(variance)[::-1][:count]
    kept = order[variance[order] > LEAST]
    made, spread = np.zeros((count, rows.shape[1])), np.zeros(count)
    made[: len(kept)], spread[: len(kept)] = axes[:, kept].T, np.sqrt(variance[kept])
    return made, spread
