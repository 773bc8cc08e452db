"""How fast LatentSync's networks redraw faces, with random weights, against the plain way.

    python -m benchmarks.latentsync_speed --preset latentsync-1.5 --device cuda --peak-tflops 989

A JSON line holds milliseconds a frame of each stage, frames a second, the share of the device's
peak that the UNet's arithmetic reaches, and how many times longer the same takes in 32 bits, eager,
with guidance in two passes and pictures coded one by one. What follows ``--set`` are settings of
sampling, such as ``sampling.speed=fast`` or ``sampling.compile=true``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode

from lipkit import config
from lipkit.models.latentsync import denoiser
from lipkit.models.latentsync.config import LatentSyncConfig, ModelConfig, SamplingConfig
from lipkit.models.latentsync.editing import ready
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.pipeline import Draws, LatentSyncer
from lipkit.models.parts import vae
from lipkit.models.parts.video_unet import VideoUNet

HEARD = 50  # audio steps of a frame


def drawn(form: ModelConfig, device: str) -> LatentSync:
    """A model of random weights on ``device``, with an autoencoder of its own."""
    torch.manual_seed(0)
    with torch.device(device):
        model = LatentSync(replace(form, vae=replace(form.vae, weights=""))).eval()
    for convolution in (model.unet.conv_in, model.unet.conv_out):
        torch.nn.init.normal_(convolution.weight, std=0.02)
    return model.requires_grad_(False)


class Clip:
    """One clip's work for a syncer."""

    def __init__(self, syncer: LatentSyncer, sampling: SamplingConfig) -> None:
        form = syncer.form
        side = form.resolution // 8
        self.syncer, self.sampling, self.frames = syncer, sampling, form.window
        self.crops = torch.rand(form.window, 3, form.resolution, form.resolution) * 2 - 1
        self.audio = torch.randn(form.window, HEARD, form.unet.context or 1)
        self.start = torch.randn(1, form.vae.latents, 1, side, side)
        self.latents = torch.randn(form.window, form.vae.latents, side, side)
        self.noise = Draws(torch.Generator().manual_seed(0))

    def whole(self) -> Any:
        """Everything."""
        return self.syncer.redraw(self.crops, self.audio, self.start, self.sampling, self.noise)

    def encode(self) -> Any:
        """The autoencoder's first half."""
        return self.syncer.condition(self.crops.to(self.syncer.unet.device), self.noise)

    def decode(self) -> Any:
        """The autoencoder's second half."""
        return vae.decode(self.syncer.vae, self.latents.to(self.syncer.unet.device))


@torch.inference_mode()
def seconds(work: Callable[[], Any], times: int, device: str) -> float:
    """How long ``work`` takes, the first time aside."""
    spent = []
    for _ in range(times + 1):
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - begun)
    return min(spent[1:])


def arithmetic(form: ModelConfig, sampling: SamplingConfig) -> float:
    """Floating-point operations of the UNet for one clip, counted without doing them."""
    side, halves = form.resolution // 8, 1 + (sampling.guidance > 1)
    every = denoiser.KEPT_STEPS if sampling.speed == "fast" else 1
    with torch.device("meta"), torch.no_grad():
        unet = VideoUNet(form.unet).eval()
        sample = torch.empty(halves, form.unet.in_channels, form.window, side, side)
        audio = torch.empty(halves * form.window, HEARD, form.unet.context or 1)
        counts = []
        for deep in (True, False):
            with FlopCounterMode(display=False) as counter:
                scene = unet.enter(sample, torch.zeros(halves, dtype=torch.long), audio)
                unet.leave(
                    unet.deep(scene) if deep else scene.entry[:, :1].expand(width(unet, scene)),
                    scene,
                )
            counts.append(counter.get_total_flops())
    full = -(-sampling.steps // every)
    return float(full * counts[0] + (sampling.steps - full) * counts[1])


def width(unet: Any, scene: Any) -> tuple[int, ...]:
    """The shape of what the deep layers give."""
    channels = unet.up_blocks[-1].resnets[-1].in_channels - scene.entry.shape[1]
    return (len(scene.entry), channels, *scene.entry.shape[2:])


@contextmanager
def plain() -> Iterator[None]:
    """Guidance in two passes, and pictures coded one by one."""
    before = denoiser.Denoiser.__init__

    def apart(self: Any, *given: Any, **named: Any) -> None:
        before(self, *given, **named)
        self.passes = list(self.passes[0].chunk(1 + (self.guidance > 1)))

    with (
        mock.patch.object(denoiser.Denoiser, "__init__", apart),
        mock.patch.object(vae, "AT_ONCE", {"cuda": 1, "cpu": 1}),
    ):
        yield


def measure(form: ModelConfig, sampling: SamplingConfig, wish: Any) -> dict[str, float]:
    """The figures of one setting."""
    device, times = wish.device, wish.times
    slow = Clip(
        syncer_of(form, replace(sampling, precision="fp32"), device),
        replace(sampling, speed="exact"),
    )
    with plain():
        unhurried = seconds(slow.whole, times, device)
    del slow
    clip = Clip(syncer_of(form, sampling, device), sampling)
    total, coded, decoded = (
        seconds(work, times, device) for work in (clip.whole, clip.encode, clip.decode)
    )
    stages = {"encode": coded, "denoise": total - coded - decoded, "decode": decoded}
    found = {f"{name}_ms": 1000 * spent / clip.frames for name, spent in stages.items()}
    teraflops = arithmetic(form, sampling) / stages["denoise"] / 1e12
    found |= {"fps": clip.frames / total, "plain_over_ours": unhurried / total}
    found["unet_teraflops"] = teraflops
    if wish.peak_tflops:
        found["of_peak"] = teraflops / wish.peak_tflops
    return found


def syncer_of(form: ModelConfig, sampling: SamplingConfig, device: str) -> LatentSyncer:
    """A syncer with networks as the editor prepares them."""
    return LatentSyncer(*ready(drawn(form, device), sampling), form)


def main() -> None:
    """Print the figures of one preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="latentsync-1.5")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--peak-tflops", type=float)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    wish = parser.parse_args()
    tables = config.load_preset(wish.preset).tables
    settings = config.resolve(LatentSyncConfig, preset=tables, sets=wish.sets)
    found = measure(settings.model, settings.sampling, wish)
    print(json.dumps({"preset": wish.preset, **{k: round(v, 3) for k, v in found.items()}}))


if __name__ == "__main__":
    main()
