"""Fetching: checked, converted, stored; without a network, one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError
from safetensors.torch import load_file, save_file

from lipkit import provenance
from lipkit.audio import whisper
from lipkit.errors import WeightsError
from lipkit.models.parts import hub, weights

SHAPE = {"d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
COMMIT = "1" * 40


class Hub:
    """A folder laid out as the hub's cache, served instead of the network."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.snapshot = root / "snapshots" / COMMIT
        self.snapshot.mkdir(parents=True)
        (root / "blobs").mkdir()
        self.asked: list[tuple[str, str, bool]] = []
        self.problem: Exception | None = None

    def add(self, name: str, made: Path, digest: str | None = None) -> None:
        blob = self.root / "blobs" / (digest or provenance.digest(made))
        made.replace(blob)
        (self.snapshot / name).symlink_to(blob)

    def download(self, repository: str, name: str, *, local_files_only: bool = False) -> str:
        self.asked.append((repository, name, local_files_only))
        if self.problem:
            raise self.problem
        return str(self.snapshot / name)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    served = Hub(tmp_path / "hub")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SHAPE | {"model_type": "whisper"}))
    shapes = whisper.build(SHAPE | {"max_source_positions": 1500}).state_dict()
    state = {f"model.encoder.{k}": torch.ones(v.shape) for k, v in shapes.items()}
    save_file(state | {"model.decoder.x": torch.ones(1)}, tmp_path / "made")
    served.add("model.safetensors", tmp_path / "made")
    served.add("config.json", config, "not-a-digest")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", served.download)
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return served


@pytest.fixture
def wanted() -> weights.WeightSet:
    return replace(weights.find("whisper-tiny"), digests={}, layers=1, width=16)


def test_what_is_pulled_is_converted_and_recorded(fake: Hub, wanted: weights.WeightSet) -> None:
    path = hub.pull(wanted)
    header = weights.read_header(path)
    assert path == wanted.path
    assert header["origin"]["revision"] == COMMIT
    assert header["origin"]["sha256"] == (fake.snapshot / "model.safetensors").resolve().name
    assert header["origin"]["licence"] == "Apache-2.0"
    assert header["config"]["encoder_attention_heads"] == 2
    assert weights.verify(path) == header["digest"]
    assert "layers.0.fc1.weight" in load_file(path)
    tensors, _ = whisper.adopt(whisper.read_checkpoint(path), wanted)
    assert tensors.keys() == load_file(path).keys()


def test_another_file_than_the_known_one_is_refused(fake: Hub, wanted: weights.WeightSet) -> None:
    known = replace(wanted, digests={"model.safetensors": "0" * 64})
    with pytest.raises(WeightsError, match="expected 000000000000"):
        hub.pull(known)
    assert not known.present


def test_a_damaged_download_is_refused(fake: Hub, wanted: weights.WeightSet) -> None:
    blob = (fake.snapshot / "model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match=r"expected .* and pull again"):
        hub.pull(wanted)


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_one_line_says_so(
    fake: Hub, wanted: weights.WeightSet, offline: bool
) -> None:
    fake.problem = LocalEntryNotFoundError("long\nstory")
    with pytest.raises(WeightsError, match=r"whisper-tiny: .*lipkit models import") as caught:
        hub.pull(wanted, offline=offline)
    assert ("offline" in str(caught.value)) == offline
    assert fake.asked == [("openai/whisper-tiny", "model.safetensors", offline)]


def test_the_hubs_own_switch_is_honoured(
    fake: Hub, wanted: weights.WeightSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.pull(wanted)
    assert all(local for _, _, local in fake.asked)


def test_the_hubs_refusals_are_shown(fake: Hub, wanted: weights.WeightSet) -> None:
    response: Any = SimpleNamespace(headers={}, request=None)
    fake.problem = RepositoryNotFoundError("no such repository\nask someone", response=response)
    with pytest.raises(WeightsError, match="no such repository"):
        hub.pull(wanted)


def test_known_files_are_recognised_by_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "unnamed"
    file.write_bytes(b"tiny")
    assert hub.recognise(file) is None
    known = replace(weights.find("whisper-small"), known=(provenance.digest(file),))
    monkeypatch.setattr(weights, "catalogue", lambda: {"whisper-small": known})
    assert hub.recognise(file) == known


def test_files_at_an_address_are_checked_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    there = weights.WeightSet(
        "net", "metric", "a net", ("net.onnx",), 1, "MIT", keep=".onnx", url="https://a.example/n"
    )
    monkeypatch.setattr(weights, "catalogue", lambda: {"net": there})
    served: list[bytes | Exception] = [b"graph", b"graph", URLError("no route")]

    def serve(url: str, target: str, progress: bool) -> None:
        assert url == there.url
        assert not progress
        content = served.pop(0)
        if isinstance(content, Exception):
            raise content
        Path(target).write_bytes(content)

    monkeypatch.setattr(torch.hub, "download_url_to_file", serve)
    path = hub.pull(there)
    assert path.read_bytes() == b"graph"
    assert weights.read_header(path)["origin"]["url"] == there.url
    with pytest.raises(WeightsError, match="expected 00000000"):
        hub.pull(replace(there, digests={"net.onnx": "00000000"}))
    with pytest.raises(WeightsError, match=r"no route.*import FILE"):
        hub.pull(there)
    with pytest.raises(WeightsError, match="offline"):
        hub.pull(there, offline=True)


def test_files_below_a_folder_of_the_hub_are_found(fake: Hub, tmp_path: Path) -> None:
    (fake.snapshot / "auxiliary").mkdir()
    (tmp_path / "graph").write_bytes(b"graph")
    fake.add("auxiliary/net.pt", tmp_path / "graph")
    there = weights.WeightSet(
        "net", "metric", "a net", ("auxiliary/net.pt",), 1, "MIT", keep=".pt", repository="a/b"
    )
    path = hub.pull(there)
    assert path.read_bytes() == b"graph"
    assert weights.read_header(path)["origin"]["revision"] == COMMIT


def test_what_people_fetch_themselves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="cannot be fetched by itself; get w600k"):
        hub.pull(weights.find("arcface-r50"))
    assert hub.named_like(Path("x/w600k_r50.onnx")) == weights.find("arcface-r50")
    assert hub.named_like(Path("x/other.onnx")) is None
