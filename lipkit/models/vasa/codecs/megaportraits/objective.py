"""What the codec is trained for: the terms of its loss on pairs of frames.

MegaPortraits, arXiv:2207.07621, section 3.2; l_consist and l_cross_id of VASA-1, arXiv:2404.10667,
section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lipkit.losses.adversarial import deceit, feature_gap
from lipkit.losses.contrast import margin_contrast
from lipkit.losses.perception import feature_distance, unlikeness
from lipkit.models.vasa.codecs.megaportraits.changes import changed
from lipkit.models.vasa.codecs.megaportraits.judges import Judges
from lipkit.models.vasa.codecs.megaportraits.material import colours, mattes
from lipkit.models.vasa.codecs.megaportraits.model import Look, MegaPortraits, Motion, Picture
from lipkit.models.vasa.codecs.megaportraits.pose import ALIGNED, ALIGNED_ZOOM, faced
from lipkit.models.vasa.codecs.megaportraits.training_config import DriverChanges, Weighing

Terms = dict[str, Tensor]
EMPTY = 0.0  # the level around heads


@dataclass(frozen=True)
class Scene:
    """Heads of a batch: as sources and drivers, in pictures ``(b, 3, s, s)`` and as the codec's."""

    sources: Tensor
    drivers: Tensor
    source_mattes: Tensor
    driver_mattes: Tensor
    own: Motion  # of the sources
    moved: Motion  # of the drivers; expressions are told of changed faces
    look: Look  # of the sources


def staged(model: MegaPortraits, frames: Tensor, changes: DriverChanges | None) -> Scene:
    """The scene of pairs ``frames (b, 2, 4, s, s)`` uint8; without changes, as in use."""
    pictures, matte = colours(frames), mattes(frames)
    sources, drivers = pictures.unbind(1)
    with torch.no_grad():
        poses = model.pose(pictures.flatten(0, 1)).unflatten(0, (-1, 2))
    faces = model.faces(drivers, poses[:, 1])
    if changes is not None:
        faces = changed(faces, changes)
    expressions = model.expression(torch.cat([model.faces(sources, poses[:, 0]), faces]))
    own, moved = (Motion(poses[:, k], told) for k, told in enumerate(expressions.chunk(2)))
    look = model.look(sources * matte[:, 0], own)
    return Scene(sources, drivers, matte[:, 0], matte[:, 1], own, moved, look)


def base_terms(
    model: MegaPortraits, scene: Scene, made: Picture, judges: Judges, loss: Weighing
) -> Terms:
    """How far the drivers' heads are from what was ``made`` of the sources; weighed."""
    real = scene.drivers * scene.driver_mattes
    drawn = made.colour * scene.driver_mattes
    matte = functional.l1_loss(made.matte, scene.driver_mattes)
    terms = {"matte": loss.matte * matte}
    if loss.pixels:
        terms["pixels"] = loss.pixels * functional.l1_loss(drawn, real)
    if judges.vgg is not None and loss.vgg:
        terms["vgg"] = loss.vgg * feature_distance(judges.vgg.looks, drawn, real)
    pose = scene.moved.pose
    pairs = [model.faces(pictures, pose) for pictures in (drawn, real)]
    if judges.face is not None:
        terms["face"] = loss.face * feature_distance(judges.face.looks, *pairs)
    if judges.gaze is not None:
        eyes = (faces[..., : faces.shape[-2] // 2, :] for faces in pairs)
        terms["gaze"] = loss.gaze * feature_distance(judges.gaze.looks, *eyes)
    return terms


def crossed_terms(
    model: MegaPortraits, scene: Scene, made: Picture, judges: Judges, loss: Weighing
) -> Terms:
    """Terms across videos: every head also moves as the driver of the one before it does."""
    count = loss.crossed or len(scene.drivers)
    rows, other = slice(count), torch.arange(len(scene.drivers)).roll(1)[:count]
    moved = scene.moved[rows]
    crossed = model.draw(scene.look[other], moved)
    terms: Terms = {}
    if loss.contrast:
        both = (made.over(EMPTY)[rows], crossed.over(EMPTY))
        codes = [model.expression(model.faces(pictures, moved.pose)) for pictures in both]
        strange = scene.moved[other].expression
        near, far = (
            torch.stack([functional.cosine_similarity(code, like) for code in codes], 1)
            for like in (moved.expression, strange)
        )
        terms["contrast"] = loss.contrast * margin_contrast(near, far)
    if judges.identity is not None:
        source = scene.sources[other] * scene.source_mattes[other]
        faces = (
            faced(pictures, pose, 112, ALIGNED_ZOOM, ALIGNED)
            for pictures, pose in (
                (source, scene.own.pose[other]),
                (crossed.over(EMPTY), moved.pose),
            )
        )
        gap = unlikeness(*(judges.identity(face) for face in faces))
        terms["cross_identity"] = loss.cross_identity * gap
    return terms


def swapped(model: MegaPortraits, scene: Scene, count: int) -> tuple[Picture, Picture]:
    """VASA-1's I_a and I_b: the source's pose on the driver, the driver's dynamics on the source.

    Both are of one person, in the source's pose, with the driver's expression.
    """
    rows = slice(count)
    seen = scene.drivers[rows] * scene.driver_mattes[rows]
    mixed = Motion(scene.own.pose[rows], scene.moved.expression[rows])
    posed = model.draw(model.look(seen, scene.moved[rows]), mixed)
    return posed, model.draw(scene.look[rows], mixed)


def discrepancy(first: Picture, second: Picture, look: Callable[[Tensor], Any]) -> Tensor:
    """l_consist: the mean absolute difference of two renders, of pixels and of features.

    The paper does not say which distance. Neither picture is the truth, so both learn.
    """
    a, b = first.over(EMPTY), second.over(EMPTY)
    apart = [functional.l1_loss(x, y) for x, y in zip(look(a), look(b), strict=True)]
    return functional.l1_loss(a, b) + torch.stack(apart).mean()


def deceit_terms(discriminator: Any, real: Tensor, made: Tensor, loss: Weighing) -> Terms:
    """What the discriminator's verdicts on ``made`` cost, and its features."""
    verdict = discriminator(made)
    with torch.no_grad():
        goal = discriminator(real)
    return {
        "deceit": loss.deceit * deceit(verdict.verdicts),
        "features": loss.features * feature_gap(goal.features, verdict.features),
    }
