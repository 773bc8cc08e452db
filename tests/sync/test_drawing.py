"""Latents of windows: as many as promised, in their places, and finished to the unbroken edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.artifacts.latents import Coder, Latents, open_latents_writer, read_latents
from lipkit.errors import BadInput, BadUsage
from lipkit.protocols import Features
from lipkit.sync import drawing
from lipkit.sync.cast import Role
from lipkit.sync.clock import lay
from lipkit.sync.crops import CropEditor
from lipkit.sync.driver import Performance, perform
from lipkit.sync.source import Source
from lipkit.sync.tracking import track_of
from tests.artifacts.test_latents import geometry
from tests.sync.films import film, joined, steady, track_for
from tests.sync.test_crops import FORM, Dubber, Meter, ramp

SIZE = (64, 64)
FADED = range(24, 40)


class Painter(Dubber):
    """Means over 8x8 pixels as latents, which are painted as squares."""

    def draw(
        self, crops: Iterable[torch.Tensor], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[torch.Tensor]:
        for chunk in super().sync(crops, audio, sampling, generator):
            yield torch.nn.functional.avg_pool2d(chunk, 8)

    def finish(self, latents: torch.Tensor, crops: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(latents, scale_factor=8)

    def sync(
        self, crops: Iterable[torch.Tensor], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[torch.Tensor]:
        for latents in self.draw(crops, audio, sampling, generator):
            yield self.finish(latents, latents)


class Scene:
    """A film whose face is missing for a while, a voice, and an editor that draws latents."""

    def __init__(self, folder: Path, fps: Fraction) -> None:
        self.times = steady(60, fps)
        path = film(folder / "a.mkv", self.times, SIZE)
        self.source = Source(path, self.times, SIZE)
        self.editor = CropEditor(Painter(), Meter(), FORM, scheme="five")
        self.track = replace(track_for(self.times, SIZE, FADED), fps=fps)
        self.voice = self.editor.hear([ramp(3.0)])
        self.role = Role(self.track, self.editor.study(self.track, iter))
        self.clock = lay(self.times, fps, Fraction(3), "video")

    def keep(self, path: Path) -> None:
        """Draw the latents into a file."""
        form = self.editor.cropping
        cuts = drawing.windows(self.clock, self.source, self.editor.beat, self.role)
        tensors, facts = drawing.kept_clock(self.clock)
        tensors["starts"] = drawing.first_frames(self.clock, cuts, form.fps, form.window)
        span = form.window + 2 * form.margin
        base = replace(
            geometry(60), scheme="five", ticks=np.arange(60),
            time_base=1 / self.track.fps, fps=self.track.fps,
        )  # fmt: skip
        latents = Latents(
            content="faces",
            coder=Coder("", 1.0, "x"),
            model={},
            fps=form.fps,
            frames=len(self.clock),
            geometry=drawing.kept_geometry(base, self.track, "digest"),
            tensors=tensors,
            facts=facts | {"span": span},
        )
        with open_latents_writer(path, latents, (len(cuts) * span, 3, 4, 4)) as append:
            given = self.source, self.clock, self.editor, self.voice, self.role
            for piece in drawing.draw(*given, threads=2):
                append(piece)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)], ids=["25", "29.97"])
def test_latents_finish_to_the_unbroken_edit(fps: Fraction, tmp_path: Path) -> None:
    scene = Scene(tmp_path, fps)
    whole = joined(
        perform(scene.source, scene.clock, Performance(scene.editor, scene.voice, [scene.role]))
    )
    scene.keep(tmp_path / "l")
    rows, found = read_latents(tmp_path / "l")
    starts = found.tensors["starts"].tolist()
    assert starts == sorted(set(starts))
    assert len(starts) < len(scene.clock) / 8 * 25 / float(fps)  # none where nobody is
    finisher = CropEditor(Painter(), None, FORM, scheme="five")
    track = track_of(found.geometry)
    role = Role(track, finisher.study(track, iter))
    clock, drawn = drawing.clock_of(found), drawing.places_of(found, rows)
    assert clock == scene.clock
    made = joined(perform(scene.source, clock, Performance(finisher, drawn, [role])))
    np.testing.assert_array_equal(made, whole)


def test_files_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    Scene(tmp_path, Fraction(25)).keep(tmp_path / "l")
    rows, found = read_latents(tmp_path / "l")
    with pytest.raises(ValueError, match="latents for"):
        drawing.places_of(replace(found, facts={"span": 5}), rows)
    short = {**found.tensors, "ticks": found.tensors["ticks"][:-1]}
    with pytest.raises(ValueError, match="clock"):
        drawing.clock_of(replace(found, tensors=short))
    with pytest.raises(BadInput, match="no latents for the model's frame 24"):
        drawing.places_of(found, rows).window(24)


def test_who_draws_no_latents_or_hears_nothing_says_so() -> None:
    with pytest.raises(BadUsage, match="crops draws no latents"):
        _ = CropEditor(Dubber(), Meter(), FORM, scheme="five").drafter
    with pytest.raises(ValueError, match="only finishes"):
        CropEditor(Painter(), None, FORM, scheme="five").hear([ramp(1)])
