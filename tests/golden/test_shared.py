"""Golden files too large to copy here: run where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .fixtures import Fixture, fixtures, run
from .runners import runners
from .test_golden import COPIES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "golden" / "latentsync"
COPIED = {fixture.name for fixture in COPIES if fixture.family == "latentsync"}
LARGE = [fixture for fixture in fixtures(SHARED) if fixture.name not in COPIED]
FULL_SIZE = ("stable_syncnet_full", "wav2lip_syncnet", "syncnet_v2_eval")


def case(fixture: Fixture) -> Any:
    marks = [pytest.mark.slow] if fixture.name in FULL_SIZE else []
    return pytest.param(fixture, id=fixture.name, marks=marks)


@pytest.mark.skipif(not LARGE, reason="no shared/ folder beside the checkout")
@pytest.mark.parametrize("fixture", [case(fixture) for fixture in LARGE])
def test_large_golden(fixture: Fixture) -> None:
    outcome = run(fixture, runners())
    assert outcome.verdict == "PASS", str(outcome)
