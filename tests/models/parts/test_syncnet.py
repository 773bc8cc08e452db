"""SyncNet: official names at full size, files old and new, runs of frames as windows one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts import syncnet
from lipkit.models.parts.foreign import Checkpoint
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def manifest() -> dict[str, torch.Tensor]:
    """The tensors of ``syncnet_v2.model`` as new files have them, without numbers."""
    text = (ROOT / "tests" / "golden" / "metrics" / "syncnet_manifest.json").read_text()
    state = json.loads(text)["state"]
    kinds = {name: getattr(torch, entry["dtype"]) for name, entry in state.items()}
    return {
        name: torch.empty(entry["shape"], dtype=kinds[name], device="meta")
        for name, entry in state.items()
    }


def test_the_official_file_fits_name_by_name(manifest: dict[str, torch.Tensor]) -> None:
    state, _ = syncnet.adopt(Checkpoint(manifest, {}, Path("syncnet_v2.model")))
    assert state.keys() == manifest.keys()
    network = syncnet.build()
    network.load_state_dict(state, assign=True)
    assert sum(p.numel() for p in network.parameters()) == 13_631_616


def test_older_files_do_not_count_batches(manifest: dict[str, torch.Tensor]) -> None:
    old = {name: t for name, t in manifest.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(manifest) == 102
    state, _ = syncnet.adopt(Checkpoint(old, {}, Path("syncnet_v2.model")))
    assert state.keys() == manifest.keys()


def test_other_weights_are_refused(manifest: dict[str, torch.Tensor]) -> None:
    given = dict(manifest)
    given["netfclip.3.weight"] = torch.empty(512, 512)
    del given["netcnnaud.0.bias"]
    with pytest.raises(WeightsError, match=r"missing: netcnnaud.0.bias; 1 of another shape: netfc"):
        syncnet.adopt(Checkpoint(given, {}, Path("x.model")))


def test_a_file_is_loaded_and_a_run_gives_what_windows_give(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = syncnet.SyncNet().eval()
    path = tmp_path / "syncnet_v2.model"
    state = {k: v for k, v in made.state_dict().items() if "num_batches" not in k}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    network = syncnet.load(weights=str(path))
    frames = torch.randint(0, 256, (1, 3, 7, 224, 224)).float()
    with torch.inference_mode():
        run = network.lips(frames)[0]
        windows = [made.lips(frames[:, :, k : k + 5])[0, 0] for k in range(3)]
        voice = network.voice(torch.rand(2, 1, 13, 20))
    assert torch.allclose(run, torch.stack(windows), atol=1e-5, rtol=1e-4)
    assert (run.shape, voice.shape) == ((3, 1024), (2, 1024))
