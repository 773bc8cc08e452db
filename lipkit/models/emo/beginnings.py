"""What a fresh model takes over: of Stable Diffusion, AnimateDiff, Hallo, or another run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.emo.convert import KEEP, TO_PARTS
from lipkit.models.emo.model import Emo
from lipkit.models.parts import weights
from lipkit.models.parts.convert import first, renamed, shape
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF

UNETS = ("reference.", "backbone.")
NEW = ("motion_modules", "audio_modules", "speed_layers")  # that Stable Diffusion does not know
# Of the layers that text was read by: where a picture is read instead, keys and values are others,
# and where nothing is read there are none at all.
READ = (".attn2.to_k.weight", ".attn2.to_v.weight")
HINT = (
    "give Stable Diffusion 1.5's unet/diffusion_pytorch_model.safetensors, AnimateDiff's "
    "mm_sd_v15_v2.ckpt, Hallo's net.pth, or a run"
)


def begin(model: Emo, file: str) -> None:
    """Fill what ``file`` knows of a fresh model; WeightsError where that does not fit.

    Stable Diffusion 1.5's UNet fills both UNets, AnimateDiff's motion module the motion modules,
    Hallo's checkpoint and other runs all that they share with the model.
    """
    found = taken(model, named(given_by(file)))
    state = model.state_dict()
    wrong = [name for name, tensor in found.items() if tensor.shape != state[name].shape]
    if wrong:
        pairs = (f"{n} {shape(found[n])}, expected {shape(state[n])}" for n in wrong)
        raise WeightsError(f"{file}: of another size: {first(pairs)}", hint=HINT)
    if not found:
        raise WeightsError(f"{file}: nothing that this model could begin with", hint=HINT)
    missing = [name for name in expected(model, found) if name not in found]
    if missing:
        raise WeightsError(f"{file}: these are missing: {first(missing)}", hint=HINT)
    model.load_state_dict(found, strict=False)


def given_by(file: str) -> Mapping[str, Tensor]:
    """The tensors of a name of the store, a run or a file."""
    if file in weights.catalogue():
        return read_checkpoint(weights.locate(file)).tensors
    path = Path(file)
    return read_checkpoint(path / "weights.safetensors" if path.is_dir() else path).tensors


def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in our names; a UNet's stand under both of ours."""
    bare = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    ours = renamed(renamed(bare, (*TO_PARTS, KEEP)), (*FROM_ANIMATEDIFF, KEEP))
    if any(name.startswith(UNETS) for name in ours):
        return ours
    return {f"{unet}{name}": tensor for unet in UNETS for name, tensor in ours.items()}


def taken(model: Emo, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of ``tensors`` that the model has a place for.

    Keys and values of another width than the text's are left out, as are ends of other latents.
    """
    state = model.state_dict()
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name in state and (not name.endswith(READ) or tensor.shape == state[name].shape)
    }


def expected(model: Emo, found: Mapping[str, Tensor]) -> list[str]:
    """What a file must fill that fills ``found``: motion modules, UNets, or nothing in particular.

    Reference attention that stands in the place of text is new where a file knows text only.
    """
    motion = [name for name in model.state_dict() if ".motion_modules." in name]
    if all(".motion_modules." in name for name in found):
        return motion
    return [
        name
        for name in model.state_dict()
        if name.startswith(UNETS)
        and not any(new in name for new in NEW)
        and not name.endswith(READ)
    ]
