"""JoyVASA's files fill our model, and nothing in them is run."""

from __future__ import annotations

import json
import pickle
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.models.vasa.joyvasa import convert
from lipkit.models.vasa.joyvasa.config import ModelConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa

MANIFEST = Path(__file__).parents[3] / "golden" / "vasa" / "manifest_joyvasa_motion_generator.json"
WIDTHS = {"scale": 1, "t": 3, "pitch": 1, "yaw": 1, "roll": 1}


def manifest() -> dict[str, Tensor]:
    shapes = json.loads(MANIFEST.read_text())
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def statistics() -> dict[str, Any]:
    found: dict[str, Any] = {"mean_exp": np.full(63, 2.0), "std_exp": np.full(63, 3.0)}
    for name, width in WIDTHS.items():
        found |= {f"min_{name}": np.full(width, -1.0), f"max_{name}": np.full(width, 4.0)}
    return {key: value.astype(np.float32) for key, value in found.items()}


@pytest.fixture
def model() -> JoyVasa:
    with torch.device("meta"):
        return JoyVasa(ModelConfig())


def released(model: JoyVasa) -> Checkpoint:
    hearing = {
        f"audio_encoder.{name}": tensor for name, tensor in model.hearing.state_dict().items()
    }
    return Checkpoint(manifest() | hearing, {}, Path("generator.pt"))


def template() -> Checkpoint:
    tensors = {key: torch.from_numpy(value) for key, value in statistics().items()}
    return Checkpoint(tensors, {}, Path("template.pkl"))


def test_the_released_files_fill_the_model(model: JoyVasa) -> None:
    tensors, tables = convert.adopt([released(model), template()])
    assert tensors.keys() == model.state_dict().keys()
    shape = tables["denoiser"]
    assert (shape["channels"], shape["context"], shape["window"]) == (73, 10, 100)
    assert (shape["positions"], tables["diffusion_steps"]) == ("legacy", 50)
    assert tensors["motion_offset"].tolist() == [2.0] * 63 + [-1.0] * 7
    assert tensors["motion_scale"].tolist() == [3.0] * 63 + [5.0] * 7


def test_ours_go_back_to_official_names(model: JoyVasa) -> None:
    back = convert.official(model, model.state_dict())
    own = {k: tuple(v.shape) for k, v in back.items() if not k.startswith("audio_encoder.")}
    assert own == {key: tuple(tensor.shape) for key, tensor in manifest().items()}


def test_what_is_missing_is_named(model: JoyVasa) -> None:
    without = released(model)
    del without.tensors["denoising_net.motion_dec.2.bias"]
    with pytest.raises(WeightsError, match=r"1 missing: denoiser\.leave\.2\.bias"):
        convert.adopt([without, template()])
    with pytest.raises(WeightsError, match="not JoyVASA's"):
        convert.adopt([template(), template()])


def test_settings_and_paths_in_a_checkpoint_are_read_without_running_it(tmp_path: Path) -> None:
    file = tmp_path / "generator.pt"
    args = Namespace(data_root=PosixPath("/data/x"), feature_dim=256)
    torch.save({"args": args, "model": {"x": torch.ones(2)}, "iter": 3}, file)
    found = read_checkpoint(file)
    assert found.tensors.keys() == {"x"}
    assert found.config["args"]["feature_dim"] == 256


def test_a_template_is_read_as_arrays(tmp_path: Path) -> None:
    file = tmp_path / "template.pkl"
    file.write_bytes(pickle.dumps(statistics()))
    offset, scale = convert.scale_of(read_checkpoint(file))
    assert offset.shape == scale.shape == (70,)


class Harm:
    """Would make a file if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("dump", [lambda x: pickle.dumps(x), None], ids=["pickle", "torch"])
def test_code_in_a_file_is_not_run(tmp_path: Path, dump: Callable[[Any], bytes] | None) -> None:
    file, harmed = tmp_path / "template.pkl", tmp_path / "harmed"
    content = {"mean_exp": np.ones(3, np.float32), "x": Harm(harmed)}
    if dump:
        file.write_bytes(dump(content))
    else:
        torch.save(content, file)
    with pytest.raises(WeightsError):
        read_checkpoint(file)
    assert not harmed.exists()
