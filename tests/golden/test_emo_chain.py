"""Files about whole networks of Hallo, whose weights are too large to be copied here."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fixtures import fixtures, run
from .runners import runners


@pytest.mark.parametrize("name", ["unet_cfg", "ddim_loop", "clip_chain"])
def test_whole_networks(name: str, shared: Path) -> None:
    fixture = next(f for f in fixtures(shared / "golden" / "emo") if f.name == name)
    outcome = run(fixture, runners())
    assert outcome.verdict == "PASS", str(outcome)
