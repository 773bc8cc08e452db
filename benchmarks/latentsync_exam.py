"""What the mouth that LatentSync draws for a cartoon follows: the sound, or what was filmed.

Only pixels well inside the hole are read, because the rest is filmed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import binary_erosion

from lipkit.faces.masks import feathered
from lipkit.faces.templates import matrices
from lipkit.faces.warping import paste, warp
from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.editing import FEATHER, hole_of, windows_of
from lipkit.models.latentsync.material import pixels
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.pipeline import LatentSyncer
from lipkit.models.parts import vae
from lipkit.training.speaking import heard_of
from lipkit.training.toys.dubbing import Dubbed, dubbed, following
from lipkit.training.toys.motion import LIPS
from lipkit.training.toys.reading import read

RIGHT, SWAPPED = "right", "swapped"
READ = 2  # of so many frames one, the others lie between
SHOWN, EVERY, LARGER = 12, 4, 2  # frames of the picture, their distance, their size


@dataclass(frozen=True)
class Scene:
    """A take's frames ``(f, h, w, 3)``, where their crops lie, and which pixels are drawn anew."""

    take: Dubbed
    frames: Any
    places: Any
    side: int
    hole: Any

    @classmethod
    def of(cls, take: Dubbed, config: LatentSyncConfig) -> Scene:
        """As many frames as make whole windows."""
        form = config.model
        side, count = form.resolution, len(take) // form.window * form.window
        frames = take.pictures(0, count)
        size = (frames.shape[2], frames.shape[1])
        places = matrices("latentsync", take.points[:count], take.scheme, side, frame_size=size)
        return cls(take, frames, places, side, feathered(hole_of(form), FEATHER * side))

    @property
    def crops(self) -> Any:
        """The aligned faces ``(f, 3, r, r)`` in -1..1."""
        size = (self.side, self.side)
        rows = zip(self.frames, self.places, strict=True)
        return pixels(
            torch.from_numpy(np.stack([warp(p, m, size) for p, m in rows])).movedim(-1, 1)
        )

    def pasted(self, faces: Any) -> Any:
        """The frames with ``faces (f, r, r, 3)`` in the hole."""
        rows = zip(self.frames, faces, self.places, strict=True)
        return np.stack([paste(*row, self.hole) for row in rows])

    @property
    def inside(self) -> Any:
        """Where no pixel ``(f, h, w)`` is the frame's own, nor near one that is."""
        white = np.full((self.side, self.side, 3), 255.0, np.float32)
        rows = zip(self.frames, self.places, strict=True)
        drawn = [paste(np.zeros_like(p), white, m, self.hole)[..., 0] > 250 for p, m in rows]
        return np.stack([binary_erosion(each) for each in drawn]).astype(np.float32)

    def opening(self, frames: Any) -> Any:
        """The mouth's opening ``(f,)`` in pictures of this scene: all but the lips is known."""
        rows = np.arange(0, len(frames), READ)
        known, inside = self.take.seen.motion[rows], self.inside[rows]
        found = read(frames[rows], self.take.seen.who, known=known, free=LIPS, where=inside)
        return np.interp(np.arange(len(frames)), rows, found["aperture"])


@torch.inference_mode()
def speak(model: LatentSync, scene: Scene, config: LatentSyncConfig) -> Any:
    """The scene's frames ``(f, h, w, 3)`` with the mouth that the model draws to the sound."""
    form = config.model
    syncer = LatentSyncer(model.unet, vae.of(model), form)
    voice = windows_of(heard_of(scene.take, form.encoder), form, 0, len(scene.frames))
    sampling = replace(config.sampling, guidance=1.0)
    noise = torch.Generator().manual_seed(0)
    given = scene.crops.to(model.unet.device)
    made = torch.cat(list(syncer.sync([given], voice, sampling, noise))).cpu()
    return scene.pasted(((made + 1) * 127.5).clamp(0, 255).movedim(1, -1).numpy())


@dataclass(frozen=True)
class Exam:
    """Draws the same held-out takes by each model: with their own sound and with another's.

    What was found is kept in a folder, so that an exam that was stopped goes on.
    """

    config: LatentSyncConfig
    takes: list[Any]
    folder: Path

    def agreement(self, model: LatentSync | None, name: str) -> dict[str, float]:
        """Correlations of the drawn opening with the true ones; of the true pictures if None."""
        kept = self.folder / f"{name}.json"
        if kept.exists():
            return dict(json.loads(kept.read_text()))
        self.folder.mkdir(parents=True, exist_ok=True)
        found = self.row(model, name, RIGHT, [Dubbed(take, take) for take in self.takes])
        found |= self.row(model, name, SWAPPED, dubbed(self.takes))
        kept.write_text(json.dumps(found))
        return found

    def row(
        self, model: LatentSync | None, name: str, how: str, takes: list[Dubbed]
    ) -> dict[str, float]:
        """What drawn mouths follow, of the pictures and of the sound; the first take is kept."""
        tracks: list[Any] = []
        for take in takes:
            scene = Scene.of(take, self.config)
            frames = scene.frames if model is None else speak(model, scene, self.config)
            if not tracks:
                np.save(self.folder / f"{name}, {how}.npy", frames)
            tracks.append(scene.opening(frames))
        both = following(tracks, takes, "aperture")
        return {f"{how}, seen": both.seen, f"{how}, heard": both.heard}

    def picture(self, models: tuple[str, ...]) -> Image.Image:
        """The first take as filmed, who speaks the other sound, and what models drew to both."""
        rows = [take.pictures(0, SHOWN * EVERY) for take in self.takes[:2]]
        names = (f"{name}, {how}.npy" for name in models for how in (RIGHT, SWAPPED))
        rows += [np.load(self.folder / name) for name in names]
        sheet = np.vstack([np.hstack(row[: SHOWN * EVERY : EVERY]) for row in rows])
        image = Image.fromarray(sheet)
        return image.resize((image.width * LARGER, image.height * LARGER), Image.Resampling.BICUBIC)


def show(found: dict[str, dict[str, float]]) -> str:
    """The table."""
    heads = ("right sound", "other sound: as filmed", "other sound: as heard")
    keys = (f"{RIGHT}, seen", f"{SWAPPED}, seen", f"{SWAPPED}, heard")
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for name, row in found.items():
        lines.append(f"| {name} | " + " | ".join(f"{row[key]:.2f}" for key in keys) + " |")
    return "\n".join(lines)
