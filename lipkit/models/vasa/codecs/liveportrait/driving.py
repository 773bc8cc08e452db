"""How one face's motion moves another face: LivePortrait's rules, and JoyVASA's for speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from lipkit.models.vasa.codecs.liveportrait.config import Region
from lipkit.models.vasa.codecs.liveportrait.motion import Motion, placed
from lipkit.models.vasa.codecs.liveportrait.retargeting import (
    Retargeting,
    eye_openings,
    lip_opening,
)
from lipkit.models.vasa.codecs.liveportrait.smoothing import smoothed

LIPS = (6, 12, 14, 17, 19, 20)
EYES = (11, 13, 15, 16, 18)
# Of the other keypoints, the entries that are taken over absolutely: the rest belong to identity.
WHOLE = (1, 2, 6, *range(11, 21))
PARTS = ((3, 1), (4, 1), (5, 2), (8, 2), (9, 1), (9, 2))
OPEN = 0.03  # lips farther apart than this are closed before they are moved


@dataclass(frozen=True)
class Rule:
    """What is taken of the driving motion, and how.

    ``relative`` adds the change since the driver's first frame to the source, ``absolute`` puts
    the driver's motion in its place; ``speech`` is relative, but for the lips unless only they
    move. ``rescale`` scales relative motion by the size of the face; ``gain`` scales all motion at
    the end. ``smoothing`` is the variance of what is seen of a source that moves itself.
    """

    mode: Literal["relative", "absolute", "speech"] = "relative"
    region: Region = "all"
    stitch: bool = True
    rescale: bool = False
    gain: float = 1.0
    close_lips: bool = False
    retarget_eyes: bool = False
    retarget_lips: bool = False
    smoothing: float = 3e-7

    def moves(self, *regions: Region) -> bool:
        """Whether the rule is about one of these regions or all of the face."""
        return self.region in ("all", *regions)


@dataclass(frozen=True)
class Openings:
    """Height over width of a driver's eyes ``(f, 2)`` and lips ``(f, 1)``."""

    eyes: Tensor
    lips: Tensor


@dataclass(frozen=True)
class Source:
    """The face that is to move: a picture's, one row, or a video's.

    ``landmarks (f, 203, 2)`` serve retargeting and closing of lips; ``neutral (1, k, 3)`` is the
    expression from which a single driving picture is told (LivePortrait's resource), else zero.
    """

    motion: Motion
    landmarks: Tensor | None = None
    neutral: Tensor | float = 0.0


class Driver:
    """Keypoints for the warping network, frame after frame; needs the driver's first frame."""

    def __init__(self, source: Source, rule: Rule, network: Retargeting | None = None) -> None:
        self.source, self.rule, self.network = source, rule, network
        self.video = len(source.motion) > 1
        self.rest = source.motion.placed

    def keypoints(
        self,
        driving: Motion,
        first: Motion | None = None,
        openings: Openings | None = None,
    ) -> Tensor:
        """Keypoints ``(f, k, 3)`` for ``driving``, whose clip begins with ``first``.

        Without ``first``, the driver is a single picture. A source video needs its whole driver at
        once, a row for each of its own frames.
        """
        moved = self.moved(driving, first)
        if self.rule.rescale and self.rule.mode != "absolute" and first and not self.video:
            start = self.moved(first, first)
            moved = self.rest + (moved - start) * enlargement(self.rest[0], start[0])
        retargeted = self.retargeted(moved, openings)
        if retargeted is not None:
            moved = self.stitched(retargeted)
        else:
            moved = self.stitched(moved) + self.closing()
        return self.rest + (moved - self.rest) * self.rule.gain

    def moved(self, driving: Motion, first: Motion | None) -> Tensor:
        """Keypoints ``(f, k, 3)`` before anything is corrected."""
        rule, own = self.rule, self.source.motion
        turn, shift, scale = own.rotation, own.shift, own.scale
        start = first or driving
        if rule.moves("pose"):
            turn = self.turned(driving, start)
        if rule.mode == "absolute":
            shift = driving.shift if rule.moves("pose") else shift
        elif not self.video:
            everywhere = rule.mode == "speech"
            if everywhere or rule.moves("pose"):
                shift = shift + driving.shift - start.shift
            if everywhere or rule.region == "all":
                scale = scale * driving.scale / start.scale
        expression = self.expressed(driving, first)
        return placed(own.points, expression, turn, shift.expand(len(expression), -1), scale)

    def turned(self, driving: Motion, start: Motion) -> Tensor:
        """Rotations ``(f, 3, 3)``; smoothed ones are not made orthogonal again."""
        turn = driving.rotation
        if self.rule.mode != "absolute":
            turn = turn @ start.rotation[:1].transpose(1, 2) @ self.source.motion.rotation
        return self.steadied(turn)

    def expressed(self, driving: Motion, first: Motion | None) -> Tensor:
        """Expressions ``(f, k, 3)``: the source's, but for what the region takes over."""
        rule, own = self.rule, self.source.motion.expression
        track = driving.expression
        if rule.mode != "absolute":
            eyes_only = rule.region == "eyes"
            start = 0.0 if eyes_only else self.source.neutral
            track = own + track - (first.expression[:1] if first else start)
        if rule.mode == "speech" and rule.moves("exp"):
            track = torch.where(entries(track, LIPS), driving.expression, track)
        track = self.steadied(track)
        whole = rule.mode != "absolute" and not self.video
        taken = {
            "all": torch.ones_like(track[0], dtype=torch.bool) if whole else moving(track),
            "lip": entries(track, LIPS),
            "eyes": entries(track, EYES),
            "pose": torch.zeros_like(track[0], dtype=torch.bool),
        }
        taken["exp"] = taken["all"]
        return torch.where(taken[rule.region], track, own)

    def steadied(self, track: Tensor) -> Tensor:
        """A track, smoothed where the source moves itself."""
        if not self.video:
            return track
        return torch.from_numpy(smoothed(track.cpu().numpy(), self.rule.smoothing)).to(track)

    def stitched(self, moved: Tensor) -> Tensor:
        """Keypoints with the neck where it was, if the rule says so."""
        if not self.rule.stitch or self.network is None:
            return moved
        return self.network.stitched(self.rest, moved)

    def closing(self) -> Tensor | float:
        """The change that closes the source's lips, if they are open and the rule says so."""
        landmarks = self.source.landmarks
        wanted = self.rule.close_lips and self.rule.mode != "absolute"
        if not wanted or landmarks is None or self.network is None:
            return 0.0
        opening = lip_opening(landmarks)
        change = self.network.lips_change(self.rest, torch.cat([opening, 0 * opening], 1))
        return change * (opening >= OPEN)[:, :, None]

    def retargeted(self, moved: Tensor, openings: Openings | None) -> Tensor | None:
        """Keypoints with the driver's openings of eyes and lips, if the rule asks for them.

        Relative ones then begin from the source at rest, as in the official code.
        """
        rule, landmarks, network = self.rule, self.source.landmarks, self.network
        if not (rule.retarget_eyes or rule.retarget_lips):
            return None
        if openings is None or landmarks is None or network is None:
            return None
        frames = len(openings.lips)
        result = moved if rule.mode == "absolute" else self.rest.expand_as(moved)
        if rule.retarget_eyes:
            eyes = eye_openings(landmarks).expand(frames, -1)
            wanted = torch.cat([eyes, openings.eyes[:, :1]], 1)
            result = result + network.eyes_change(self.rest, wanted)
        if rule.retarget_lips:
            lips = lip_opening(landmarks).expand(frames, -1)
            result = result + network.lips_change(self.rest, torch.cat([lips, openings.lips], 1))
        return result


def entries(track: Tensor, points: tuple[int, ...]) -> Tensor:
    """A mask ``(k, 3)`` of some keypoints of ``track (f, k, 3)``."""
    mask = torch.zeros_like(track[0], dtype=torch.bool)
    mask[list(points)] = True
    return mask


def moving(track: Tensor) -> Tensor:
    """A mask ``(k, 3)`` of the entries that say what a face does, not whose it is."""
    mask = entries(track, WHOLE)
    for point, axis in PARTS:
        mask[point, axis] = True
    return mask


def enlargement(source: Tensor, driving: Tensor) -> float:
    """How much larger one face's keypoints ``(k, 3)`` lie than the other's, by their hulls."""
    return float(np.sqrt(volume(source)) / np.sqrt(volume(driving)))


def volume(points: Tensor) -> float:
    """Volume of the convex hull of ``points (k, 3)``."""
    return float(ConvexHull(points.cpu().numpy()).volume)
