"""What the log tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipkit.errors import LipkitError
from lipkit.faces.geometry import Geometry, ticks
from lipkit.sync import events
from lipkit.sync.clock import lay
from tests.sync.films import steady

TIMES = steady(20)


@pytest.fixture
def geometry() -> Geometry:
    beat, base = ticks(TIMES)
    valid = np.ones(20, np.bool_)
    valid[5:8] = False
    return Geometry(
        matrix=np.zeros((20, 2, 3)), points=np.zeros((20, 5, 2)), box=np.zeros((20, 4)),
        score=np.ones(20), valid=valid, shot=np.repeat([0, 1], 10), ticks=beat, time_base=base,
        fps=Fraction(25), size=(8, 8), frame_size=(8, 8), scheme="five", template="square",
    )  # fmt: skip


@dataclass
class Study:
    weight: Any


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_event_has_its_place_and_time(geometry: Geometry, tmp_path: Path) -> None:
    path = tmp_path / "log"
    weight = np.ones(20)
    weight[[8, 9]] = 0.5, 0.75
    with events.open_log(path, "a.mp4") as log:
        events.about_faces(log, geometry, "left", "left as it is")
        events.about_cuts(log, geometry)
        events.about_fades(log, geometry, Study(weight))
        events.about_fades(log, geometry, object())
        events.about_length(log, lay(TIMES, Fraction(25), Fraction(2)), Fraction(2), 20, "longest")
    found = rows(path)
    assert {row["video"] for row in found} == {"a.mp4"}
    gone, cut, fade, length, extended = found
    assert (gone["event"], gone["first"], gone["last"], gone["time"]) == ("no face", 5, 7, 0.2)
    assert (cut["event"], cut["frame"], cut["time"]) == ("cut", 10, 0.4)
    assert (fade["first"], fade["last"], fade["least"]) == (8, 9, 0.5)
    assert (length["sound"], length["picture"], length["frames"]) == (2.0, 2.0, 50)
    assert (extended["first"], extended["frames"], extended["time"]) == (20, 30, 0.8)


def test_rows_are_appended_and_may_lead_nowhere(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with events.open_log(tmp_path / "log", name) as log:
            log.add("x")
    assert [row["video"] for row in rows(tmp_path / "log")] == ["a", "b"]
    with events.open_log(None, "a") as log:
        log.add("x")
    with (
        pytest.raises(LipkitError, match="--log"),
        events.open_log(tmp_path / "none" / "log", "a"),
    ):
        pass
