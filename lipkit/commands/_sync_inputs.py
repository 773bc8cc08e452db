"""What ``sync`` works on: the two inputs of an item, opened and looked at."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import provenance
from lipkit.commands._model import load
from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lipkit.commands._batch import Item
    from lipkit.commands.sync import Syncing
    from lipkit.models import Loaded
    from lipkit.protocols import Editor


@dataclass(frozen=True)
class Material:
    """A video and a sound; ``names`` are what the user calls them."""

    video: Path
    sound: Path
    names: tuple[str, str]
    in_crops: bool = False  # the video is a clip of crops
    history: Mapping[str, Any] = field(default_factory=dict)  # how the video was made


def open_material(stack: ExitStack, item: Item) -> Material:
    """Both inputs; BadInput for files that cannot be what they should be."""
    from lipkit.artifacts.clip import read_provenance
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.source import open_source

    shown, heard = item.inputs
    if shown == heard == "-":
        raise BadUsage("only one of both inputs can be -")
    video, sound = (stack.enter_context(open_source(name)) for name in (shown, heard))
    kind, other = sniff(video), sniff(sound)
    if kind is Kind.IMAGE:
        raise BadInput(f"{shown}: a picture, not a video", hint="lipkit animate makes it talk")
    if kind not in (Kind.VIDEO, Kind.CLIP):
        raise BadInput(f"{shown}: {kind}, not a video")
    if other not in (Kind.AUDIO, Kind.VIDEO, Kind.CLIP):
        raise BadInput(f"{heard}: {other}, not a recording of speech")
    return Material(video, sound, (shown, heard), kind is Kind.CLIP, read_provenance(video))


@dataclass(frozen=True)
class Engine:
    """A model, and the editor that it is for videos."""

    loaded: Loaded
    editor: Editor


def engine_of(wish: Syncing) -> Engine:
    """The editor, its model loaded once a process."""
    from lipkit import registry

    loaded = load(wish.model, "sync")
    assert loaded.family.editor is not None, f"{loaded.family.name} syncs without an editor"
    build = registry.load(loaded.family.editor)
    # The driver edits in threads of its own, as many chunks at once.
    return Engine(loaded, build(loaded.module, loaded.config.sampling, seed=wish.seed, threads=1))


def record_of(wish: Syncing, material: Material, engine: Engine) -> dict[str, Any]:
    """How the result was made; everything that it depends on is in it."""
    settings: dict[str, Any] = {
        name: getattr(wish, name)
        for name in ("face", "on_missing", "length", "extend", "keep_audio", "seed")
    }
    settings |= wish.model.record
    if wish.speaker_map is not None:
        settings["speakers"] = provenance.digest(Path(wish.speaker_map))
    shown, heard = material.names
    inputs = [
        provenance.source(shown, material.video, material.history),
        provenance.source(heard, material.sound),
    ]
    return provenance.record("sync", settings, inputs, engine.loaded.digests)
