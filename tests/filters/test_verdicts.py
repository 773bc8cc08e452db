"""What filters say, stage by stage."""

from __future__ import annotations

from lipkit.filters.rules import rules
from lipkit.filters.verdicts import Trial, Value, tally

ASKED = ["resolution=100", "snr=10", "sharpness=5"]


def test_a_piece_goes_on_until_something_drops_it() -> None:
    trial = Trial(rules(None, ASKED))
    assert trial.judge({"resolution": Value(120.0)})
    assert trial.dropped_by is None
    assert not trial.judge({"snr": Value(9.0)})
    assert trial.dropped_by == "snr"
    assert trial.rows == {
        "resolution": {"passed": True, "value": 120.0, "bound": "100.."},
        "snr": {"passed": False, "value": 9.0, "bound": "10.."},
        "sharpness": {"passed": None, "value": None, "bound": "5.."},
    }


def test_what_has_no_value_stays_only_if_it_says_so() -> None:
    trial = Trial(rules(None, ASKED))
    assert trial.judge({"snr": Value(None, "no pause", stays=True)})
    assert not trial.judge({"sharpness": Value(None, "no face inside the frame")})
    assert trial.rows["sharpness"]["reason"] == "no face inside the frame"


def test_a_fault_drops_without_a_filter() -> None:
    trial = Trial(rules(None, ASKED), fault="no face")
    assert trial.dropped_by == "no face"


def test_counts_add_up() -> None:
    good, bad = Trial(rules(None, ASKED)), Trial(rules(None, ASKED))
    good.judge({"resolution": Value(120.0), "snr": Value(20.0), "sharpness": Value(9.0)})
    bad.judge({"resolution": Value(10.0)})
    counts = tally([{"filters": good.rows}, {"filters": bad.rows}])
    assert counts["resolution"] == {"passed": 1, "dropped": 1, "not reached": 0}
    assert counts["snr"] == {"passed": 1, "dropped": 0, "not reached": 1}
