"""The store of weights: where it is, what its files say, and that damage is noticed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lipkit.errors import BadUsage, WeightsError
from lipkit.models.parts import weights

STATE = {"a": torch.arange(6.0).view(2, 3).T, "b": torch.ones(2, dtype=torch.float16)}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    weights.store(STATE, path, name="small", config={"width": 3}, origin={"file": "x.pt"})
    return path


def test_the_catalogue_is_complete() -> None:
    for name, found in weights.catalogue().items():
        assert found.name == name
        assert found.task
        assert found.licence
        places = [bool(place) for place in (found.repository, found.url, found.page)]
        assert places.count(True) == 1, f"{name} comes from one place"
        assert not found.repository or found.repository.count("/") == 1
        assert not found.url or found.url.startswith("https://")
        assert bool(found.keep) != bool(found.module)
        assert not found.digests.keys() - set(found.files)
        assert all(len(digest) == 64 for digest in found.known)
        assert all(len(digest) >= 8 for digest in found.digests.values())


@pytest.mark.parametrize("name", [n for n, w in weights.catalogue().items() if w.module])
def test_every_checkpoint_can_be_taken_in(name: str) -> None:
    assert callable(import_module(weights.find(name).module).adopt)


def test_every_way_to_weights_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"syncnet_v2.model of ByteDance.*pull syncnet-v2"):
        weights.locate("syncnet-v2")
    with pytest.raises(WeightsError, match=r"get w600k_r50.onnx of .*import FILE --name arcface"):
        weights.locate("arcface-r50")


def test_kept_files_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"graph")
    path = tmp_path / "store.onnx"
    digest = weights.keep(tmp_path / "net.onnx", path, name="net", origin={"licence": "MIT"})
    assert path.read_bytes() == b"graph"
    assert weights.verify(path) == digest
    assert weights.read_header(path)["origin"] == {"licence": "MIT"}
    path.write_bytes(b"grasp")
    with pytest.raises(WeightsError, match="damaged: digest"):
        weights.verify(path)
    weights.facts_beside(path).unlink()
    with pytest.raises(WeightsError, match="nothing is known"):
        weights.verify(path)


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", "/elsewhere")
    assert weights.folder() == Path("/elsewhere")
    monkeypatch.delenv("LIPKIT_WEIGHTS")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert weights.folder() == Path("/data/lipkit/weights")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert weights.folder() == Path.home() / ".local/share/lipkit/weights"


def test_missing_weights_say_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="lipkit models pull whisper-tiny"):
        weights.locate("whisper-tiny")
    with pytest.raises(BadUsage, match="did you mean whisper-tiny"):
        weights.locate("whisper-tinny")


def test_stored_weights_come_back_with_their_header(stored: Path) -> None:
    header = weights.read_header(stored)
    assert (header["name"], header["config"]) == ("small", {"width": 3})
    assert header["digest"] == weights.verify(stored) == weights.content_digest(stored)
    assert all(torch.equal(tensor, STATE[name]) for name, tensor in load_file(stored).items())
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_equal_weights_have_equal_digests_whatever_their_header(stored: Path) -> None:
    other = stored.with_name("other.safetensors")
    digest = weights.store(STATE, other, name="other", config={}, origin={})
    assert digest == weights.content_digest(stored)
    changed = STATE | {"b": torch.zeros(2, dtype=torch.float16)}
    assert weights.store(changed, other, name="other", config={}, origin={}) != digest


def test_a_flipped_bit_is_noticed(stored: Path) -> None:
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.write_bytes(data)
    with pytest.raises(WeightsError, match="damaged: digest"):
        weights.verify(stored)


def test_files_that_are_no_weights_of_ours_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match="not one of lipkit's"):
        weights.read_header(tmp_path / "foreign.safetensors")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(WeightsError):
        weights.read_header(tmp_path / "text")


def test_digests_of_files_and_folders(stored: Path) -> None:
    alone = weights.digest_of(stored)
    assert weights.digest_of(stored.parent) == alone
    (stored.parent / "config.json").write_text("{}")
    assert weights.digest_of(stored.parent) != alone
