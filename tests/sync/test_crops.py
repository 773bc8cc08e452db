"""Models of crops at 25 frames a second, on sources of any rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.protocols import Features
from lipkit.sync.cast import Role
from lipkit.sync.clock import lay
from lipkit.sync.crops import CropEditor, Cropping, nearest_frames, part_of, weights
from lipkit.sync.driver import Performance, perform
from lipkit.sync.source import Source
from tests.sync.films import film, joined, pictures, steady, track_for

SIZE = (64, 64)
FORM = Cropping(size=32, region="mouth", window=8, grow=0.6, feather=0.3, rest=False)


class Dubber:
    """Adds the features' mean over each frame to its crop: brightness that follows the sound."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def sync(
        self, crops: Iterable[torch.Tensor], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[torch.Tensor]:
        for chunk in crops:
            self.lengths.append(len(chunk))
            steps = audio.data[:, 0, 0].reshape(len(chunk), -1).mean(1)
            noise = torch.rand(1, generator=generator) * 1e-4
            yield (chunk + torch.from_numpy(steps)[:, None, None, None] + noise).clamp(-1, 1)


class Meter:
    """The sound's own samples as features, 50 steps a second."""

    name, rate, layers, width = "meter", Fraction(50), 1, 1

    def encode(self, wave: np.ndarray) -> Features:
        steps = wave[: len(wave) // 320 * 320].reshape(-1, 320).mean(1)
        return Features(steps[:, None, None].astype(np.float32), self.rate, self.name)


def ramp(seconds: float) -> np.ndarray:
    """Sound whose level rises by 0.2 a second: what is added tells the time."""
    return np.linspace(0, 0.2 * seconds, round(seconds * 16000), dtype=np.float32)


def synced(
    folder: Path, times: list[Fraction], fps: Fraction, form: Cropping = FORM, size: int = 0
) -> tuple[np.ndarray, np.ndarray, Dubber]:
    path = film(folder / "a.mkv", times, SIZE)
    syncer = Dubber()
    editor = CropEditor(syncer, Meter(), form, scheme="five")
    track = replace(track_for(times, SIZE), fps=fps)
    source = Source(path, times, SIZE)
    voice = editor.hear([ramp(3.0)])
    role = Role(track, editor.study(track, source.read))
    clock = lay(times, fps, Fraction(3), "video")
    made = joined(perform(source, clock, Performance(editor, voice, [role])))
    return pictures(len(times), SIZE), made, syncer


UNEVEN = [Fraction(n, 1000) for n in np.cumsum([0, *[33, 40, 34, 53] * 10]).tolist()]


@pytest.mark.parametrize(
    ("times", "fps"),
    [
        (steady(40), Fraction(25)),
        (steady(50, Fraction(30000, 1001)), Fraction(30000, 1001)),
        (steady(80, 50), Fraction(50)),
        (UNEVEN, Fraction(25)),
    ],
    ids=["25", "29.97", "50", "variable"],
)
def test_every_source_frame_gets_the_mouth_of_its_time(
    times: list[Fraction], fps: Fraction, tmp_path: Path
) -> None:
    before, made, syncer = synced(tmp_path, times, fps)
    assert made.shape == before.shape
    change = (made[:, 44, 32].astype(float) - before[:, 44, 32]).mean(1) / 127.5
    # A model's frame shows the middle of its 40 ms, and so does what is added to it.
    expected = [0.2 * (float(time) + 0.02) for time in times]
    assert np.abs(change - expected).max() < 0.02
    assert (made[:, :20] == before[:, :20]).all()
    assert set(syncer.lengths) == {12}  # whole windows, with two frames more on both sides


def test_margins_leave_no_seams(tmp_path: Path) -> None:
    times = steady(80, 50)
    before, made, _ = synced(tmp_path, times, Fraction(50))
    change = (made[:, 44, 32].astype(float) - before[:, 44, 32]).mean(1)
    assert np.abs(np.diff(change)).max() < 2.5  # grey levels; 0.5 is the ramp's own slope


def test_deep_frames_with_alpha_stay_deep(tmp_path: Path) -> None:
    times = steady(8)
    editor = CropEditor(Dubber(), Meter(), FORM, scheme="five")
    track = track_for(times, SIZE)
    deep = np.random.default_rng(0).integers(20000, 40000, (8, 64, 64, 4)).astype(np.uint16)
    made = editor.edit(
        deep, range(8), times, track, editor.hear([ramp(1)]), editor.study(track, iter)
    )
    assert made.dtype == np.uint16
    assert (made[..., 3] == deep[..., 3]).all()
    assert (made[:, 40:46, 30:34, :3] != deep[:, 40:46, 30:34, :3]).any()
    assert (made[:, :16] == deep[:, :16]).all()


def test_faceless_frames_are_left_alone_and_faded_to() -> None:
    times = steady(40)
    track = track_for(times, SIZE, range(20, 30))
    weight = weights(track)
    assert (weight[20:30] == 0).all()
    assert weight[0] == weight[39] == 1
    assert 0 < weight[19] < weight[18] < 1
    editor = CropEditor(Dubber(), Meter(), FORM, scheme="five")
    frames = pictures(10, SIZE)
    made = editor.edit(
        frames,
        range(20, 30),
        times[20:30],
        track,
        editor.hear([ramp(2)]),
        editor.study(track, iter),
    )
    assert (made == frames).all()


def test_a_region_that_the_crop_cuts_off_fades_at_its_rim() -> None:
    track = track_for(steady(2), SIZE)
    editor = CropEditor(Dubber(), Meter(), replace(FORM, grow=9.0), scheme="five")
    mask = editor._mask(track, editor.study(track, iter), 0)
    assert mask[16, 16] == 1
    for rim in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert not rim.any()
    assert 0 < mask[1, 16] < mask[2, 16] < 1


def test_features_are_cut_by_time() -> None:
    features = Features(np.arange(50, dtype=np.float32)[:, None, None], Fraction(50), "x")
    part = part_of(features, Fraction(-1, 25), Fraction(1, 5))
    assert part.data[:, 0, 0].tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert part_of(features, Fraction(49, 50), Fraction(1, 25)).data[:, 0, 0].tolist() == [49, 49]
    assert nearest_frames(steady(4, 50), [Fraction(0), Fraction(1, 25)]) == [0, 2]
