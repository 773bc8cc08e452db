"""Which metrics run, and what is said of those that cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from lipkit.artifacts.scores import FACTS
from lipkit.errors import BadUsage, LipkitError, WeightsError
from lipkit.metrics import METRICS, choice
from lipkit.metrics.choice import Given, choose
from lipkit.models.parts import weights
from lipkit.protocols import Measure, Passage
from tests.metrics import tiny

SAME_THING = {"fps", "duration"}  # a fact of every line that can be asked for as a measure, too


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The tiny metrics instead of the real ones, and no weights."""
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(choice, "table", lambda: tiny.TABLE | tiny.FAULTY)
    choice.find.cache_clear()
    yield
    choice.find.cache_clear()


def names(chosen: list[choice.Chosen]) -> list[str]:
    return [one.name for one in chosen]


@pytest.mark.usefixtures("table")
def test_by_default_all_runs_that_can_and_the_rest_is_explained() -> None:
    chosen, left_out = choose([], Given())
    assert names(chosen) == ["greys", "greys25", "loud", "faulty", "picky"]
    why = {name: str(problem) for name, problem in left_out.items()}
    assert "pull syncnet-v2" in why["heavy"]
    assert "pip install 'lipkit[metrics]'" in why["foreign"]
    assert "--reference" in why["beside"]
    assert "--reference" in why["apart"]
    assert set(names(choose([], Given(videos=True))[0])) - set(names(chosen)) == {
        "beside",
        "beside25",
        "apart",
    }


@pytest.mark.usefixtures("table")
def test_sets_of_one_clip_are_for_those_who_ask() -> None:
    alone = Given(videos=True, many=False)
    chosen, left_out = choose([], alone)
    assert "apart" in left_out
    assert not any(one.set_measures for one in chosen)
    assert choose(["apart"], alone)[0][0].set_measures
    assert choose(["greys"], alone)[0][0].set_measures


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("heavy", WeightsError, r"heavy needs the weights syncnet-v2; fetch syncnet_v2.model of "),
        ("foreign", BadUsage, r"foreign needs no_such_package; pip install"),
        ("beside", BadUsage, r"beside needs a reference video; give --reference"),
        ("apart_mean", BadUsage, r"apart needs a set of reference videos; give --reference"),
        ("besides", BadUsage, r"unknown metric 'besides'; did you mean beside"),
        ("pyiqa:niqe", BadUsage, r"pyiqa:niqe needs pyiqa; pip install pyiqa"),
    ],
)
def test_what_was_asked_for_and_cannot_run_is_an_error(
    name: str, status: type[LipkitError], message: str
) -> None:
    with pytest.raises(status, match=message):
        choose(["greys", name], Given())


@pytest.mark.usefixtures("table")
def test_metrics_are_named_by_metric_measure_or_family() -> None:
    given = Given(videos=True)
    assert [one.names for one in choose(["greys"], given)[0]] == [("grey", "greys")]
    assert [one.names for one in choose(["grey"], given)[0]] == [("grey",)]
    assert [one.names for one in choose(["apart"], given)[0]] == [("apart_mean",)]
    both, _ = choose(["nan", "void", "nan"], given)
    assert [one.names for one in both] == [("nan", "void")]
    again = choice.recall(both[0].name, both[0].names)
    assert again.names == both[0].names
    assert choose(["apart"], given)[0][0].without_clips().set_measures


@pytest.mark.usefixtures("table")
def test_of_a_family_runs_what_can(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = (Measure("grey_heavy", "Grey", "", "higher", "with weights"),)
    monkeypatch.setattr(tiny.Heavy, "measures", parts)
    monkeypatch.setattr(tiny.Greys, "measures", (replace(parts[0], name="grey_plain"),))
    chosen, left_out = choose(["grey"], Given())
    assert [one.names for one in chosen] == [("grey_plain",)]
    assert list(left_out) == ["heavy"]
    with pytest.raises(WeightsError):
        choose(["grey_heavy"], Given())


def test_other_packages_add_metrics_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = EntryPoint("greyness", "tests.metrics.tiny:Greys", choice.PLUGINS)
    monkeypatch.setattr(choice, "entry_points", lambda group: [plugin])
    choice.table.cache_clear()
    try:
        assert choice.table()["greyness"] == plugin.value
        assert set(METRICS) < set(choice.table())
        assert isinstance(choice.find("greyness"), tiny.Greys)
    finally:
        choice.table.cache_clear()


def test_a_plugin_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "table", lambda: {"gone": "no.such.module:Metric"})
    with pytest.raises(LipkitError, match="the metric gone cannot be loaded: No module named"):
        choice.find("gone")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_measures(name: str) -> None:
    metric = choice.find(name)
    assert metric.needs <= {"video", "face", "audio", "reference", "likeness", "set"}
    assert metric.measures or metric.set_measures
    assert metric.clock in ("source", "25")
    for measure in choice.every_measure(metric):
        assert measure.title
        assert measure.recipe
        assert measure.name.isidentifier(), "jq .name works"
        assert measure.name not in FACTS - SAME_THING
    for needed in metric.weights:
        assert weights.find(needed)


def test_no_two_measures_share_a_name() -> None:
    every = [m.name for metric in choice.every().values() for m in choice.every_measure(metric)]
    assert len(every) == len(set(every))


def test_pyiqa_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"niqe": {"lower_better": True}, "ssim-like": {"metric_mode": "FR"}}
    configs = ModuleType("pyiqa.default_model_configs")
    configs.DEFAULT_CONFIGS = known  # type: ignore[attr-defined]
    package = ModuleType("pyiqa")
    package.create_metric = lambda name, device: lambda *pictures: torch.stack(pictures).mean()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyiqa", package)
    monkeypatch.setitem(sys.modules, "pyiqa.default_model_configs", configs)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.0")
    choice.find.cache_clear()
    metric = choice.find("pyiqa:niqe")
    assert (metric.measures[0].name, metric.measures[0].better) == ("pyiqa_niqe", "lower")
    assert choice.find("pyiqa:ssim-like").needs == {"video", "reference"}
    watch = metric.watch(SimpleNamespace())
    frames = np.full((60, 4, 6, 3), 51, np.uint8)
    frames[25] = 255
    watch.see(Passage(np.arange(60), frames))
    score = watch.scores()["pyiqa_niqe"]
    assert score.frames == 3
    assert score.value == pytest.approx((0.2 + 1 + 0.2) / 3)
    with pytest.raises(BadUsage, match="did you mean pyiqa:niqe"):
        choice.find("pyiqa:nique")
    choice.find.cache_clear()


def test_listing_loads_no_networks() -> None:
    script = """
import subprocess
import sys
from lipkit.metrics.choice import every
every()
sys.exit(str([name for name in ("torch", "mediapipe", "silero_vad") if name in sys.modules] or ""))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
