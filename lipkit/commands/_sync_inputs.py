"""What ``sync`` works on: the two inputs of an item, opened and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lipkit import provenance, ui
from lipkit.commands._model import load
from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lipkit.commands._batch import Item
    from lipkit.commands.sync import Syncing
    from lipkit.models import Loaded
    from lipkit.protocols import Editor
    from lipkit.sync.cast import Part


@dataclass(frozen=True)
class Material:
    """A video and what is heard; ``names`` are what the user calls them.

    ``track`` is the sound that the result carries, if any; ``voices`` are the sounds of single
    speakers, by name.
    """

    video: Path
    sound: Path
    names: tuple[str, str]
    track: Path | None
    in_crops: bool = False  # the video is a clip of crops
    history: Mapping[str, Any] = field(default_factory=dict)  # how the video was made
    voices: Mapping[str, Path] = field(default_factory=dict)


def open_material(stack: ExitStack, wish: Syncing, item: Item) -> Material:
    """All inputs of an item; BadInput for files that cannot be what they should be."""
    from lipkit.artifacts.clip import read_provenance
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.source import open_source

    shown, heard = item.inputs
    if [*item.inputs, wish.audio].count("-") > 1:
        raise BadUsage("only one input can be -")
    video, sound = (stack.enter_context(open_source(name)) for name in (shown, heard))
    kind = sniff(video)
    if kind is Kind.IMAGE:
        raise BadInput(f"{shown}: a picture, not a video", hint="lipkit animate makes it talk")
    if kind not in (Kind.VIDEO, Kind.CLIP):
        raise BadInput(f"{shown}: {kind}, not a video")
    own = sorted({part.sound for part in wanted(wish) if part.sound is not None})
    voices = {name: stack.enter_context(open_source(name)) for name in own}
    for name, path in {heard: sound, **voices}.items():
        require_speech(path, name)
    return Material(
        video=video,
        sound=sound,
        names=(shown, heard),
        track=stack.enter_context(track_to(wish, sound, heard)),
        in_crops=kind is Kind.CLIP,
        history=read_provenance(video),
        voices=voices,
    )


def require_speech(path: Path, name: str) -> None:
    """BadInput for a file that lips cannot be made to follow."""
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.sync.sound import RECORDINGS

    kind = sniff(path)
    if kind not in (*RECORDINGS, Kind.FEATURES, Kind.MOTION):
        raise BadInput(f"{name}: {kind}, not a recording of speech")


@contextmanager
def track_to(wish: Syncing, sound: Path, name: str) -> Iterator[Path | None]:
    """What is to be heard beside ``sound``, called ``name``: itself, unless the wish says else.

    Motion may carry some sound; features carry none.
    """
    from lipkit.artifacts.motion import read_motion
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.probe import probe
    from lipkit.media.soundtrack import unpack_sound
    from lipkit.media.source import open_source

    kind = sniff(sound)
    with ExitStack() as stack:
        track: Path | None = None
        if wish.audio is not None:
            track = stack.enter_context(open_source(wish.audio))
            if probe(track).audio is None:
                raise BadInput(f"{wish.audio}: no sound in this file")
        elif kind is Kind.MOTION:
            packed = stack.enter_context(unpack_sound(read_motion(sound).sound))
            track = packed.path if packed else None
        elif kind is not Kind.FEATURES:
            track = sound
        if track is None and wish.keep_audio == "mix":
            raise BadUsage(f"{name}: no sound in it to mix", hint="--audio names some")
        if track is None:
            ui.warn(f"{name}: no sound in it, so the result is silent; --audio names some")
        yield track


def wanted(wish: Syncing) -> tuple[Part, ...]:
    """Who is to speak, when, and by which sound."""
    from lipkit.sync.cast import Part, read_speaker_map

    if wish.speaker_map is None:
        return (Part(wish.face),)
    return read_speaker_map(Path(wish.speaker_map))


@runtime_checkable
class Borrowing(Protocol):
    """An editor that uses stored weights beside its model's own."""

    digests: Mapping[str, str]


@dataclass(frozen=True)
class Engine:
    """A model, and the editor that it is for videos."""

    loaded: Loaded
    editor: Editor

    @property
    def digests(self) -> dict[str, str]:
        """Digests of all weights that shape the result, by name."""
        borrowed = self.editor.digests if isinstance(self.editor, Borrowing) else {}
        return {**self.loaded.digests, **borrowed}


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
        provenance.source(heard, material.sound, history_of(material.sound)),
        *(provenance.source(name, path) for name, path in material.voices.items()),
    ]
    if wish.audio is not None and material.track is not None:
        inputs.append(provenance.source(wish.audio, material.track))
    return provenance.record("sync", settings, inputs, engine.digests)


def history_of(path: Path) -> Mapping[str, Any]:
    """How an artifact was made; nothing is known of other files."""
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.artifacts.tensors import read_header

    kind = sniff(path)
    if kind not in (Kind.FEATURES, Kind.MOTION):
        return {}
    history: Mapping[str, Any] = read_header(path, kind).get("provenance", {})
    return history
