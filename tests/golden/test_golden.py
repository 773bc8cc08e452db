"""Every golden file copied here passes, and the runner tells passing from failing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from .__main__ import main
from .fixtures import Fixture, fixtures, run
from .runners import runners

FOLDERS = [path for path in sorted(Path(__file__).parent.iterdir()) if any(path.glob("*.json"))]
COPIES = [fixture for folder in FOLDERS for fixture in fixtures(folder)]


@pytest.mark.parametrize("fixture", COPIES, ids=lambda f: f"{f.family}-{f.name}")
def test_golden(fixture: Fixture) -> None:
    outcome = run(fixture, runners())
    assert outcome.verdict == "PASS", str(outcome)


def changed(source: str, target: Path, **edit: Any) -> Path:
    """A copy of a golden file with one tensor or JSON key changed."""
    origin = Path(__file__).parent / source
    tensors = load_file(origin.with_suffix(".safetensors"))
    meta = json.loads(origin.with_suffix(".json").read_text())
    for key, value in edit.items():
        if key in tensors:
            tensors[key] = value(tensors[key])
        else:
            meta[key] = value
    target.mkdir(exist_ok=True)
    save_file(tensors, target / f"{origin.name}.safetensors")
    (target / f"{origin.name}.json").write_text(json.dumps(meta))
    return target


def test_a_wrong_value_fails_and_names_its_key(tmp_path: Path, capsys: Any) -> None:
    edit = {"out.5.12": lambda t: t + 1}
    assert main([str(changed("latentsync/loop_video", tmp_path, **edit))]) == 1
    assert capsys.readouterr().out == "FAIL  loop_video  inf of tolerance: out.5.12\n"


def test_a_small_error_is_reported_as_a_share(tmp_path: Path, capsys: Any) -> None:
    edit = {"win_3": lambda t: t + 5e-7}  # the tolerance is 1e-6
    assert main([str(changed("emo/audio_window", tmp_path, **edit))]) == 0
    line = capsys.readouterr().out.split()
    assert line[:2] == ["PASS", "audio_window"]
    assert 0.3 < float(line[2]) < 0.7


def test_a_result_of_another_shape_fails(tmp_path: Path) -> None:
    folder = changed("emo/audio_window", tmp_path, win_3=lambda t: t[:1])
    outcome = run(next(fixtures(folder)), runners())
    assert (outcome.verdict, outcome.share) == ("FAIL", math.inf)


def test_a_file_without_runner_is_missed(tmp_path: Path, capsys: Any) -> None:
    save_file({"out.x": torch.zeros(1)}, tmp_path / "unheard_of.safetensors")
    (tmp_path / "unheard_of.json").write_text('{"cls": "x", "atol": 0}')
    (tmp_path / "manifest_x.json").write_text("{}")  # no fixture, so nothing is missed
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == "MISS  unheard_of  no runner\n"
    assert main([str(tmp_path), "absent"]) == 1
    assert capsys.readouterr().out == "MISS  absent  no such file\n"


def test_weights_for_other_files_are_no_fixture(tmp_path: Path) -> None:
    save_file({"conv.weight": torch.zeros(1)}, tmp_path / "net_tiny.safetensors")
    (tmp_path / "net_tiny.json").write_text('{"source": "x", "config": {}}')
    assert not list(fixtures(tmp_path))


def test_an_output_that_nothing_computed_fails(tmp_path: Path) -> None:
    folder = changed("vlogger/mt_v1_slices", tmp_path)
    file = folder / "mt_v1_slices.safetensors"
    save_file(load_file(file) | {"out.more": torch.zeros(1)}, file)
    outcome = run(next(fixtures(folder)), runners())
    assert (outcome.verdict, outcome.reason) == ("FAIL", "out.more")


def test_a_crash_is_a_failure(tmp_path: Path) -> None:
    folder = changed("vlogger/mt_v1_slices", tmp_path, cases=[{}])
    outcome = run(next(fixtures(folder)), runners())
    assert outcome.verdict == "FAIL"
    assert outcome.reason.startswith("KeyError")


def test_usage() -> None:
    assert main([]) == 2
    assert main(["/nowhere"]) == 2
