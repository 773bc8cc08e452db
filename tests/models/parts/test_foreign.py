"""Checkpoints of others: read as data or refused, never run."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import read_checkpoint

TENSORS = {"a": torch.arange(3.0), "b.weight": torch.ones(2, 2)}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"state_dict": TENSORS, "global_step": 3},
        {"dims": {"n_audio_head": 6}, "model_state_dict": TENSORS},
    ],
)
def test_torch_files_give_their_tensors(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "x.anything")
    found = read_checkpoint(tmp_path / "x.anything")
    assert found.tensors.keys() == TENSORS.keys()
    assert ("dims" in found.config) == ("dims" in content)


def test_safetensors_give_tensors_and_config(tmp_path: Path) -> None:
    metadata = {"lipkit": json.dumps({"config": {"width": 3}})}
    save_file(TENSORS, tmp_path / "x.pt", metadata)  # the name says nothing
    found = read_checkpoint(tmp_path / "x.pt")
    assert torch.equal(found.tensors["a"], TENSORS["a"])
    assert found.config == {"width": 3}


def test_folders_as_transformers_writes_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 3}')
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": false}')
    with pytest.raises(WeightsError, match="no weights in this folder"):
        read_checkpoint(tmp_path)
    torch.save(TENSORS, tmp_path / "pytorch_model.bin")
    assert read_checkpoint(tmp_path).config == {"hidden_size": 3, "do_normalize": False}
    save_file({"other": torch.ones(1)}, tmp_path / "model.safetensors")
    assert list(read_checkpoint(tmp_path).tensors) == ["other"]
    assert len(read_checkpoint(tmp_path, ["pytorch_model.bin"]).tensors) == 2


def test_sharded_folders_are_put_together(tmp_path: Path) -> None:
    for part, (name, tensor) in enumerate(TENSORS.items(), 1):
        save_file({name: tensor}, tmp_path / f"model-0000{part}-of-00002.safetensors")
    assert read_checkpoint(tmp_path).tensors.keys() == TENSORS.keys()


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": Bomb(tmp_path / "ran")}, tmp_path / "bomb.pt")
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_checkpoint(tmp_path / "bomb.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x80\x02garbage",
        b"PK\x03\x04garbage",
        struct.pack("<Q", 1 << 50) + b'{"a": 1}',
        struct.pack("<Q", 8) + b'{"a": 1}',
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"x\.pt: "):
        read_checkpoint(tmp_path / "x.pt")


def test_what_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such weights"):
        read_checkpoint(tmp_path / "nothing")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="no named tensors"):
        read_checkpoint(tmp_path / "list.pt")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    with pytest.raises(WeightsError, match="no named tensors"):
        read_checkpoint(tmp_path / "none.pt")
