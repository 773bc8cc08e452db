"""PSNR and SSIM of a clip against its reference, frame by frame, then averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.metrics.pairs import Compare, Pairwise
from lipkit.protocols import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

PEAK = 255.0
SSIM_CONSTANTS = ((0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2)
GAUSS_SIDE, GAUSS_SIGMA, BOX_SIDE = 11, 1.5, 7
REGIONS = ("face", "mouth")
PSNR_RECIPE = "10 log10(255²/MSE) over RGB, {}, mean over the frames that differ"
SSIM_RECIPE = "Wang et al. 2004: Gaussian 1.5 over 11x11, valid positions, {}, mean over channels"
BOX_RECIPE = "scikit-image's default: box of 7x7, sample covariance, {}, mean over channels"
EQUAL = "every frame equals its reference"


def mean_squared(made: Frames, real: Frames) -> float:
    """Mean squared difference of two pictures ``(h, w, 3)`` in grey levels, exactly."""
    import cv2

    return float(cv2.norm(made, real, cv2.NORM_L2SQR)) / made.size


def decibels(error: float) -> float | None:
    """PSNR of a mean squared error; None where nothing differs."""
    return float(10 * np.log10(PEAK**2 / error)) if error > 0 else None


def psnr(made: Frames, real: Frames) -> float | None:
    """PSNR of two pictures ``(h, w, 3)``; None where they are equal."""
    return decibels(mean_squared(made, real))


def ssim(made: Frames, real: Frames) -> float | None:
    """SSIM of two pictures ``(h, w, 3)``, the default; None below 11 pixels a side."""
    import cv2

    def blur(x: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(x, (GAUSS_SIDE, GAUSS_SIDE), GAUSS_SIGMA))

    return similarity(made, real, blur, GAUSS_SIDE // 2, 1.0)


def ssim_box(made: Frames, real: Frames) -> float | None:
    """SSIM with a box and sample covariances; None below 7 pixels a side."""
    import cv2

    def blur(x: Array) -> Array:
        return np.asarray(cv2.blur(x, (BOX_SIDE, BOX_SIDE)))

    area = BOX_SIDE**2
    return similarity(made, real, blur, BOX_SIDE // 2, area / (area - 1))


def similarity(
    made: Frames, real: Frames, blur: Callable[[Array], Array], rim: int, sample: float
) -> float | None:
    """Mean of the map of SSIM, its rim left out; ``sample`` scales the covariances."""
    if min(made.shape[:2]) <= 2 * rim:
        return None
    inside = slice(rim, -rim), slice(rim, -rim)
    pairs = ((made[..., k], real[..., k]) for k in range(made.shape[-1]))
    # channel by channel: maps in double precision are large
    return float(np.mean([likeness(*pair, blur, sample)[inside].mean() for pair in pairs]))


def likeness(made: Array, real: Array, blur: Callable[[Array], Array], sample: float) -> Array:
    """The map ``(h, w)`` of SSIM of one channel."""
    # grey levels about nought lose fewer digits in the differences of squares
    x, y = made.astype(np.float64) - PEAK / 2, real.astype(np.float64) - PEAK / 2
    mean_x, mean_y = blur(x), blur(y)
    spread = sample * (blur(x * x + y * y) - mean_x**2 - mean_y**2)
    common = sample * (blur(x * y) - mean_x * mean_y)
    mean_x += PEAK / 2
    mean_y += PEAK / 2
    c1, c2 = SSIM_CONSTANTS
    found = (2 * mean_x * mean_y + c1) * (2 * common + c2)
    found /= (mean_x**2 + mean_y**2 + c1) * (spread + c2)
    return np.asarray(found)


class Psnr(Pairwise):
    """PSNR of whole frames."""

    measures = (Measure("psnr", "PSNR", "dB", "higher", PSNR_RECIPE.format("whole frame")),)
    undefined = EQUAL

    def compare(self) -> Mapping[str, Compare]:
        """By mean squared error."""
        return {"psnr": psnr}


class Ssim(Pairwise):
    """SSIM of whole frames."""

    measures = (Measure("ssim", "SSIM", "", "higher", SSIM_RECIPE.format("whole frame")),)
    undefined = f"frames below {GAUSS_SIDE} pixels a side"

    def compare(self) -> Mapping[str, Compare]:
        """By Gaussian windows."""
        return {"ssim": ssim}


class SsimBox(Pairwise):
    """SSIM of whole frames as scripts with scikit-image's defaults publish it."""

    measures = (
        Measure("ssim_box7", "SSIM, box 7", "", "higher", BOX_RECIPE.format("whole frame")),
    )
    undefined = f"frames below {BOX_SIDE} pixels a side"

    def compare(self) -> Mapping[str, Compare]:
        """By boxes."""
        return {"ssim_box7": ssim_box}


class OfFace(Pairwise):
    """PSNR and SSIM of the face, cut out of both frames at the same place."""

    region = "face"
    undefined = EQUAL  # regions are always large enough for SSIM
    needs = frozenset({"video", "reference", "face"})

    def __init__(self) -> None:
        where = f"{self.region} box"
        self.measures = (
            Measure(
                f"psnr_{self.region}", f"PSNR, {where}", "dB", "higher", PSNR_RECIPE.format(where)
            ),
            Measure(
                f"ssim_{self.region}", f"SSIM, {where}", "", "higher", SSIM_RECIPE.format(where)
            ),
        )

    def compare(self) -> Mapping[str, Compare]:
        """The same two comparisons as of whole frames."""
        return {f"psnr_{self.region}": psnr, f"ssim_{self.region}": ssim}


class OfMouth(OfFace):
    """PSNR and SSIM of the mouth."""

    region = "mouth"
