"""Fetching weights from the Hugging Face hub or an address, and taking them into the store."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lipkit import provenance
from lipkit.errors import WeightsError
from lipkit.models.parts import weights
from lipkit.models.parts.weights import WeightSet, remedy

if TYPE_CHECKING:
    from torch import Tensor

    from lipkit.models.parts.foreign import Checkpoint

SHA256 = re.compile("[0-9a-f]{64}")


def pull(wanted: WeightSet, *, offline: bool = False) -> Path:
    """Fetch a weight set, check it and store it; what the hub's own cache holds is not fetched."""
    if not wanted.repository and not wanted.url:
        raise WeightsError(f"{wanted.name} cannot be fetched by itself", hint=remedy(wanted.name))
    with TemporaryDirectory(prefix="lipkit-") as spool:
        if wanted.repository:
            files = {name: fetch(wanted, name, offline) for name in wanted.files}
        else:
            files = {wanted.files[0]: download(wanted, Path(spool), offline)}
        for name, path in files.items():
            check(wanted, name, path)
        first = files[wanted.files[0]]
        root = first.parents[wanted.files[0].count("/")]  # .../snapshots/<commit>
        origin = {
            "file": first.name,
            "sha256": provenance.digest(first),
            "licence": wanted.licence,
        }
        if wanted.repository:
            known = re.fullmatch("[0-9a-f]{40}", root.name)
            origin |= {"repository": wanted.repository}
            origin |= {"revision": root.name if known else "unknown"}
        else:
            origin |= {"url": wanted.url}
        return take(wanted, root, origin)


def download(wanted: WeightSet, folder: Path, offline: bool) -> Path:
    """The one file of a weight set that lies at an address, brought into ``folder``."""
    from torch.hub import download_url_to_file

    target = folder / wanted.files[0]
    where = f"{wanted.name}: {wanted.url}"
    if offline:
        hint = "fetch it elsewhere and `lipkit models import FILE`"
        raise WeightsError(f"{where} is out of reach, for this is offline", hint=hint)
    try:
        download_url_to_file(wanted.url, str(target), progress=False)
    except OSError as problem:  # urllib's errors are of this kind
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        hint = "is the network there? Or fetch it elsewhere and `lipkit models import FILE`"
        raise WeightsError(f"{where}: {reason}", hint=hint) from None
    return target


def fetch(wanted: WeightSet, name: str, offline: bool) -> Path:
    """One file of a weight set, brought here; an interrupted download goes on where it stopped."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # it tells of every retry; our one line says how it ended
    offline = offline or bool(os.environ.get("HF_HUB_OFFLINE"))
    where = f"{wanted.name}: {name} of {wanted.repository}"
    try:
        return Path(hf_hub_download(wanted.repository, name, local_files_only=offline))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        reason = "is not in the cache, and this is offline" if offline else "is out of reach"
        hint = "fetch it elsewhere and `lipkit models import FILE`"
        if not offline:
            hint = f"is the network there? Or {hint}"
        raise WeightsError(f"{where} {reason}", hint=hint) from None
    except (OSError, HfHubHTTPError.__mro__[1]) as problem:  # the latter is its transport's error
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise WeightsError(f"{where}: {reason}", hint="is the network there?") from None


def check(wanted: WeightSet, name: str, path: Path) -> None:
    """Compare a fetched file with the digest that we know and the one that the hub gave it."""
    blob = path.resolve().name  # the hub's cache names large files by their SHA-256
    expected = {wanted.digests[name]} if name in wanted.digests else set()
    expected |= {blob} if SHA256.fullmatch(blob) else set()
    found = provenance.digest(path) if expected else ""
    for other in sorted(expected):
        if not found.startswith(other):
            raise WeightsError(
                f"{wanted.name}: {path} has digest {found[:12]}, expected {other[:12]}",
                hint=f"delete {path.resolve()} and pull again",
            )


def take(wanted: WeightSet, source: Path, origin: dict[str, str]) -> Path:
    """Convert a checkpoint, file or folder, into the store, and say where it lies.

    Files that are kept as they are must be what the catalogue knows, where it knows a digest.
    """
    from lipkit.models.parts.foreign import read_checkpoint

    wanted.path.parent.mkdir(parents=True, exist_ok=True)
    if wanted.keep:
        file = source / wanted.files[0] if source.is_dir() else source
        check(wanted, wanted.files[0], file)
        weights.keep(file, wanted.path, name=wanted.name, origin=origin)
        return wanted.path
    if wanted.together:
        found = [read_checkpoint(part) for part in parts(wanted, source)]
        tensors, config = import_module(wanted.module).adopt(found, wanted)
    else:
        one = read_checkpoint(source, [n for n in wanted.files if not n.endswith(".json")])
        tensors, config = adopted(one, wanted)
    weights.store(tensors, wanted.path, name=wanted.name, config=config, origin=origin)
    return wanted.path


def adopted(found: Checkpoint, wanted: WeightSet) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A checkpoint in our names, and its settings; WeightsError says what it would fit instead."""
    made: tuple[dict[str, Tensor], dict[str, Any]]
    try:
        made = import_module(wanted.module).adopt(found, wanted)
    except WeightsError as problem:
        others = fitting(found)
        hint = f"they fit {' and '.join(others)}: give --name" if others else problem.hint
        raise WeightsError(problem.message, hint=hint) from None
    return made


def fitting(found: Checkpoint) -> list[str]:
    """The weight sets of which one file holds just what is in ``found``, name by name."""
    names = []
    for name, other in weights.catalogue().items():
        if other.keep or other.together:
            continue
        try:
            import_module(other.module).adopt(found, other)
        except WeightsError:
            continue
        names.append(name)
    return names


def parts(wanted: WeightSet, folder: Path) -> list[Path]:
    """The files of a weight set in ``folder``, laid out as its makers do, or flat."""
    if not folder.is_dir():
        raise WeightsError(
            f"{folder}: {wanted.name} is made of {len(wanted.files)} files",
            hint=f"give a folder with {', '.join(Path(name).name for name in wanted.files)}",
        )
    found = []
    for name in wanted.files:
        tails = [Path(*Path(name).parts[i:]) for i in range(len(Path(name).parts))]
        file = next((folder / tail for tail in tails if (folder / tail).is_file()), None)
        if file is None:
            raise WeightsError(f"{folder}: {Path(name).name} is missing")
        found.append(file)
    return found


def recognise(path: Path) -> WeightSet | None:
    """The weight set whose original this is, known by the digest of its one file."""
    found = weights.digest_of(path)
    every = weights.catalogue().values()
    digests = {w.name: (*w.known, *w.digests.values()) for w in every}
    return next((w for w in every if found.startswith(digests[w.name] or ("none",))), None)


def named_like(path: Path) -> WeightSet | None:
    """The weight set whose original bears this file's name; a guess, for messages."""
    every = weights.catalogue().values()
    return next((w for w in every if Path(w.files[0]).name == path.name), None)
