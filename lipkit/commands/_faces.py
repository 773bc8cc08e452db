"""Whose face is meant: places in the picture, or a picture of the person."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.faces.survey import Wish
    from lipkit.protocols import Face, FaceTracker, Frames

PLACES = ("largest", "center", "left", "right")
MOST_FACES = 16
SEEN_SIDE = 1280  # longest side of the frames in which faces are followed


def is_place(choice: str) -> bool:
    """Whether ``--face`` names a place or a number from the left, rather than a picture."""
    return choice in PLACES or choice.isdigit()


def wish_of(face: str, fps: Fraction) -> Wish:
    """The face that ``--face`` names, by the video's clock."""
    from lipkit.faces.survey import Wish

    if is_place(face):
        return Wish(face, fps)
    return Wish("like", fps, likeness_of(face))


def fresh_tracker(
    name: str,
    *,
    still: bool = False,
    min_score: float = 0.5,
    device: str = "auto",
    detector: str = "sfd",
) -> FaceTracker:
    """A tracker that remembers no other video; its networks are loaded once a process."""
    tracker = _detecting_tracker(name, still, min_score, device, detector)
    if hasattr(tracker, "reset"):
        tracker.reset()
    return tracker


@lru_cache(maxsize=2)
def _detecting_tracker(
    name: str, still: bool, min_score: float, device: str, detector: str
) -> FaceTracker:
    """A tracker with its networks loaded, once per process."""
    from lipkit.registry import TRACKERS, resolve
    from lipkit.runtime import choose

    build: Callable[..., FaceTracker] = resolve(TRACKERS, name, "tracker")
    if name == "fan":
        return build(min_score=min_score, device=str(choose(device).device), detector=detector)
    return build(still=still, min_score=min_score)


@lru_cache(maxsize=1)
def still_tracker() -> FaceTracker:
    """The tracker of pictures; its nets are loaded once a process."""
    from lipkit.faces.mediapipe import MediapipeTracker

    return MediapipeTracker(still=True, max_faces=MOST_FACES)


@lru_cache(maxsize=1)
def likeness_of(picture: str) -> Callable[[Frames, Face], float]:
    """How much a face looks like the largest one in the file ``picture``."""
    from lipkit.faces.likeness import likeness_to
    from lipkit.media.image import read_image

    if not Path(picture).exists():
        raise BadUsage(
            f"--face {picture}: no such picture", hint=f"or one of {', '.join(PLACES)}, 1, 2, ..."
        )
    image = read_image(Path(picture)).rgb
    tracker = still_tracker()
    faces = tracker.detect(image[None])[0]
    if not faces:
        raise BadInput(f"no face found in {picture}, which --face names")
    return likeness_to(image, faces[0], tracker.scheme)


def reduced(size: tuple[int, int]) -> tuple[int, int]:
    """The size in which faces of a video of ``size`` are looked for."""
    shrink = min(1.0, SEEN_SIDE / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def stretch(gap: tuple[int, int], times: list[Any]) -> str:
    """Frames and time of a stretch without a face."""
    first, last = gap
    seconds = float(times[first])
    clock = f"{int(seconds // 60)}:{seconds % 60:05.2f}"
    return f"frame {first} ({clock})" if first == last else f"frames {first}-{last} ({clock})"
