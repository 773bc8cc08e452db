"""Write the man pages from the command tree and ``examples.toml``: ``python man/build.py``."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from lipkit import __version__
from lipkit.cli import EPILOG, VERBS, lipkit

HERE = Path(__file__).parent
ENVIRONMENT = {
    "LIPKIT_FFMPEG": "The ffmpeg to run instead of the one that imageio-ffmpeg brings.",
    "LIPKIT_WEIGHTS": "The folder of fetched weights; else lipkit/weights in XDG_DATA_HOME.",
    "HF_HUB_OFFLINE": "If set, models pull takes only what is on this machine already.",
    "NO_COLOR": "If set, messages have no colours.",
}


def context_of(command: click.Command) -> click.Context:
    """A context in which a command describes itself as it does when called."""
    return click.Context(command, help_option_names=["-h", "--help"])


def escape(text: str) -> str:
    """Text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraphs(text: str) -> Iterator[str]:
    """Roff lines of a click docstring; a backspace marks lines to keep as they are."""
    for block in inspect.cleandoc(text).split("\n\n"):
        if block.startswith("\b\n"):
            yield from (".PP", ".nf", escape(block[2:]), ".fi")
        else:
            yield from (".PP", escape(" ".join(block.split())))


def options(command: click.Command) -> Iterator[str]:
    """Roff lines of a command's options, arguments left out."""
    context = context_of(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield from (".TP", f"\\fB{escape(record[0])}\\fR", escape(record[1]))


def environment() -> list[str]:
    """Roff lines of the variables that are looked at."""
    rows = [(".TP", f"\\fB{name}\\fR", escape(text)) for name, text in ENVIRONMENT.items()]
    return [line for row in rows for line in row]


def section(title: str, lines: list[str]) -> list[str]:
    """A section with its heading, or nothing where it is empty."""
    return [f".SH {title}", *lines] if lines else []


def examples(name: str) -> list[str]:
    """Roff lines of the examples of one page."""
    table = tomllib.loads((HERE / "examples.toml").read_text(encoding="utf-8"))
    lines: list[str] = []
    for row in table.get(name.removeprefix("lipkit "), []):
        lines += [".PP", escape(row["does"]), ".PP", ".RS 4", ".nf", escape(row["run"])]
        lines += [".fi", ".RE"]
    return lines


def synopsis(name: str, command: click.Command) -> str:
    """The usage line."""
    pieces = command.collect_usage_pieces(context_of(command))
    return f"\\fB{escape(name)}\\fR {escape(' '.join(pieces))}"


def subcommands(name: str, command: click.Command) -> list[str]:
    """Roff lines of the commands below a group such as ``models``."""
    lines: list[str] = []
    if isinstance(command, click.Group) and name != "lipkit":
        for child_name in command.list_commands(context_of(command)):
            child = command.commands[child_name]
            lines += [f".SS {escape(child_name)}", synopsis(f"{name} {child_name}", child)]
            lines += [*paragraphs(child.help or ""), *options(child)]
    return lines


def verbs() -> list[str]:
    """Roff lines of the command table."""
    lines: list[str] = []
    for heading in dict.fromkeys(verb.heading for verb in VERBS.values()):
        lines.append(f".SS {heading}")
        for name, verb in VERBS.items():
            if verb.heading == heading:
                lines += [".TP", f"\\fBlipkit\\-{escape(name)}\\fR(1)", escape(verb.help)]
    return lines


def page(name: str, command: click.Command, summary: str) -> str:
    """One man page."""
    dashed = name.replace(" ", "-")
    others = ["lipkit"] if name != "lipkit" else [f"lipkit-{verb}" for verb in VERBS]
    see = ", ".join(f"\\fB{escape(other)}\\fR(1)" for other in others)
    lines = [
        f'.TH {dashed.upper()} 1 "" "lipkit {__version__}"',
        *section("NAME", [f"{escape(dashed)} \\- {escape(summary)}"]),
        *section("SYNOPSIS", [synopsis(name, command)]),
        *section("DESCRIPTION", list(paragraphs(command.help or ""))),
        *section("COMMANDS", verbs() if name == "lipkit" else subcommands(name, command)),
        *section("OPTIONS", list(options(command))),
        *section("EXAMPLES", examples(name)),
        *section("ENVIRONMENT", environment() if name == "lipkit" else []),
        *section("EXIT STATUS", [escape(" ".join(EPILOG.removeprefix("Exit status: ").split()))]),
        *section("SEE ALSO", [see]),
    ]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name to text, of every page."""
    context = context_of(lipkit)
    made = {"lipkit.1": page("lipkit", lipkit, "talking faces from sound, in stages that pipe")}
    for name, verb in VERBS.items():
        command = lipkit.get_command(context, name)
        assert command is not None
        summary = verb.help[0].lower() + verb.help[1:].rstrip(".")
        made[f"lipkit-{name}.1"] = page(f"lipkit {name}", command, summary)
    return made


if __name__ == "__main__":
    for file, text in pages().items():
        (HERE / file).write_text(text, encoding="utf-8")
