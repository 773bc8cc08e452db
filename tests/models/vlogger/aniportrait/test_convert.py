"""AniPortrait's files fit our networks at full size, name for name, both ways."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.parts import weights
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vlogger.aniportrait import convert
from lipkit.models.vlogger.aniportrait.config import GuiderConfig, ModelConfig
from lipkit.models.vlogger.aniportrait.model import AniPortrait

GOLDEN = Path(__file__).parents[3] / "golden" / "vlogger"
MANIFESTS = {"denoising_unet": "denoising_unet_base"}
NAMES = ("audio2mesh", "audio2pose", "pose_guider", "reference_unet", "denoising_unet")


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, Tensor]]:
    """Names and shapes of the released files."""
    found = {}
    for name in (*NAMES, convert.TEMPORAL):
        path = GOLDEN / f"aniportrait_{MANIFESTS.get(name, name)}.json"
        table = json.loads(path.read_text())
        shapes = table["shapes"].items()
        found[name] = {key: torch.empty(shape, device="meta") for key, shape in shapes}
        assert sum(t.numel() for t in found[name].values()) == table["total_elements"]
    return found


@pytest.fixture(scope="module")
def model() -> dict[str, Tensor]:
    with torch.device("meta"):
        return AniPortrait(ModelConfig()).state_dict()


def test_every_official_name_is_consumed_and_every_parameter_filled(
    files: dict[str, dict[str, Tensor]], model: dict[str, Tensor]
) -> None:
    assert convert.ours(files, model).keys() == model.keys()


def test_our_names_become_the_official_ones_again(
    files: dict[str, dict[str, Tensor]], model: dict[str, Tensor]
) -> None:
    back = convert.official(model)
    assert back.keys() == files.keys()
    for name, tensors in files.items():
        made = {key: t.shape for key, t in back[name].items()}
        # of training only, and dropped knowingly
        wanted = {k: t.shape for k, t in tensors.items() if not k.endswith("masked_spec_embed")}
        assert made == wanted


def test_older_names_of_the_position_convolution_fit_too(
    files: dict[str, dict[str, Tensor]], model: dict[str, Tensor]
) -> None:
    stem = "audio_encoder.encoder.pos_conv_embed.conv."
    newer = f"{stem}parametrizations.weight.original"
    older = {f"{newer}0": f"{stem}weight_g", f"{newer}1": f"{stem}weight_v"}
    edited = {
        name: {older.get(key, key): t for key, t in tensors.items()}
        for name, tensors in files.items()
    }
    assert edited["audio2mesh"].keys() != files["audio2mesh"].keys()
    assert convert.ours(edited, model).keys() == model.keys()


def test_what_does_not_fit_is_named(
    files: dict[str, dict[str, Tensor]], model: dict[str, Tensor]
) -> None:
    guider = {key: t for key, t in files["pose_guider"].items() if key != "scale"}
    with pytest.raises(WeightsError, match=r"pose_guider: .*1 missing: scale"):
        convert.ours(files | {"pose_guider": guider}, model)


def test_adopted_files_fill_the_preset(files: dict[str, dict[str, Tensor]]) -> None:
    wanted = weights.find("aniportrait")
    given = [Checkpoint(files[Path(name).stem], {}, Path(name)) for name in wanted.files]
    tensors, settings = convert.adopt(given, wanted)
    assert sum(tensor.numel() for tensor in tensors.values()) > 2_430_000_000
    assert settings["guider"] == asdict(GuiderConfig(norm="batch", pixels="raw"))
    with pytest.raises(WeightsError, match="aniportrait: no file pose_guider"):
        convert.adopt([one for one in given if one.file.stem != "pose_guider"], wanted)
