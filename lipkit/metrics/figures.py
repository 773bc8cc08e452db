"""Numbers and settings as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

TINY = 1e-6


def decimals(values: Iterable[float]) -> int:
    """Digits after the point that show four significant digits of the largest value."""
    there = [abs(v) for v in values]
    if all(v == round(v) and v < 1e6 for v in there):
        return 0
    return min(6, max(0, 3 - math.floor(math.log10(max(there)))))


def number(value: float, digits: int) -> str:
    """A value with ``digits`` after the point and a real minus sign."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−" if float(text) else "")


def figure(value: float) -> str:
    """A value in four significant digits, whole ones without a point, tiny ones by powers."""
    if 0 < abs(value) < TINY:
        return f"{value:.1e}".replace("-", "−")
    return number(value, decimals([value]))


def plain(setting: Any) -> str:
    """A setting in words."""
    if isinstance(setting, Mapping):
        return ", ".join(f"{key} {plain(value)}" for key, value in setting.items())
    if isinstance(setting, list | tuple):
        mark = "; " if any(isinstance(value, Mapping) for value in setting) else ", "
        return mark.join(map(plain, setting))
    if isinstance(setting, bool) or setting is None:
        return {True: "yes", False: "no", None: "none"}[setting]
    return f"{setting:.6g}" if isinstance(setting, float) else str(setting)
