"""CSIM and F-SIM: whether a clip shows the person of its reference, by three recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.values import all_scores, curve, score
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.models.parts.recognition import Recogniser
    from lipkit.protocols import Frames, Passage

    Array = NDArray[Any]

NO_FACE = "no frame shows a face"
NOBODY = "the reference shows no face"


@dataclass(frozen=True)
class Recipe:
    """Which network looks at which crop, and what it is called in measures."""

    suffix: str
    weights: str
    network: Literal["SFace", "ArcFace"]
    crop: Literal["aligned", "whole"]
    says: str


SFACE = Recipe("", "sface", "SFace", "aligned", "SFace on 5 points")
ARCFACE = Recipe("_arcface", "arcface-r50", "ArcFace", "aligned", "ArcFace w600k_r50 on 5 points")
VICO = Recipe("_vico", "arcface-r100", "ArcFace", "whole", "ViCo: glint360k r100, whole frames")


def measure(name: str, title: str, recipe: str) -> Measure:
    """A cosine, of which more is better."""
    return Measure(name, title, "", "higher", recipe)


class ReferenceLikeness(Base):
    """Cosines of every frame with one reference picture."""

    recipe = SFACE
    needs = frozenset({"video", "face", "likeness"})
    clock: Literal["source", "25"] = "25"

    def __init__(self) -> None:
        s, says = self.recipe.suffix, self.recipe.says
        self.weights = (self.recipe.weights,)
        self.measures = (
            measure(f"csim_reference{s}", "CSIM, reference", f"F-SIM: {says}, mean of frames"),
            measure(f"csim_reference_min{s}", "CSIM, reference, least", f"{says}, worst frame"),
        )

    def watch(self, clip: Clip) -> LikenessWatch:
        """A watch that embeds frames and compares them with the picture."""
        return LikenessWatch(clip, self.recipe)


class FramewiseLikeness(Base):
    """Cosines of every frame with the reference's frame of the same time."""

    recipe = SFACE
    needs = frozenset({"video", "face", "reference"})
    clock: Literal["source", "25"] = "25"

    def __init__(self) -> None:
        s, says = self.recipe.suffix, self.recipe.says
        self.weights = (self.recipe.weights,)
        self.measures = (
            measure(f"csim_framewise{s}", "CSIM, framewise", f"{says}, mean of pairs of frames"),
            measure(f"csim_framewise_min{s}", "CSIM, framewise, least", f"{says}, worst pair"),
            measure(f"csim_of_means{s}", "CSIM of means", f"{says}, cosine of mean embeddings"),
        )

    def watch(self, clip: Clip) -> FramewiseWatch:
        """A watch that embeds and compares pairs of frames."""
        return FramewiseWatch(clip, self.recipe)


class ReferenceLikenessArc(ReferenceLikeness):
    """The same by ArcFace, as published numbers are."""

    recipe = ARCFACE


class FramewiseLikenessArc(FramewiseLikeness):
    """The same by ArcFace, as published numbers are."""

    recipe = ARCFACE


class FramewiseLikenessViCo(FramewiseLikeness):
    """The same by ViCo's recipe, which aligns nothing."""

    recipe = VICO
    needs = frozenset({"video", "reference"})


class Embedder:
    """Embeds a clip's frames ``(d,)`` one by one; zeros stand for a frame without a face."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @cached_property
    def network(self) -> Recogniser:
        """The network, loaded at the first frame."""
        from lipkit.models.parts import recognition
        from lipkit.models.parts.weights import locate

        kind = recognition.SFace if self.recipe.network == "SFace" else recognition.ArcFace
        return kind(locate(self.recipe.weights))

    def embed(self, frame: Frames, clip: Clip, row: int) -> Array | None:
        """The embedding of frame ``row`` at 25 a second; None where it shows no face."""
        from lipkit.metrics import identity

        if self.recipe.crop == "whole":
            return self.crop(identity.unaligned(frame))
        track = clip.track25
        if row >= len(track) or not track.valid[row]:
            return None
        return self.cut(frame, track.points[row], track.scheme)

    def cut(self, frame: Frames, points: Array, scheme: str) -> Array:
        """The embedding of the face with these landmarks."""
        from lipkit.metrics import identity

        return self.crop(identity.aligned(frame, identity.alignment(points, scheme)))

    def crop(self, crop: Frames) -> Array:
        """The embedding of a crop ``(112, 112, 3)``."""
        found: Array = self.network.embed(crop)
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """What every score states."""
        aligned = "eye centres, nose tip and mouth corners of the FaceMesh, least squares"
        how = aligned if self.recipe.crop == "aligned" else "none: whole frames"
        return {"model": self.recipe.network, "alignment": how, "fps": 25}


class LikenessWatch(BaseWatch):
    """Compares frames with the face of a picture."""

    def __init__(self, clip: Clip, recipe: Recipe) -> None:
        self.clip, self.embedder = clip, Embedder(recipe)
        self.rows: list[Array | None] = []

    @cached_property
    def wanted(self) -> Array | None:
        """The embedding of the reference picture's largest face, if it shows one."""
        from lipkit.faces.mediapipe import MediapipeTracker

        picture = self.clip.picture
        faces = [] if picture is None else MediapipeTracker(still=True).detect(picture[None])[0]
        if picture is None or not faces:
            return None
        return self.embedder.cut(picture, faces[0].points, MediapipeTracker.scheme)

    def see(self, passage: Passage) -> None:
        """Embed the frames; none if there is nobody to compare them with."""
        if self.wanted is None:
            return
        for row, frame in zip(passage.rows, passage.frames, strict=True):
            self.rows.append(self.embedder.embed(frame, self.clip, int(row)))

    def scores(self) -> Mapping[str, Score]:
        """Mean and least cosine."""
        from lipkit.metrics import identity

        s, settings = self.embedder.recipe.suffix, self.embedder.settings
        wanted = self.wanted
        if wanted is None:
            none = Score(None, reason=NOBODY, settings=settings)
            return {f"csim_reference{s}": none, f"csim_reference_min{s}": none}
        cosines = identity.cosines(stacked(self.rows), wanted)
        return _two(f"csim_reference{{}}{s}", cosines, settings)


class FramewiseWatch(BaseWatch):
    """Compares frames with the reference's."""

    def __init__(self, clip: Clip, recipe: Recipe) -> None:
        self.clip, self.embedder = clip, Embedder(recipe)
        self.made: list[Array | None] = []
        self.truth: list[Array | None] = []

    def see(self, passage: Passage) -> None:
        """Embed the frames of both clips."""
        other = self.clip.reference
        if passage.reference is None or other is None:
            return
        rows = [int(row) for row in passage.rows]
        for row, frame, truth in zip(rows, passage.frames, passage.reference, strict=True):
            self.made.append(self.embedder.embed(frame, self.clip, row))
            self.truth.append(self.embedder.embed(truth, other, row))

    def scores(self) -> Mapping[str, Score]:
        """Mean and least cosine of the pairs, and that of the means."""
        from lipkit.metrics import identity

        s, settings = self.embedder.recipe.suffix, self.embedder.settings
        made, truth = stacked(self.made), stacked(self.truth)
        cosines = identity.cosines(made, truth)
        found = _two(f"csim_framewise{{}}{s}", cosines, settings)
        frames = int(identity.present(made).sum())
        mean = identity.of_means(made, truth)
        of_means = score(mean, "a clip shows no face", frames=frames, settings=settings)
        return found | {f"csim_of_means{s}": of_means}


def stacked(rows: list[Array | None]) -> Array:
    """Embeddings ``(f, d)``, zeros for missing ones."""
    import numpy as np

    width = next((len(row) for row in rows if row is not None), 1)
    return np.stack([np.zeros(width)] + [np.zeros(width) if r is None else r for r in rows])[1:]


def _two(name: str, cosines: Array, settings: Mapping[str, Any]) -> dict[str, Score]:
    import numpy as np

    from lipkit.metrics import identity

    frames = int(np.isfinite(cosines).sum())
    shared: dict[str, Any] = {"frames": frames, "settings": settings}
    values = {name.format("_min"): identity.lowest(cosines)}
    mean = identity.mean(cosines)
    curves = {"identity": curve(cosines)}
    whole = {name.format(""): score(mean, NO_FACE, curves=curves, **shared)}
    return whole | all_scores(values, NO_FACE, **shared)
