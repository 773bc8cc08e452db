"""Speech of a text: how it is to sound, and the file that holds it."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import click

from lipkit import provenance
from lipkit.commands import _options
from lipkit.errors import BadInput

FILE = "said.wav"  # what the speech is called in names of results and in records
SPREAD = 50  # of the pitch: the synthesizer's own


def voice(help: str) -> _options.Decorator:
    """The ``--voice`` option."""
    return click.option("--voice", default="en-us", show_default=True, help=help)


options: _options.Decorator = _options.chain(
    voice("A language, and a variant behind a plus, as --voices lists them."),
    click.option(
        "--rate",
        type=click.IntRange(80, 450),
        default=160,
        show_default=True,
        help="Words a minute.",
    ),
    click.option(
        "--pitch",
        type=click.IntRange(0, 100),
        default=50,
        show_default=True,
        help="How high the voice is.",
    ),
)
text: _options.Decorator = _options.chain(
    click.option("--text", help="Speak this text instead of a SOUND; - reads it from stdin."),
    voice("Who speaks --text; `lipkit say --voices` lists them."),
)


@dataclass(frozen=True)
class Speaking:
    """How a text is to sound."""

    voice: str = "en-us"
    rate: int = 160  # words a minute
    pitch: int = 50


def words_of(text: str) -> str:
    """The text itself, or what stdin says for -; BadInput if that is nothing to say."""
    if text == "-":
        from lipkit.media.source import open_source

        with open_source(text) as path:
            try:
                text = path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as problem:
                raise BadInput(f"standard input: no text in UTF-8: {problem.reason}") from None
    if not any(sign.isalnum() for sign in text):
        raise BadInput("nothing to say: the text has neither letters nor digits")
    return text


def write(text: str, speaking: Speaking, output: str) -> None:
    """Write the speech to a file, whole or not at all, or to stdout."""
    import io

    from lipkit.media.target import open_target

    if output == "-":
        made = io.BytesIO()
        speak(text, speaking, made)
        sys.stdout.buffer.write(made.getbuffer())
        return
    with open_target(Path(output)) as part, part.open("wb") as file:
        speak(text, speaking, file)


def speak(text: str, speaking: Speaking, file: BinaryIO) -> None:
    """Write the speech as WAV; its comment says how it was made."""
    import soundfile

    from lipkit.audio.espeak import bundled

    program = bundled()
    sound, _ = program.say(
        text, speaking.voice, rate=speaking.rate, pitch=speaking.pitch, spread=SPREAD
    )
    if not len(sound):
        raise BadInput(f"nothing of the text can be said by {speaking.voice}")
    settings = {**asdict(speaking), "espeak-ng": program.version}
    said = {"name": "text", "sha256": hashlib.sha256(text.encode()).hexdigest()}
    with soundfile.SoundFile(file, "w", program.rate, 1, "PCM_16", format="WAV") as made:
        made.comment = provenance.compact(provenance.record("say", settings, [said]))
        made.write(sound)


@contextmanager
def spoken(text: str, speaking: Speaking) -> Iterator[str]:
    """The name of a file that holds the speech for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        path = Path(folder) / FILE
        write(words_of(text), speaking, str(path))
        yield str(path)
