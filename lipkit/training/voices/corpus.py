"""The corpus of spoken sentences on disk: log-mel in several acoustics, and phone times."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from lipkit.errors import BadInput
from lipkit.training.voices.acoustics import variants
from lipkit.training.voices.synthesizers import RATE, SYNTHESIZERS, Utterance, usable
from lipkit.training.voices.visemes import PHONES, SILENCE, Segment

SCHEMA = 1
MANIFEST = "manifest.json"
BATCH = 24  # utterances asked of a synthesizer at once
# Voices that no training sees: two of festival, and two ways of speaking of espeak-ng. Every voice
# kept back costs the networks something on real speakers.
HELD_OUT = ("ked_diphone", "czech_ph", "+f5", "+klatt3")

Mel = NDArray[np.float16]


@dataclass(frozen=True)
class CorpusSpec:
    """What to speak: minutes by each synthesizer, in shards of so many minutes."""

    minutes: tuple[tuple[str, float], ...] = (("espeak", 100), ("flite", 80), ("festival", 130))
    shard_minutes: float = 10.0
    seed: int = 11

    def scaled(self, minutes: float) -> CorpusSpec:
        """The same mixture, ``minutes`` long in all."""
        factor = minutes / sum(length for _, length in self.minutes)
        scaled = tuple((name, length * factor) for name, length in self.minutes)
        shortest = min(length for _, length in scaled)
        return replace(self, minutes=scaled, shard_minutes=min(self.shard_minutes, shortest))

    def shards(self) -> Iterator[tuple[str, int, float]]:
        """``(synthesizer, index, minutes)`` of every shard."""
        for name, minutes in self.minutes:
            whole = max(1, round(minutes / self.shard_minutes))
            for index in range(whole):
                yield name, index, minutes / whole


@dataclass(frozen=True)
class Item:
    """One utterance in one acoustic: log-mel ``(t, 64)`` at 100 Hz, phones, the voice's name."""

    mel: Mel
    segments: list[Segment]
    voice: str

    @property
    def held_out(self) -> bool:
        """Whether the voice is kept for validation."""
        return self.voice.endswith(HELD_OUT)

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.mel) / 100


def build(
    folder: Path,
    spec: CorpusSpec,
    features: Callable[[NDArray[np.float32]], Mel],
    report: Callable[[str], None] = lambda line: None,
) -> Path:
    """Speak whatever shards ``folder`` lacks, and return it.

    Every shard depends on the specification and its index only, so an interrupted build goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = {"schema": SCHEMA, **asdict(spec)}
    manifest = folder / MANIFEST
    if manifest.is_file() and json.loads(manifest.read_text()) != json.loads(json.dumps(stamp)):
        raise BadInput(f"{folder}: holds another corpus", hint="name another run, or delete it")
    manifest.write_text(json.dumps(stamp, indent=1) + "\n")
    for name, index, minutes in spec.shards():
        path = folder / f"{name}-{index:03d}.safetensors"
        if path.is_file():
            continue
        items = list(_speak(name, f"{spec.seed}/{name}/{index}", minutes, features))
        _write(path, items)
        spoken = sum(len(item.mel) for item in items) / 6000
        report(f"{path.name}: {len(items)} utterances, {spoken:.0f} minutes in all acoustics")
    return folder


def _speak(
    name: str, seed: str, minutes: float, features: Callable[[NDArray[np.float32]], Mel]
) -> Iterator[Item]:
    rng = random.Random(seed)
    noise = np.random.default_rng(rng.getrandbits(64))
    spoken = 0.0
    idle = 0  # batches in a row from which nothing came: the synthesizer is broken
    while spoken < minutes * 60:
        utterances = [u for u in SYNTHESIZERS[name](rng, BATCH) if u.segments and usable(u)]
        idle = 0 if utterances else idle + 1
        if idle > 3:
            raise BadInput(f"{name}: speaks no usable sentence", hint="are its voices installed?")
        for utterance in utterances:
            spoken += utterance.seconds
            for wave, segments in variants(_with_silence(utterance, rng), noise):
                yield Item(features(wave), segments, utterance.voice)
            if spoken >= minutes * 60:
                return


def _with_silence(utterance: Utterance, rng: random.Random) -> Utterance:
    """The utterance with up to two seconds of silence around it, for the lips to rest in."""
    before, after = (max(0.0, rng.uniform(-1.0, 2.0)) for _ in range(2))
    padded = np.pad(utterance.wave, (round(before * RATE), round(after * RATE)))
    first, *rest = (
        replace(s, start=s.start + before, end=s.end + before) for s in utterance.segments
    )
    if first.phone == SILENCE:
        segments = [replace(first, start=0.0), *rest]
    else:
        segments = [Segment(0.0, before, SILENCE), first, *rest] if before else [first, *rest]
    last, total = segments[-1], len(padded) / RATE
    if last.phone == SILENCE:
        segments[-1] = replace(last, end=total)
    elif total > last.end + 0.02:
        segments.append(Segment(last.end, total, SILENCE))
    return Utterance(padded, segments, utterance.voice)


def _write(path: Path, items: list[Item]) -> None:
    rows = [
        (s.start, s.end, PHONES.index(s.phone), s.stress) for item in items for s in item.segments
    ]
    tensors = {
        "mel": np.concatenate([item.mel for item in items]),
        "mel_ends": np.cumsum([len(item.mel) for item in items]),
        "segments": np.array(rows, np.float32),
        "segment_ends": np.cumsum([len(item.segments) for item in items]),
    }
    partial = path.with_suffix(".partial")
    header = {"voices": [item.voice for item in items], "phones": PHONES}
    save_file(tensors, partial, metadata={"lipkit": json.dumps(header)})
    partial.rename(path)


def read(folder: Path) -> Iterator[Item]:
    """Every item of the corpus, shard by shard.

    Raises BadInput if the folder holds no corpus, or one of other phones.
    """
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise BadInput(f"{folder}: no corpus shards here", hint="use --data voices:")
    for shard in shards:
        with safe_open(shard, "numpy") as file:
            header: dict[str, Any] = json.loads((file.metadata() or {}).get("lipkit", "{}"))
            if header.get("phones") != list(PHONES):
                raise BadInput(f"{shard}: written with another table of phones", hint="delete it")
            mel, ends = file.get_tensor("mel"), file.get_tensor("mel_ends")
            segments, counts = file.get_tensor("segments"), file.get_tensor("segment_ends")
        mels = np.split(mel, ends[:-1])
        tables = np.split(segments, counts[:-1])
        for rows, table, voice in zip(mels, tables, header["voices"], strict=True):
            yield Item(rows, [_segment(*row) for row in table.tolist()], voice)


def _segment(start: float, end: float, phone: float, stress: float) -> Segment:
    return Segment(start, end, PHONES[int(phone)], stress)
