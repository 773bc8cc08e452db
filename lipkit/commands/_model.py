"""Which model, under which settings; loaded once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import provenance
from lipkit.commands import _options

if TYPE_CHECKING:
    from lipkit.models import Loaded

option: _options.Decorator = click.option(
    "--model", default="builtin", show_default=True, help="Preset, run or weights file."
)
# How it runs; its own knobs stand before these.
running: _options.Decorator = _options.chain(
    _options.knob(
        "--guidance",
        key="sampling.guidance",
        type=float,
        help="How strictly lips follow the sound.",
    ),
    _options.knob(
        "--steps", key="sampling.steps", type=click.IntRange(min=1), help="Denoising steps."
    ),
    _options.seed(),
    _options.settings,
    _options.device,
)


@dataclass(frozen=True)
class ModelWish:
    """A model by its name, and what the user set otherwise than its preset."""

    name: str
    config_file: str | None
    sets: tuple[str, ...]
    knobs: tuple[tuple[str, Any], ...]
    device: str

    @classmethod
    def of(cls, context: click.Context) -> ModelWish:
        """The wish that a command line expresses."""
        given = context.params
        knobs = tuple(_options.knob_values(context).items())
        return cls(given["model"], given["config_file"], given["sets"], knobs, given["device"])

    @property
    def record(self) -> dict[str, Any]:
        """What shapes the result, for its record."""
        settings = {"model": Path(self.name).name, "set": list(self.sets)}
        settings |= {key: value for key, value in self.knobs if value is not None}
        if self.config_file is not None:
            settings["config"] = provenance.digest(self.config_file)
        return settings


@lru_cache(maxsize=1)
def load(wish: ModelWish, verb: str) -> Loaded:
    """The model, ready for ``verb``."""
    from lipkit import models

    return models.load(
        wish.name,
        verb=verb,
        file=wish.config_file,
        sets=wish.sets,
        options=dict(wish.knobs),
        device=wish.device,
    )
