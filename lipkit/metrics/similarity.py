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
STRIP = 48  # rows that are compared at once
FEW = 1 << 20  # numbers in a picture below which each one's rounding shows in the mean
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

    taps = cv2.getGaussianKernel(GAUSS_SIDE, GAUSS_SIGMA)

    def blur(x: Array) -> Array:
        return np.asarray(cv2.sepFilter2D(x, -1, taps, taps))

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
    height, width, channels = made.shape
    rows, columns = height - 2 * rim, width - 2 * rim
    if min(rows, columns) <= 0:
        return None
    # rounding in single precision shifts the mean of few pixels by up to 2e-6
    digits = np.float64 if made.size < FEW else np.float32
    total = 0.0
    # a strip's maps lie in the processor's cache, a whole frame's do not
    for top in range(0, rows, STRIP):
        part = slice(top, min(top + STRIP, rows) + 2 * rim)
        pair = made[part].astype(digits), real[part].astype(digits)
        total += likeness(*pair, blur, rim, sample)
    return float(total / (rows * columns * channels))


def likeness(x: Array, y: Array, blur: Callable[[Array], Array], rim: int, sample: float) -> float:
    """Sum of the map of SSIM of two strips ``(h, w, 3)``, which are used up; the rim is left out.

    From their sum s and difference d: what SSIM's two factors lack of 1 is then md²/(m² + c1) and
    vd/(v + c2), m and v being means and variances. Equal strips score exactly 1 a pixel.
    """
    d = x - y
    s = np.add(x, y, out=x)
    s -= PEAK  # levels about nought lose fewer digits in the differences of squares
    inside = slice(rim, -rim), slice(rim, -rim)
    mean_d, mean_s, spread_d, spread_s = (blur(v)[inside] for v in (d, s, d * d, s * s))
    mean_d = mean_d * mean_d
    spread_d -= mean_d
    spread_s -= mean_s * mean_s
    c1, c2 = SSIM_CONSTANTS
    mean_s += PEAK
    levels = 1 - mean_d / ((mean_s * mean_s + mean_d) / 2 + c1)
    levels *= 1 - spread_d / ((spread_s + spread_d) / 2 + c2 / sample)
    return float(levels.sum(dtype=np.float64))


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
