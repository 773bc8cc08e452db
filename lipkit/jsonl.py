"""Rows of JSON lines, whatever names are in them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """``value`` with None for every number in it that JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def row(facts: Mapping[str, Any]) -> str:
    """One line of JSON; bytes of file names that are no UTF-8 come out as ``\\udcXX`` escapes."""
    text = json.dumps(facts, ensure_ascii=False, default=float)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(facts, default=float)
    return text
