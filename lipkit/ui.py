"""What people read: messages, progress and tables, all on stderr (tables may go to stdout).

The only module that imports rich and tqdm. Progress bars appear on a terminal only; elsewhere
a line every ten seconds says how far the work is.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LINE_SECONDS = 10.0


@dataclass
class Settings:
    """How much to say; set once from the command line."""

    program: str = "lipkit"  # what speaks: "lipkit animate" once the verb is known
    verbosity: int = 0  # -1 quiet, 0 normal, 1 verbose
    debug: bool = False


settings = Settings()


def say(message: str) -> None:
    """A line for people, unless quiet."""
    if settings.verbosity >= 0:
        print(message, file=sys.stderr, flush=True)


def detail(message: str) -> None:
    """A line for those who asked for more with ``-v``."""
    if settings.verbosity >= 1:
        print(message, file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """A line about something that went on, but not as asked."""
    say(f"{settings.program}: {paint('warning', '33')}: {message}")


def error(message: str) -> None:
    """The one line that explains a failure; shown even when quiet."""
    line = f"{settings.program}: {paint('error', '31')}: {message}"
    print(line, file=sys.stderr, flush=True)


class Voice(logging.Handler):
    """Says what the library logs: its warnings to everybody, its notes to those who want more."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say one record."""
        (warn if record.levelno >= logging.WARNING else detail)(record.getMessage())


def listen() -> None:
    """Let people hear what library code logs; for programs, not for library users."""
    log = logging.getLogger("lipkit")
    if not any(isinstance(handler, Voice) for handler in log.handlers):
        log.addHandler(Voice())
        log.setLevel(logging.INFO)
        log.propagate = False


def paint(text: str, code: str) -> str:
    """``text`` in an ANSI colour, where stderr is a terminal that wants colours."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    if plain or not sys.stderr.isatty():
        return text
    return f"\033[{code}m{text}\033[0m"


class Progress:
    """Counts finished units and shows them as a bar or as a line now and then."""

    def __init__(self, total: int | None, what: str, unit: str) -> None:
        self.total, self.what, self.unit = total, what, unit
        self.done = 0
        self.started = self.told = time.monotonic()
        self.bar: Any = None
        if settings.verbosity >= 0 and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=total, desc=what, unit=f" {unit}", file=sys.stderr, leave=False)

    def advance(self, count: int = 1) -> None:
        """``count`` more units are done."""
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        elif time.monotonic() - self.told > LINE_SECONDS:
            self.told = time.monotonic()
            of = f" of {self.total}" if self.total else ""
            rate = self.done / (self.told - self.started)
            say(f"{self.what}: {self.done}{of} {self.unit}, {rate:.1f} a second")

    def say(self, message: str) -> None:
        """A line for people, above the bar."""
        if self.bar is not None:
            self.bar.clear()
        say(message)
        if self.bar is not None:
            self.bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()


@contextmanager
def progress(total: int | None, what: str, unit: str = "frames") -> Iterator[Progress]:
    """A progress display for ``total`` units of work (None: not known)."""
    shown = Progress(total, what, unit)
    try:
        yield shown
    finally:
        shown.close()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout, as wide as its content where stdout is no terminal."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, no_wrap=column != columns[-1])
    for row in rows:
        shown.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 500)
    console.print(shown, markup=False)
