"""All runners, collected from the files beside this one: a topic each, with a table RUNNERS."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

from .fixtures import Runner


def runners() -> dict[str, Runner]:
    """Runner by fixture name, or by ``family/name`` where two families share a name."""
    found: dict[str, Runner] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if not module.name.startswith(("_", "test_")):
            table = getattr(import_module(f".{module.name}", __package__), "RUNNERS", {})
            assert not found.keys() & table.keys(), f"{module.name} has runners that others have"
            found |= table
    return found
