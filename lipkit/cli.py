"""The command line: a table of verbs, loaded when called, and errors turned into exit statuses."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

import click

from lipkit import __version__, ui
from lipkit.errors import ExitStatus, LipkitError
from lipkit.registry import load, nearest


@dataclass(frozen=True)
class Verb:
    """A row of the command table: its heading, its one-line help and where it lives."""

    heading: str
    help: str
    path: str


VERBS = {
    "animate": Verb(
        "Make videos",
        "Make a portrait talk.",
        "lipkit.commands.animate:animate",
    ),
    "sync": Verb(
        "Make videos",
        "Give a video other lips.",
        "lipkit.commands.sync:sync",
    ),
    "render": Verb(
        "Make videos",
        "Turn motion, crops or latents into a video.",
        "lipkit.commands.render:render",
    ),
    "align": Verb(
        "Prepare",
        "Cut aligned face crops out of videos and pictures.",
        "lipkit.commands.align:align",
    ),
    "say": Verb(
        "Prepare",
        "Speak a text.",
        "lipkit.commands.say:say",
    ),
    "embed-audio": Verb(
        "Prepare",
        "Turn sound into features.",
        "lipkit.commands.embed_audio:embed_audio",
    ),
    "score": Verb(
        "Measure",
        "Measure videos by every metric of the field.",
        "lipkit.commands.score:score",
    ),
    "train": Verb(
        "Train",
        "Train a model family, stage by stage.",
        "lipkit.commands.train:train",
    ),
    "models": Verb(
        "Look",
        "List, show, fetch and check models and their weights.",
        "lipkit.commands.models:models",
    ),
    "info": Verb(
        "Look",
        "Say what a file is and how it was made.",
        "lipkit.commands.info:info",
    ),
}

EPILOG = """\
Exit status: 0 done; 1 failed; 2 wrong usage; 3 some items of a batch failed; 4 unusable input;
5 weights missing or not fitting; 130 interrupted; 141 broken pipe; 143 terminated.
"""


class Terminated(KeyboardInterrupt):
    """SIGTERM: unwinds and cleans up like Ctrl-C."""


class VerbGroup(click.Group):
    """A click group that imports a verb's module only when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command behind a verb."""
        return load(VERBS[cmd_name].path) if cmd_name in VERBS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb called; an unknown one names the nearest that exists."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            guess = nearest(args[0], list(VERBS))
            hint = f"did you mean {guess}?" if guess else "`lipkit --help` lists the verbs"
            raise click.UsageError(f"no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command table under its headings, without importing any command."""
        for heading in dict.fromkeys(verb.heading for verb in VERBS.values()):
            rows = [(name, v.help) for name, v in VERBS.items() if v.heading == heading]
            with formatter.section(heading):
                formatter.write_dl(rows)


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the versions that a bug report needs, and stop."""
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    from lipkit.media.ffmpeg import version as ffmpeg_version

    click.echo(f"lipkit {__version__} (torch {version('torch')}, ffmpeg {ffmpeg_version()})")
    ctx.exit()


@click.group(
    cls=VerbGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the versions of lipkit, torch and ffmpeg.",
)
@click.pass_context
def lipkit(ctx: click.Context) -> None:
    """Talking faces from sound, in stages that pipe.

    \b
    lipkit animate face.jpg speech.wav -o talk.mp4
    lipkit align talk.mp4 -o - | lipkit info -
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    signal.signal(signal.SIGTERM, terminate)
    if "_LIPKIT_COMPLETE" in os.environ:
        lipkit.main(prog_name="lipkit")
    status = run(sys.argv[1:] if arguments is None else list(arguments))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = broken_pipe()
    sys.exit(int(status))


def terminate(_: int, __: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that everything cleans up after itself."""
    raise Terminated


def run(arguments: list[str]) -> int:
    """Run one command line; every way it can end becomes an exit status."""
    ui.listen()
    try:
        with lipkit.make_context("lipkit", arguments) as context:
            result: Any = lipkit.invoke(context)
            return int(result) if isinstance(result, int) else ExitStatus.OK
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as problem:
        return explain_usage(problem)
    except LipkitError as problem:
        return explain(problem, str(problem), problem.status)
    except BrokenPipeError:
        return broken_pipe()
    except Terminated:
        return ExitStatus.TERMINATED
    except (KeyboardInterrupt, click.Abort):
        return ExitStatus.INTERRUPTED
    except MemoryError as problem:
        return explain(problem, "out of memory", ExitStatus.FAILED)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return explain(problem, f"{where}{problem.strerror or problem}", ExitStatus.FAILED)
    except Exception as problem:  # noqa: BLE001 -- the one place where a bug becomes a line
        text = f"{type(problem).__name__}: {problem}".splitlines()[0]
        return explain(problem, f"{text} (a bug; --debug shows where)", ExitStatus.FAILED)


def explain(problem: BaseException, line: str, status: ExitStatus) -> ExitStatus:
    """Show a failure as one line, or with its traceback under ``--debug``."""
    if ui.settings.debug:
        traceback.print_exception(problem)
    ui.error(" ".join(line.split()))
    return status


def explain_usage(problem: click.ClickException) -> ExitStatus:
    """Show click's own complaints in the same shape as all others."""
    context = getattr(problem, "ctx", None)
    if context is not None:
        ui.settings.program = context.command_path
    line = problem.format_message().rstrip(".")
    if "; " not in line:
        line += f"; `{ui.settings.program} --help` shows the usage"
    status = ExitStatus.USAGE if isinstance(problem, click.UsageError) else ExitStatus.FAILED
    return explain(problem, line, status)


def broken_pipe() -> ExitStatus:
    """The reader went away: point stdout at nothing, so that the exit stays quiet."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return ExitStatus.BROKEN_PIPE
