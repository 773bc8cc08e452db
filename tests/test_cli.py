"""Every way a command line can end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from lipkit import cli, ui
from lipkit.errors import BadInput, ExitStatus, LipkitError, WeightsError


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | int | None], None]:
    """Puts a verb ``act`` into the table that ends as told."""

    def install(end: BaseException | int | None) -> None:
        @click.command()
        def act() -> int | None:
            if isinstance(end, BaseException):
                raise end
            return end

        monkeypatch.setattr(ui, "settings", ui.Settings())
        monkeypatch.setitem(cli.VERBS, "act", cli.Verb("Look", "Act.", "unused:unused"))
        monkeypatch.setattr(cli, "load", lambda _: act)

    return install


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (None, ExitStatus.OK),
        (3, ExitStatus.PARTIAL),
        (LipkitError("went wrong"), ExitStatus.FAILED),
        (BadInput("dog.jpg: no face"), ExitStatus.BAD_INPUT),
        (WeightsError("no weights"), ExitStatus.WEIGHTS),
        (KeyboardInterrupt(), ExitStatus.INTERRUPTED),
        (cli.Terminated(), ExitStatus.TERMINATED),
        (OSError(28, "No space left on device", "a.mp4"), ExitStatus.FAILED),
        (MemoryError(), ExitStatus.FAILED),
        (ZeroDivisionError("division by zero"), ExitStatus.FAILED),
    ],
)
def test_every_end_has_its_status(
    verb: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    end: BaseException | int | None,
    status: ExitStatus,
) -> None:
    verb(end)
    assert cli.run(["act"]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") <= 1
    assert "Traceback" not in said.err
    if isinstance(end, LipkitError):
        assert str(end) in said.err


def test_debug_shows_where(
    verb: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verb(BadInput("dog.jpg: no face"))
    monkeypatch.setattr(ui, "settings", ui.Settings(debug=True))
    assert cli.run(["act"]) == ExitStatus.BAD_INPUT
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["animte"], "did you mean animate"),
        (["--nonsense"], "No such option"),
        (["animate", "--forse"], "--force"),
    ],
)
def test_wrong_usage_helps(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert cli.run(arguments) == ExitStatus.USAGE
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("flag", ["-h", "--help", "-V", "--version"])
def test_asking_is_no_failure(capsys: pytest.CaptureFixture[str], flag: str) -> None:
    assert cli.run([flag]) == ExitStatus.OK
    said = capsys.readouterr()
    assert "lipkit" in said.out
    assert said.err == ""


def loud(signal_number: int | None = None) -> str:
    """A program whose verb prints without end, or sends itself a signal."""
    act = f"os.kill(os.getpid(), {signal_number})" if signal_number else "print('x' * 1000)"
    return (
        "import os, signal, time, click\nfrom lipkit import cli\n"
        # Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"@click.command()\ndef act():\n    while True:\n        {act}\n"
        "cli.VERBS['act'] = cli.Verb('Look', 'Act.', '')\ncli.load = lambda _: act\n"
        "cli.main(['act'])\n"
    )


def test_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", loud()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()
    assert process.returncode == ExitStatus.BROKEN_PIPE
    assert error == b""


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, ExitStatus.INTERRUPTED), (signal.SIGTERM, ExitStatus.TERMINATED)],
)
def test_signals_end_quietly(number: int, status: ExitStatus) -> None:
    done = subprocess.run(
        [sys.executable, "-c", loud(int(number))], capture_output=True, check=False
    )
    assert done.returncode == status
    assert done.stderr == b""


def test_main_exits_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.delenv("_LIPKIT_COMPLETE", raising=False)
    try:
        with pytest.raises(SystemExit) as end:
            cli.main(["--nonsense"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert end.value.code == ExitStatus.USAGE


def test_completion_offers_the_verbs() -> None:
    environment = os.environ | {
        "_LIPKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": "lipkit ani",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "lipkit"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "plain,animate" in done.stdout
