"""Running the speech synthesizers' programs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from lipkit.errors import LipkitError

TIMEOUT = 300.0  # seconds; a synthesizer that hangs must not hang a training


def require(program: str, package: str) -> None:
    """Raise LipkitError unless ``program`` is on the search path."""
    if shutil.which(program) is None:
        raise missing(program, package)


def missing(program: str, package: str) -> LipkitError:
    """The error that says how to get a synthesizer."""
    return LipkitError(f"{program} is not installed", hint=f"Debian: apt-get install {package}")


def output(arguments: Sequence[str]) -> str:
    """What a program writes to standard output, undecodable bytes replaced.

    Synthesizers stumble over single sentences; the caller drops what did not come out.
    """
    try:
        done = subprocess.run(arguments, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace")
