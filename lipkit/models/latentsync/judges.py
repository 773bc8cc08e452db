"""The frozen networks that a stage's loss asks: those of the store, or small stand-ins."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lipkit.errors import BadUsage, WeightsError
from lipkit.losses.tempo import SIDE
from lipkit.models.latentsync.config import LatentSyncConfig, Weighing
from lipkit.models.latentsync.expert.model import load as load_syncnet
from lipkit.models.latentsync.expert.model import place_of
from lipkit.models.latentsync.objective import Judges
from lipkit.models.parts import checkpoint, lpips, videomae, weights
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.stand_in import STAND_IN, StandIn


class StandInLpips(StandIn):
    """In place of LPIPS: distances ``(b,)`` of pictures ``(b, 3, h, w)`` in -1..1."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d, 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean squared differences of features of unit length, as LPIPS has them."""
        layers = zip(self.looks(first), self.looks(second), strict=True)
        apart = [
            (functional.normalize(a, dim=1) - functional.normalize(b, dim=1)).square().sum(1)
            for a, b in layers
        ]
        return torch.stack([a.mean((1, 2)) for a in apart], 1).sum(1)


class StandInVideo(StandIn):
    """In place of VideoMAE: features ``(b, d)`` of clips ``(b, 3, f, h, w)`` in 0..1."""

    def __init__(self) -> None:
        super().__init__(nn.Conv3d, (1, 4, 4))

    def forward(self, clips: Tensor) -> Tensor:
        """The last layer's features, thinned out over places but not over time."""
        return self.looks(clips - 0.5)[-1].flatten(1)


def judges_of(
    autoencoder: AutoencoderKL, config: LatentSyncConfig, weighing: Weighing, again: bool = False
) -> Judges:
    """The networks that terms with a weight need; ``again``: activations are computed twice.

    Whoever judges is left in single precision: autocast makes its activations small.
    """
    train, form = config.train, config.model
    syncnet, size = None, None
    if weighing.sync:
        if not train.syncnet:
            raise BadUsage(
                "the loss asks a SyncNet, and train.syncnet names none",
                hint="--set train.syncnet=RUN, of lipkit train syncnet",
            )
        syncnet, known = load_syncnet(train.syncnet)
        if known.frames != form.window:
            raise WeightsError(
                f"{train.syncnet}: sees {known.frames} frames, the model makes {form.window}"
            )
        size = known.resolution if known.space == "pixels" else None
    distance = lpips_of(train.lpips, train.vgg) if weighing.lpips else None
    video = video_of(train.videomae, form.window) if weighing.trepa else None
    seen = form.resolution if train.videomae == STAND_IN else SIDE
    networks = [each for each in (autoencoder, syncnet, distance, video) if each is not None]
    for network in networks:
        network.eval().requires_grad_(False)
        if again:
            spare(network)
    return Judges(autoencoder, syncnet, size, distance, video, seen)


def spare(network: nn.Module) -> None:
    """Have a network compute its activations again where it can, which spares memory."""
    if isinstance(network, videomae.VideoMae):
        body = network.body
        older = body.gradient_checkpointing_enable  # its name until transformers 5
        getattr(body, "activation_checkpointing_enable", older)()
        network.body.train()  # transformers asks for it; nothing is dropped in it
        return
    for part in network.modules():
        switch = getattr(part, "enable_gradient_checkpointing", None)
        if switch is not None:
            switch()


def lpips_of(heads: str, backbone: str = "vgg16") -> nn.Module:
    """LPIPS by VGG16 as losses have it, of the store or of the public files; or its stand-in."""
    if heads == STAND_IN:
        return StandInLpips()
    network = lpips.Lpips("vgg")
    for part, given, name in (
        (network.features, backbone, "vgg16"),
        (network.heads, heads, "lpips-vgg"),
    ):
        if given in weights.catalogue():
            checkpoint.load(part, weights.locate(given))
        else:
            tensors, _ = lpips.adopt(read_checkpoint(place_of(given)), weights.find(name))
            part.load_state_dict(tensors)
    return network


def video_of(name: str, frames: int) -> nn.Module:
    """VideoMAE of the store or of a file, or its stand-in."""
    if name == STAND_IN:
        return StandInVideo()
    given = read_checkpoint(place_of(name))
    if given.config.keys() >= {"width", "layers", "tube"}:  # of the store, in our names
        tensors, sizes = given.tensors, given.config
    else:
        tensors, sizes = videomae.adopt(given)
    form = videomae.VideoMaeForm(**sizes)
    if form.frames != frames:
        raise WeightsError(f"{name}: sees {form.frames} frames, the model makes {frames}")
    network = videomae.VideoMae(form)
    network.load_state_dict(tensors)
    return network
