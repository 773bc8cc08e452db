"""LivePortrait's and JoyVASA's golden files that are too large to copy pass where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.fixtures import fixtures, run
from tests.golden.runners import runners

COPIES = Path(__file__).parents[2] / "golden" / "vasa"
LARGE = (
    "joyvasa_denoiser",
    "joyvasa_denoiser_indicator",
    "joyvasa_driving",
    "joyvasa_sample",
    "joyvasa_sample_legacy_pe",
    "lp_driving_image_by_image",
    "lp_driving_video_source",
    "lp_end_to_end",
    "lp_image_io",
    "lp_spade_generator",
    "lp_stitching_retargeting",
    "lp_warping_module",
)


def test_every_file_is_run(shared: Path) -> None:
    known = {fixture.name for fixture in fixtures(shared / "golden" / "vasa")}
    assert known == {fixture.name for fixture in fixtures(COPIES)} | set(LARGE)


@pytest.mark.parametrize("name", LARGE)
def test_golden(shared: Path, name: str) -> None:
    found = {fixture.name: fixture for fixture in fixtures(shared / "golden" / "vasa")}
    outcome = run(found[name], runners())
    assert outcome.verdict == "PASS", str(outcome)
