"""``lipkit say``: speech of a text, offline, for whatever takes a recording."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from lipkit import ui
from lipkit.commands import _batch, _options, _speech
from lipkit.commands._speech import Speaking
from lipkit.errors import BadUsage


@click.command()
@click.argument("text", required=False)
@click.option(
    "-o", "--output", default="-", metavar="FILE", help="Where to write; - is stdout, the default."
)
@_options.force
@_speech.options
@click.option("--voices", is_flag=True, help="List voices instead: languages, then variants.")
@click.option("--json", "as_json", is_flag=True, help="List them as one JSON document.")
@_options.common
def say(text: str | None, output: str, force: bool, **options: Any) -> None:
    """Speak a text.

    Writes a WAV file of TEXT, or of what stdin says where TEXT is -. Voices are those of
    espeak-ng: a language, and a variant of any of them behind a plus, as in en-us+f3. Needs
    the extra tts. Any other program's WAV does as well.

    \b
    lipkit say "Hello" | lipkit animate face.jpg - -o hello.mp4
    lipkit say --voice de+f2 "Guten Tag" -o tag.wav
    """
    voices, as_json = options.pop("voices"), options.pop("as_json")
    if voices or as_json:
        show_voices(as_json)
        return
    if text is None:
        raise BadUsage("nothing to say: no TEXT given", hint="- reads it from stdin")
    _batch.check_output(output, force)
    _speech.write(_speech.words_of(text), Speaking(**options), output)


def show_voices(as_json: bool) -> None:
    """Print the languages and the variants that the synthesizer has."""
    from lipkit.audio import espeak

    program = espeak.bundled()
    languages, variants = program.voices(), program.variants()
    if as_json:
        every = {"voices": languages, "variants": variants}
        lists = {kind: [asdict(voice) for voice in found] for kind, found in every.items()}
        click.echo(json.dumps(lists, indent=2, ensure_ascii=False))
        return
    rows = [(voice.code, voice.name) for voice in languages]
    rows += [(f"+{voice.code}", f"{voice.name}, {voice.gender}") for voice in variants]
    ui.table(("voice", "what"), rows)
