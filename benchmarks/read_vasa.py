"""What heads that VASA-1 drew do and who they are, read from the pictures of cartoons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lipkit.models.vasa.codecs.megaportraits.codec import (
    MegaPortraitsAppearance,
    MegaPortraitsCodec,
)
from lipkit.models.vasa.codecs.megaportraits.material import HEAD
from lipkit.models.vasa.codecs.megaportraits.pose import POSE
from lipkit.models.vasa.vasa1.config import ControlsConfig, SamplingConfig, Vasa1Config
from lipkit.models.vasa.vasa1.hearing import hear
from lipkit.models.vasa.vasa1.model import Vasa1, build
from lipkit.models.vasa.vasa1.pipeline import move
from lipkit.training.pictures import grid
from lipkit.training.toys.dubbing import agreement
from lipkit.training.toys.likeness import nearest
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.reading import Reading, read
from lipkit.training.toys.takes import Toy

Array = NDArray[Any]
TOLD = ("aperture", "smile", "blink_left", "gaze_x", "yaw", "pitch", "roll", "scale")
EVERY = 3  # of a driver's frames is drawn
EVERY_SPOKEN = 2
KNOWN = 4  # frames of each take that are asked whose they are
SHOWN = 7  # people of the picture


def sitter(codec: MegaPortraitsCodec, take: Toy) -> MegaPortraitsAppearance:
    """A take's first frame as a portrait, with its true matte."""
    picture = take.pictures(0, 1)[0]
    matte = take.labels(0, 1)[0][..., HEAD].max(-1) / 255
    return codec.taken(picture, np.eye(2, 3), picture, matte)


def drawn(codec: MegaPortraitsCodec, take: Toy, motion: Array) -> Array:
    """Frames ``(f, h, w, 3)`` of a take's person under motion."""
    return np.concatenate(list(codec.render(sitter(codec, take), motion)))


def pooled(made: Array, true: Array) -> dict[str, float]:
    """Pearson's r of each channel that is told, over all rows ``(n, c)``."""
    found = {}
    for name in TOLD:
        a, b = made[:, INDEX[name]], true[:, INDEX[name]]
        still = min(float(a.std()), float(b.std())) < 1e-6
        found[name] = 0.0 if still else float(np.corrcoef(a, b)[0, 1])
    return found


def reenacted(
    codec: MegaPortraitsCodec, sources: list[Toy], drivers: list[Toy]
) -> Iterator[tuple[Toy, Array, Array]]:
    """Sources moved by drivers: who it is, the frames that were drawn, the drivers' motion."""
    for source, driver in zip(sources, drivers, strict=True):
        rows = slice(EVERY, None, EVERY)
        motion = codec.told(driver.pictures(0, len(driver))[rows])
        yield source, drawn(codec, source, motion), driver.motion[rows]


def moved(codec: MegaPortraitsCodec, sources: list[Toy], drivers: list[Toy]) -> dict[str, float]:
    """How the motion of what is drawn follows the drivers'."""
    parts = list(reenacted(codec, sources, drivers))
    made = [read(frames, who.who).motion for who, frames, _ in parts]
    return pooled(np.concatenate(made), np.concatenate([true for _, _, true in parts]))


def identified(
    codec: MegaPortraitsCodec, sources: list[Toy], drivers: list[Toy]
) -> dict[str, float]:
    """The share of what is drawn that looks most like the source, of all sources."""
    people = [take.who for take in sources]
    hits = [
        nearest(frame, people) == who.who
        for who, frames, _ in reenacted(codec, sources, drivers)
        for frame in frames[:: max(1, len(frames) // KNOWN)]
    ]
    return {"nearest": float(np.mean(hits)), "of": float(len(people))}


def swapped(codec: MegaPortraitsCodec, takes: list[Toy]) -> dict[str, float]:
    """What happens to the expression when the pose of another frame is put on it.

    ``kept`` is the correlation of the drawn mouth with the expression's frame, ``leaked`` with the
    pose's; ``turned`` is that of the yaw with the pose's.
    """
    made, expressed, posed = [], [], []
    for take in takes:
        rows = np.arange(EVERY, len(take), EVERY)
        other = rows[::-1]
        motion = codec.told(take.pictures(0, len(take)))
        mixed = np.concatenate([motion[other, : len(POSE)], motion[rows, len(POSE) :]], 1)
        made.append(read(drawn(codec, take, mixed), take.who).motion)
        expressed.append(take.motion[rows])
        posed.append(take.motion[other])
    found, own, strange = (np.concatenate(part) for part in (made, expressed, posed))
    kept, leaked = pooled(found, own), pooled(found, strange)
    return {
        "kept": kept["aperture"],
        "leaked": leaked["aperture"],
        "turned": leaked["yaw"],
        "blink kept": kept["blink_left"],
        "gaze kept": kept["gaze_x"],
    }


@lru_cache(64)
def heard(take: Toy, model: Vasa1) -> Array:
    """What the model hears of a take."""
    return hear(take.wave, model.config)


def spoken(
    model: Vasa1, sampling: SamplingConfig, take: Toy, controls: ControlsConfig | None = None
) -> tuple[Array, Reading]:
    """Frames of a take's person who says its sound, every other one, and what they do."""
    rows = np.concatenate(list(move(model, heard(take, model), sampling, controls)))
    frames = drawn(MegaPortraitsCodec(model), take, rows[::EVERY_SPOKEN])
    return frames, read(frames, take.who)


def follow(model: Vasa1, sampling: SamplingConfig, takes: list[Toy]) -> dict[str, float]:
    """Correlation of drawn mouths with what is heard, and with what another take says."""
    made = [spoken(model, sampling, take)[1]["aperture"] for take in takes]
    true = [take.motion[::EVERY_SPOKEN, INDEX["aperture"]] for take in takes]
    right = [t[: len(m)] for m, t in zip(made, true, strict=True)]
    wrong = [t[: len(m)] for m, t in zip(made, true[1:] + true[:1], strict=True)]
    return {"heard": agreement(made, right), "swapped": agreement(made, wrong)}


def follow_untrained(model: Vasa1, sampling: SamplingConfig, takes: list[Toy]) -> dict[str, float]:
    """The same of the model's codec, moved by a transformer that knows nothing."""
    torch.manual_seed(0)
    other = build(model.config).to(str(model.motion_mean.device)).eval()
    other.codec = model.codec
    return follow(other, sampling, takes)


def controlled(
    model: Vasa1,
    sampling: SamplingConfig,
    controls: ControlsConfig,
    takes: list[Toy],
    channel: str,
) -> dict[str, float]:
    """The mean of what is read of one channel."""
    made = [spoken(model, sampling, take, controls)[1][channel] for take in takes]
    return {channel: float(np.concatenate(made).mean())}


@torch.inference_mode()
def sheet(model: Vasa1, config: Vasa1Config, takes: list[Toy]) -> NDArray[np.uint8]:
    """Sources, drivers, sources moved by their own frames, by the drivers; and one who speaks."""
    codec, people = MegaPortraitsCodec(model), takes[:SHOWN]
    others = takes[1 : len(people) + 1]
    row = len(takes[0]) // 2
    rows: list[list[Array]] = [[], [], [], []]
    for take, other in zip(people, others, strict=False):
        for place, driver in ((2, take), (3, other)):
            motion = codec.told(driver.pictures(row, row + 1))
            rows[place].append(drawn(codec, take, motion)[0])
        rows[0].append(take.pictures(0, 1)[0])
        rows[1].append(other.pictures(row, row + 1)[0])
    talk, _ = spoken(model, config.sampling, takes[0])
    count = len(rows[0])
    first = len(talk) // 3
    rows.append(list(talk[first : first + count]))
    shown = takes[0].pictures(0, len(takes[0]))[::EVERY_SPOKEN][first : first + count]
    rows.append(list(shown))
    pictures = torch.from_numpy(np.stack([np.stack(each) for each in rows])).movedim(-1, 2)
    return grid(pictures.float() / 127.5 - 1)
