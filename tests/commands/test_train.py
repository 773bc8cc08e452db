"""``lipkit train``, on a corpus that a humming synthesizer left behind."""

import builtins
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lipkit import ui
from lipkit.cli import lipkit
from lipkit.errors import BadInput, BadUsage, LipkitError
from lipkit.models import load
from lipkit.models.parts.weights import read_header
from lipkit.models.vasa.mel import log_mel
from lipkit.training.voices import synthesizers
from lipkit.training.voices.corpus import CorpusSpec, build
from lipkit.training.voices.synthesizers import Utterance
from lipkit.training.voices.visemes import Segment

SMALL = ("--preset", "tiny-vasa", "--set", "train.frontend.log_every=1", "-q")


@pytest.fixture(scope="module")
def humming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder: half a minute of hums that get louder with every open vowel."""

    def speak(rng, count):
        for i in range(count):
            phones = ["", *(rng.choice("aobm") for _ in range(10)), ""]
            ends = np.linspace(0, 3, 13)
            t = np.arange(48000) / 16000
            loud = np.repeat([0.9 if p in ("a", "o") else 0.02 for p in phones], 4000)
            wave = (loud * np.sin(2 * np.pi * 200 * t)).astype(np.float32)
            segments = [
                Segment(a, b, p, 0.5) for a, b, p in zip(ends[:-1], ends[1:], phones, strict=True)
            ]
            yield Utterance(wave, segments, "hum+f5" if i % 4 == 0 else "hum")

    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(synthesizers.SYNTHESIZERS, "hum", speak)
        spec = CorpusSpec(minutes=(("hum", 1.0),), shard_minutes=1.0)
        return build(folder, spec, lambda wave: log_mel([wave]))


def invoke(*arguments: str) -> int:
    result = CliRunner().invoke(lipkit, ["train", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return int(result.return_value)


def test_all_stages_make_weights_that_load(humming, tmp_path):
    run = tmp_path / "run"
    assert invoke("vasa", *SMALL, "--data", str(humming), "-o", str(run), "--max-steps", "2") == 0
    origin = read_header(run / "weights.safetensors")["origin"]
    assert origin["family"] == "vasa"
    assert origin["steps"] == {"frontend": 2, "generator": 2}
    assert load(str(run), verb="animate", device="cpu").module.config.generator.window == 10
    assert any((run / "logs").iterdir())


def test_resumed_stages_go_on(humming, tmp_path):
    run = tmp_path / "run"
    line = ("vasa", *SMALL, "--data", str(humming), "-o", str(run))
    assert invoke(*line, "--max-steps", "1") == 0
    with pytest.raises(BadInput, match="holds a training already; give --resume"):
        invoke(*line)
    assert invoke(*line, "--max-steps", "3", "--resume") == 0
    assert read_header(run / "weights.safetensors")["origin"]["steps"]["generator"] == 3


def test_a_run_says_how_it_can_be_repeated(humming, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ("--data", str(humming), "--stage", "frontend", "--max-steps", "1", "--seed", "3")
    assert invoke("vasa", *SMALL, *arguments, "-o", str(first)) == 0
    (call,) = json.loads((first / "run.json").read_text())["calls"]
    assert (call["family"], call["stage"], call["seed"]) == ("vasa", "frontend", 3)
    assert call["versions"]["torch"]
    assert call["settings"]["train.frontend.log_every"] == 1
    settings = ("--config", str(first / "settings.toml"), "-q")
    assert invoke("vasa", *settings, *arguments, "-o", str(second)) == 0
    digests = [read_header(run / "weights.safetensors")["digest"] for run in (first, second)]
    assert digests[0] == digests[1]
    other = ("--set", "train.frontend.clip=0.5", "--resume", "--max-steps", "2")
    said = []
    monkeypatch.setattr(ui, "warn", said.append)
    assert invoke("vasa", *SMALL, *arguments, *other, "-o", str(first)) == 0
    assert said == [f"{first}: settings changed since it began: train.frontend.clip"]


def test_examples_of_cartoons(tmp_path):
    run = tmp_path / "toys"
    data = ("--data", "toy:size=32,seconds=0.4")
    assert invoke("vasa", *data, "--examples", "2", "-o", str(run)) == 0
    assert len(list((run / "examples").glob("*.mp4"))) == 2
    with pytest.raises(BadUsage, match="vasa does not learn from toy:"):
        invoke("vasa", *data, "-o", str(run))


def test_one_stage_only(humming, tmp_path):
    run = tmp_path / "run"
    arguments = ("--data", str(humming), "-o", str(run), "--stage", "frontend", "--max-steps", "1")
    assert invoke("vasa", *SMALL, *arguments) == 0
    assert set(read_header(run / "weights.safetensors")["origin"]["steps"]) == {"frontend"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("vasa", "--stage", "frontent"), "vasa has no stage 'frontent'; did you mean frontend?"),
        (("vaza",), "unknown family 'vaza'; did you mean vasa?"),
        (("vasa", "--preset", "bultin"), "no preset or run 'bultin'; did you mean builtin?"),
        (("vasa", "--set", "train.frontend.step=3"), "unknown key 'train.frontend.step'"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(arguments, problem, tmp_path):
    with pytest.raises(BadUsage, match=problem.replace("?", r"\?")):
        invoke(*arguments, "--data", "voices:", "-o", str(tmp_path / "run"))


def test_folder_without_a_corpus(tmp_path):
    with pytest.raises(BadInput, match="no corpus shards here"):
        invoke("vasa", *SMALL, "--data", str(tmp_path), "-o", str(tmp_path / "run"))


def test_without_accelerate_the_extra_is_named(humming, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "accelerate":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LipkitError, match=r"needs accelerate; pip install 'lipkit\[train\]'"):
        invoke("vasa", *SMALL, "--data", str(humming), "-o", str(tmp_path / "run"))


@pytest.mark.parametrize("text", ["soon", "1d", ""])
def test_times_that_are_none(text, tmp_path):
    arguments = ["vasa", "--data", "voices:", "-o", str(tmp_path), "--max-time", text]
    result = CliRunner().invoke(lipkit, ["train", *arguments])
    assert result.exit_code == 2
    assert "write it as 90, 45m or 1h30m" in result.output
