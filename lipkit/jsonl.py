"""Rows of JSON lines, whatever names are in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def row(facts: Mapping[str, Any]) -> str:
    """One line of JSON; bytes of file names that are no UTF-8 come out as ``\\udcXX`` escapes."""
    text = json.dumps(facts, ensure_ascii=False, default=float)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(facts, default=float)
    return text
