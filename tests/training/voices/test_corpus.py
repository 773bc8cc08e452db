"""Building and reading the corpus, with a synthesizer that hums instead of speaking."""

import random
import shutil

import numpy as np
import pytest

from lipkit.audio import espeak
from lipkit.errors import BadInput, BadUsage, LipkitError
from lipkit.training.voices import corpus, programs, source, synthesizers
from lipkit.training.voices.corpus import CorpusSpec, build, read
from lipkit.training.voices.excerpts import collect
from lipkit.training.voices.synthesizers import Utterance, usable
from lipkit.training.voices.visemes import Segment

SPEC = CorpusSpec(minutes=(("hum", 0.5),), shard_minutes=0.25)


def features(wave: np.ndarray) -> np.ndarray:
    return np.zeros((max(4, round(len(wave) / 160)), 64), np.float16)


@pytest.fixture
def hum(monkeypatch):
    def speak(rng: random.Random, count: int):
        for i in range(count):
            wave = np.sin(np.arange(32000) * rng.uniform(0.05, 0.1)).astype(np.float32)
            ends = np.linspace(0, 2, 11)
            segments = [
                Segment(a, b, phone)
                for a, b, phone in zip(ends[:-1], ends[1:], ["", *"abatabatu"], strict=True)
            ]
            yield Utterance(wave, segments, "hum+f5" if i % 4 == 0 else "hum")

    monkeypatch.setitem(synthesizers.SYNTHESIZERS, "hum", speak)


def test_corpus_is_cut_into_shards_and_read_back(hum, tmp_path):
    build(tmp_path, SPEC, features)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "hum-000.safetensors",
        "hum-001.safetensors",
        "manifest.json",
    ]
    items = list(read(tmp_path))
    assert len(items) >= 3 * 15
    for item in items:
        assert item.segments[0].start == 0
        assert item.segments[-1].end == pytest.approx(item.seconds, abs=0.05)
    assert {item.held_out for item in items} == {True, False}


def test_interrupted_build_goes_on_to_the_same_corpus(hum, tmp_path):
    build(tmp_path / "whole", SPEC, features)
    build(tmp_path / "parts", SPEC, features)
    (tmp_path / "parts" / "hum-001.safetensors").unlink()
    build(tmp_path / "parts", SPEC, features)
    for name in ("hum-000.safetensors", "hum-001.safetensors"):
        whole, parts = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "parts"))
        assert whole == parts


def test_another_corpus_is_not_mixed_in(hum, tmp_path):
    build(tmp_path, SPEC, features)
    with pytest.raises(BadInput, match="holds another corpus"):
        build(tmp_path, CorpusSpec(minutes=(("hum", 0.5),), seed=2), features)


def test_silent_synthesizer_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(synthesizers.SYNTHESIZERS, "hum", lambda rng, count: iter(()))
    with pytest.raises(BadInput, match="hum: speaks no usable sentence"):
        build(tmp_path, SPEC, features)


def test_excerpts_stay_within_an_utterance(hum, tmp_path):
    items = list(read(build(tmp_path, SPEC, features)))
    whole = collect(items)
    assert whole.ends[-1] == whole.frames
    mel, classes = whole.cut(np.random.default_rng(0), 20)
    assert mel.shape == (64, 80)
    assert classes.shape == (20, 23)
    np.testing.assert_allclose(classes.sum(1), 1, atol=0.01)


def test_missing_program_names_the_package(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    with pytest.raises(LipkitError, match=r"flite is not installed; Debian: apt-get install flite"):
        next(iter(synthesizers.flite(random.Random(0), 1)))
    with pytest.raises(LipkitError, match=r"espeak-ng is not installed.*libespeak-ng1"):
        espeak.Espeak("libnothing.so")


@pytest.mark.parametrize("name", ["espeak", "flite", "festival"])
def test_synthesizers_speak(name):
    if shutil.which({"espeak": "espeak-ng"}.get(name, name)) is None:
        pytest.skip(f"{name} is not installed")
    spoken = [u for u in synthesizers.SYNTHESIZERS[name](random.Random(3), 2) if usable(u)]
    assert spoken
    for utterance in spoken:
        starts = [segment.start for segment in utterance.segments]
        assert starts == sorted(starts)
        assert utterance.segments[-1].end == pytest.approx(utterance.seconds, abs=0.4)


@pytest.mark.parametrize("data", ["voices:seconds=3", "voices:minutes=no", "voices:minutes=0"])
def test_bad_source(data, tmp_path):
    with pytest.raises(BadUsage, match="write voices: or voices:minutes=60"):
        source.parse(data, tmp_path)


def test_source_scales_the_mixture(tmp_path):
    found = source.parse("voices:minutes=31", tmp_path)
    assert found.folder == tmp_path / "corpus"
    assert found.spec is not None
    assert dict(found.spec.minutes) == pytest.approx({"espeak": 10, "flite": 8, "festival": 13})
    with pytest.raises(BadInput, match="no such folder"):
        source.parse(str(tmp_path / "nowhere"), tmp_path)
    assert corpus.MANIFEST == "manifest.json"
