"""Whose face is meant: places in the picture, or a picture of the person."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.protocols import Face, FaceTracker, Frames

PLACES = ("largest", "center", "left", "right")
MOST_FACES = 16


def is_place(choice: str) -> bool:
    """Whether ``--face`` names a place or a number from the left, rather than a picture."""
    return choice in PLACES or choice.isdigit()


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
