"""The seam of models that draw a portrait themselves, without a face codec; see ``protocols``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from fractions import Fraction

    from numpy.typing import NDArray

    from lipkit.protocols import Face, Features, Floats, Frames


class Canvas(Protocol):
    """The part of a picture that a performer draws."""

    @property
    def size(self) -> int:
        """Side of the drawn crops in pixels."""
        ...

    @property
    def matrix(self) -> NDArray[Any]:
        """Picture-to-crop matrix ``(2, 3)``, pixel centres at integers."""
        ...

    def paste(self, crops: Frames) -> Frames:
        """Whole pictures ``(f, h, w, 3)`` with ``crops`` in their place."""
        ...


class Performer(Protocol):
    """An animator with all that is around it: pictures and sound in, frames out."""

    fps: Fraction
    digests: Mapping[str, str]  # of borrowed weights

    def sit(self, image: Frames, face: Face) -> Any:
        """The ``Canvas`` for a face with MediaPipe's landmarks in ``image (h, w, 3)``."""
        ...

    def hear(self, chunks: Callable[[], Iterable[Floats]]) -> Iterator[Floats]:
        """What frames hear, in pieces ``(f, l, d)``, of 16 kHz sound that is asked for twice."""
        ...

    def recall(self, features: Features, name: str) -> Iterator[Floats]:
        """The same from features that lie in the file ``name``."""
        ...

    def count(self, samples: int) -> int:
        """Frames that a sound of so many samples at 16 kHz takes."""
        ...

    def perform(self, canvas: Any, heard: Iterable[Floats], total: int) -> Iterator[Frames]:
        """Chunks of crops ``(f, h, w, 3)``, ``total`` frames in all, at ``fps``."""
        ...


@runtime_checkable
class Sketcher(Protocol):
    """A performer that draws latents, of which an autoencoder makes its crops."""

    def draw(self, canvas: Any, heard: Iterable[Floats], total: int) -> Iterator[Floats]:
        """Chunks of latents ``(f, c, h, w)`` of the crops that ``perform`` would give."""
        ...
