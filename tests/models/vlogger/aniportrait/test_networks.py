"""The UNets and the pose guider, of which the golden files are too large to be copied here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.fixtures import fixtures, run
from tests.golden.vlogger_networks import RUNNERS

FILES = ("ap_pose_guider", "ap_ref_unet", "ap_denoise_unet")


@pytest.mark.parametrize("name", FILES)
def test_results_are_the_official_ones(name: str, shared: Path) -> None:
    folder = shared / "golden" / "vlogger"
    outcome = run(next(f for f in fixtures(folder) if f.name == name), RUNNERS)
    assert outcome.verdict == "PASS", str(outcome)
