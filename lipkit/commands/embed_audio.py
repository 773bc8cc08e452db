"""``lipkit embed-audio``: what an audio encoder hears in a recording."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import click

from lipkit import provenance, ui
from lipkit.commands import _batch, _options
from lipkit.errors import BadInput, BadUsage
from lipkit.registry import ENCODERS, resolve

TRANSFORMERS = ("weights", "layers", "device")
# which options an encoder obeys; any other is refused rather than ignored
OBEYS = {
    "mel": (),
    "whisper": (*TRANSFORMERS, "joints"),
    "wav2vec2": (*TRANSFORMERS, "fps"),
    "hubert": (*TRANSFORMERS, "fps"),
}


@dataclass(frozen=True)
class Embedding:
    """Which encoder hears each input, and how; works on one item at a time."""

    encoder: str
    options: tuple[tuple[str, str], ...]

    def __call__(self, item: _batch.Item) -> dict[str, Any]:
        """Encode the sound of one input; what came of it."""
        from lipkit.artifacts.features import write_features
        from lipkit.audio.streams import embed
        from lipkit.media.audio import wave_chunks
        from lipkit.media.probe import probe
        from lipkit.media.source import open_source

        name = item.inputs[0]
        with open_source(name) as path:
            encoder = encoder_of(self.encoder, self.options)
            length = probe(path).duration
            total = round(length * encoder.rate) if length else None
            with ui.progress(total, f"listening to {name}", "steps") as bar:
                features = embed(encoder, lambda: wave_chunks(path), bar.advance)
            if not len(features.data):
                raise BadInput(f"{name}: too short: not one step of {self.encoder} fits in it")
            source = provenance.source(name, path)
        target = None if item.output == "-" else Path(item.output)
        kept = list(getattr(encoder, "indices", (0,)))
        write_features(target, features, {"indices": kept, **self.header(source)})
        steps, layers, width = features.data.shape
        silent = 0.0 if features.silence is None else float(features.silence.mean())
        return {
            "encoder": self.encoder,
            "rate": str(features.rate),
            "steps": steps,
            "layers": layers,
            "width": width,
            "duration": round(steps / float(features.rate), 3),
            "silent": round(silent, 3),
        }

    def header(self, source: dict[str, Any]) -> dict[str, Any]:
        """What a file says beyond its features: the source and how it was made."""
        settings = {key: value for key, value in self.options if key not in ("weights", "device")}
        weights = weights_of(self.encoder, dict(self.options).get("weights"))
        record = provenance.record(
            "embed-audio", {"encoder": self.encoder, **settings}, [source], weights
        )
        return {"source": source["sha256"], "provenance": record}


@lru_cache(maxsize=1)
def encoder_of(name: str, options: tuple[tuple[str, str], ...]) -> Any:
    """The encoder, loaded once a process."""
    given: dict[str, Any] = dict(options)
    if "device" in given:
        from lipkit.runtime import choose

        given["device"] = choose(given["device"]).device
    if "fps" in given:
        given["fps"] = _options.frame_rate(given["fps"])
    return resolve(ENCODERS, name, "encoder")(**given)


@lru_cache(maxsize=1)
def weights_of(name: str, given: str | None) -> dict[str, str]:
    """Name and digest of the weights that an encoder uses, if it uses any."""
    from lipkit.models.parts.weights import catalogue, digest_of, locate, read_header

    if name not in catalogue():
        return {}
    return {name: digest_of(Path(given)) if given else read_header(locate(name))["digest"]}


def with_sound(names: list[str]) -> list[str]:
    """The inputs, folders replaced by the files in them that have sound."""
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.probe import probe

    def heard(path: Path) -> bool:
        media = (Kind.AUDIO, Kind.VIDEO, Kind.CLIP)
        return bool(path.stat().st_size) and sniff(path) in media and probe(path).audio is not None

    found = []
    for name in names:
        if name == "-" or not Path(name).is_dir():
            found.append(name)
            continue
        inside = [path for path in _batch.expand(name) if heard(Path(path))]
        if not inside:
            raise BadInput(f"{name}: nothing with sound in this folder")
        found += inside
    return found


def settings_of(encoder: str, options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The options for the encoder, refusing those that it would not obey."""
    if encoder not in ENCODERS:
        resolve(ENCODERS, encoder, "encoder")
    obeyed = OBEYS[encoder.split("-")[0]]
    for name, value in options.items():
        if value is not None and name not in obeyed:
            raise BadUsage(f"--{name} means nothing to the encoder {encoder}")
    if options["fps"] is not None:
        _options.frame_rate(options["fps"])
    given = {**options, "device": options["device"] or ("auto" if "device" in obeyed else None)}
    return tuple((name, value) for name, value in given.items() if value is not None)


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@_options.output
@_options.batch
@_options.force
@click.option(
    "--encoder",
    default="mel",
    show_default=True,
    metavar="NAME",
    help=f"One of: {', '.join(ENCODERS)}. All but the mels need weights (`lipkit models`).",
)
@click.option(
    "--layers",
    metavar="WHICH",
    help="all, last, or numbers like 4,8,12; 0 is what enters the first block. "
    "all has layer 0 for whisper and has it not for wav2vec2 and hubert.",
)
@click.option("--weights", metavar="PATH", help="A weights file or folder instead of the store's.")
@click.option(
    "--fps",
    metavar="RATE",
    help="Resample to video frames inside wav2vec2 or hubert, as Hallo and AniPortrait do.",
)
@click.option(
    "--joints",
    type=click.Choice(["faded", "hard"]),
    help="faded: 30 s windows that overlap, without jumps; hard: as LatentSync's own code.",
)
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")
@_options.common
def embed_audio(inputs: tuple[str, ...], encoder: str, **options: Any) -> int:
    """Turn sound into features.

    Each INPUT, anything with sound in it, becomes a safetensors file of features at the encoder's
    own rate, with a track that says where nobody speaks. Folders stand for the files with sound
    in them; - is standard input.
    """
    files_from, null = options.pop("files_from"), options.pop("null")
    keys = ("output", "out_dir", "jobs", "force", "skip_existing")
    outputs = {key: options.pop(key) for key in keys}
    work = Embedding(encoder, settings_of(encoder, options))
    names = with_sound([*inputs, *_batch.listed((), files_from, null)])
    plan = _batch.plan(
        [(name,) for name in names], suffix=".safetensors", files_from=files_from, **outputs
    )
    return _batch.execute(plan, work)
