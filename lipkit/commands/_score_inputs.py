"""What ``score`` looks at: clips, each with its reference and sound, and the set of references."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lipkit import ui
from lipkit.commands import _batch
from lipkit.commands._batch import Item
from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.artifacts.sniff import Kind
    from lipkit.metrics.choice import Given

VIDEO_NAMES = frozenset({
    ".mp4", ".m4v", ".mkv", ".mov", ".webm", ".avi", ".mpg", ".mpeg", ".flv", ".wmv", ".3gp",
})  # fmt: skip


@dataclass(frozen=True)
class Take(Item):
    """A clip, and what it is scored with.

    ``real`` ones belong to the reference set. Of those and of ``only_sets`` no line is wanted, but
    what set metrics keep.
    """

    clip: str = ""
    reference: str | None = None
    sound: str | None = None
    real: bool = False
    only_sets: bool = False


@dataclass(frozen=True)
class Material:
    """All clips, all videos of the reference set, and what that allows."""

    takes: tuple[Take, ...]
    real: tuple[Take, ...]
    given: Given


def gather(
    inputs: Sequence[str],
    *,
    files_from: str | None,
    null: bool,
    pairs: str | None,
    reference: str | None,
    audio: str | None,
) -> Material:
    """The clips that the command line names, paired with references and sounds."""
    from lipkit.artifacts.sniff import Kind
    from lipkit.metrics.choice import Given

    if pairs is not None:
        if inputs or files_from or reference:
            raise BadUsage("--pairs excludes other inputs and --reference")
        triples = [(c, r, a or audio) for c, r, a in read_pairs(pairs)]
        real = {r: kind_of(r) for _, r, _ in triples if r is not None}
    else:
        every = [
            *inputs,
            *(_batch.read_names(files_from, "--files-from", null=null) if files_from else ()),
        ]
        names = list(dict.fromkeys(name for given in every for name in clips_in(given)))
        if not names:
            raise BadUsage("nothing to do: no videos given")
        partner, real = references(reference, names)
        sounds = by_stem(audio, names, "--audio") if audio else {}
        triples = [(name, partner.get(name), sounds.get(name)) for name in names]
    videos = [name for name, kind in real.items() if kind is not Kind.IMAGE]
    takes = dict.fromkeys(take_of(*triple) for triple in triples)
    given = Given(bool(videos), len(real) > len(videos), len(takes) > 1)
    return Material(
        tuple(takes),
        tuple(Take((name,), "-", clip=name, real=True) for name in videos),
        given,
    )


def given_by(reference: str | None) -> Given:
    """What references there are, whatever the clips."""
    from lipkit.artifacts.sniff import Kind
    from lipkit.metrics.choice import Given

    _, real = references(reference, ())
    pictures = [name for name, kind in real.items() if kind is Kind.IMAGE]
    return Given(len(real) > len(pictures), bool(pictures))


def take_of(clip: str, reference: str | None, sound: str | None) -> Take:
    """A clip to score; its inputs tell it from all others."""
    inputs = (clip, reference or "", sound or "")
    return Take(inputs, "-", clip=clip, reference=reference, sound=sound)


def read_pairs(path: str) -> list[tuple[str, str | None, str | None]]:
    """Clip, reference and sound of each line: tabs between, or JSON with those keys."""
    found = []
    for number, line in enumerate(_batch.read_names(path, "--pairs"), 1):
        try:
            row = json.loads(line) if line.startswith("{") else line.split("\t")
            if isinstance(row, dict):
                row = [row["clip"], row.get("reference"), row.get("audio")]
            clip, other, sound = [*row, None, None][:3]
            if not clip or len(row) > 3:
                raise ValueError(line)
        except (ValueError, KeyError):
            raise BadUsage(
                f"--pairs {path}: line {number} is no pair", hint="clip, tab, reference, tab, audio"
            ) from None
        found.append((str(clip), str(other) if other else None, str(sound) if sound else None))
    return found


def clips_in(name: str) -> list[str]:
    """The file itself, or the videos in a folder, with those that only bear a video's name.

    The latter fail by themselves: a clip that broke on the way must not go unnoticed.
    """
    from lipkit.artifacts.sniff import Kind

    if name == "-" or not Path(name).is_dir():
        return [name]
    usable = of_kinds(name, (Kind.VIDEO, Kind.CLIP))
    found = [inside for inside in _batch.expand(name) if inside in usable or named_video(inside)]
    if not found:
        raise BadInput(f"{name}: no video in this folder")
    return found


def named_video(name: str) -> bool:
    """Whether the name of a file says that it is a video."""
    return Path(name).suffix.lower() in VIDEO_NAMES


def of_kinds(folder: str, kinds: Iterable[Kind]) -> dict[str, Kind]:
    """The files in a folder that are of those kinds."""
    from lipkit.artifacts.sniff import sniff

    inside = [name for name in _batch.expand(folder) if Path(name).stat().st_size]
    found = {name: sniff(Path(name)) for name in inside}
    return {name: kind for name, kind in found.items() if kind in kinds}


def kind_of(name: str) -> Kind:
    """Whether a reference is a picture or a video; BadInput if it is neither."""
    from lipkit.artifacts.sniff import Kind, sniff

    kind = sniff(Path(name))
    if kind not in (Kind.IMAGE, Kind.VIDEO, Kind.CLIP):
        raise BadInput(f"{name}: {kind}, neither a video nor a picture to compare with")
    return kind


def references(
    reference: str | None, names: Sequence[str]
) -> tuple[dict[str, str], dict[str, Kind]]:
    """The reference of each clip that has one, and every reference with its kind."""
    from lipkit.artifacts.sniff import Kind

    if reference is None:
        return {}, {}
    if not Path(reference).is_dir():
        return dict.fromkeys(names, reference), {reference: kind_of(reference)}
    every = of_kinds(reference, (Kind.IMAGE, Kind.VIDEO, Kind.CLIP))
    if not every:
        raise BadInput(f"{reference}: no video or picture in this folder")
    partner = paired(names, every, "--reference")
    for name in names:
        if name not in partner:
            ui.warn(f"{name}: no reference of this name in {reference}")
    return partner, every


def by_stem(folder: str, names: Sequence[str], option: str) -> dict[str, str]:
    """The file that ``option`` names for every clip, or those in a folder by their names."""
    if not Path(folder).is_dir():
        if not Path(folder).exists():
            raise BadInput(f"{option} {folder}: no such file")
        return dict.fromkeys(names, folder)
    found = paired(names, _batch.expand(folder), option)
    for name in names:
        if name not in found:
            ui.warn(f"{name}: no sound of this name in {folder}; its own is heard")
    return found


def paired(names: Sequence[str], others: Iterable[str], option: str) -> dict[str, str]:
    """For each name the other of the same stem, if there is one; two are the user's to sort out."""
    stems = defaultdict(list)
    for other in others:
        stems[Path(other).stem].append(other)
    found = {}
    for name in names:
        same = stems.get(Path(name).stem, [])
        if len(same) > 1:
            raise BadUsage(
                f"{option}: {' and '.join(same[:2])} both fit {name}", hint="pair them by --pairs"
            )
        if same:
            found[name] = same[0]
    return found
