"""Options that verbs share, so that the same flag means and reads the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol, TypeVar

import click

from lipkit import ui
from lipkit.errors import BadUsage

Command = TypeVar("Command", bound=Callable[..., Any])


class Decorator(Protocol):
    """Adds options to a command."""

    def __call__(self, command: Command, /) -> Command:
        """The same command with the options."""
        ...


class Knob(click.Option):
    """An option that sets a config key; not giving it leaves the preset's value alone."""

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        kwargs["help"] = f"{kwargs.get('help', '')}  [{key}]"
        super().__init__(*args, default=None, **kwargs)
        self.key = key


def knob(
    *flags: str, key: str, help: str, type: Any = None, metavar: str | None = None
) -> Decorator:
    """Decorator for an option that sets the config key ``key``."""
    return click.option(*flags, cls=Knob, key=key, help=help, type=type, metavar=metavar)


def numbers(text: str) -> tuple[float, ...]:
    """The numbers in a text such as 10,-5."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers, such as 10,-5") from None


def numbers_or_name(text: str) -> tuple[float, ...] | str:
    """The numbers in a text, or the text where it begins with none."""
    return numbers(text) if text[:1] in "-+.0123456789" else text


def knob_values(context: click.Context) -> dict[str, Any]:
    """Config key to value, for every knob of the command that was called."""
    knobs = [p for p in context.command.params if isinstance(p, Knob)]
    return {knob.key: context.params[knob.name or ""] for knob in knobs}


def chain(*decorators: Decorator) -> Decorator:
    """Several option decorators as one, listed in help in the order given."""

    def apply(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


def set_verbosity(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Take over ``-q``, ``-v`` and ``--debug``, and remember which verb speaks."""
    ui.settings.program = ctx.command_path
    if value and parameter.name == "debug":
        ui.settings.debug = True
    elif value:
        ui.settings.verbosity = -1 if parameter.name == "quiet" else int(value)


def talk(*flags: str, help: str, **kwargs: Any) -> Decorator:
    """An option about what to say; it never reaches the command itself."""
    return click.option(
        *flags, callback=set_verbosity, expose_value=False, is_eager=True, help=help, **kwargs
    )


common: Decorator = chain(
    talk("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
    talk("-v", "--verbose", count=True, help="Say more."),
    talk("--debug", is_flag=True, help="Show the traceback of an error."),
    click.help_option("-h", "--help", help="Show this message and exit."),
)

output: Decorator = click.option(
    "-o", "--output", metavar="FILE", help="Where to write; - is stdout."
)

force: Decorator = click.option("-f", "--force", is_flag=True, help="Overwrite what exists.")

files_from: Decorator = chain(
    click.option(
        "--files-from", metavar="FILE", help="Read more inputs from FILE, one a line; - is stdin."
    ),
    click.option("-0", "--null", is_flag=True, help="Names in --files-from end in NUL bytes."),
)

jobs: Decorator = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Processes to work in; 0 is one a core.",
)

batch: Decorator = chain(
    click.option(
        "--out-dir", metavar="DIR", help="Write each result there, named after its input."
    ),
    files_from,
    jobs,
    click.option("--skip-existing", is_flag=True, help="Leave out items whose result exists."),
)

settings: Decorator = chain(
    click.option("--config", "config_file", metavar="TOML", help="Settings over the preset's."),
    click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="One setting; may be repeated. sampling.KEY may be written as KEY.",
    ),
)

device: Decorator = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps."
)


def seed(help: str = "Seed of every random number.") -> Decorator:
    """The ``--seed`` option."""
    return click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help=help
    )


def frame_rate(text: str, *also: str) -> Fraction:
    """The frame rate that ``--fps`` names: 25, 29.97 or 30000/1001.

    ``also`` are the words that the option takes beside numbers, for the message.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240:
        words = " or ".join(["a number from 1 to 240, such as 25 or 30000/1001", *also])
        raise BadUsage(f"--fps {text}", hint=words)
    return rate
