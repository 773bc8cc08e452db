"""ffmpeg as a child process: found, fed, drained, and never left behind.

The only module that starts processes. Arguments are lists, names carry the ``file:`` protocol, and
what ffmpeg says goes into the error instead of onto the terminal.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from lipkit.errors import MediaError

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")
# A playlist given as input must not reach the network.
READ_ONLY = ("-protocol_whitelist", "file,pipe,fd")
PIPE_BYTES = 1 << 20

_ORIGIN = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-fA-F]+\] ?)+")
_NOISE = re.compile(
    r"^(Last message repeated|Task finished with error|Terminating thread|Conversion failed"
    r"|Error (muxing|submitting|closing|writing trailer|opening (input|output) files?\b"
    r"|sending frames to consumers|parsing global options|while filtering)"
    r"|Consider increasing|Nothing was written|Could not open encoder before EOF"
    r"|Format \S+ detected only with low score|\s*$)"
)


@cache
def binary() -> str:
    """The ffmpeg to run: ``LIPKIT_FFMPEG``, or the one that imageio-ffmpeg brings or finds."""
    chosen = os.environ.get("LIPKIT_FFMPEG")
    if chosen:
        return chosen
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaError("no ffmpeg found", hint="set LIPKIT_FFMPEG to one") from error


def version() -> str:
    """What the ffmpeg in use calls its version."""
    first = run(["-version"]).split(b"\n", 1)[0].decode("utf-8", "replace")
    return first.removeprefix("ffmpeg version ").split(" ")[0]


def url(path: Path | str) -> str:
    """``path`` as ffmpeg must be told it: no option, no protocol and no pattern can hide in it."""
    return f"file:{path}"


def complaint(stderr: bytes) -> str:
    """What ffmpeg said, on one line: the last distinct messages without addresses and echoes."""
    said: dict[str, None] = {}
    for line in stderr.decode("utf-8", "replace").splitlines():
        text = _ORIGIN.sub("", line.strip()).removeprefix("Error opening input: ")
        if not _NOISE.match(text):
            said[text.rstrip(". ")] = None
    return ": ".join(list(said)[-3:]) or "ffmpeg gave no reason"


def run(args: Sequence[str], *, stdin: bytes | None = None) -> bytes:
    """Standard output of ffmpeg under ``args``; MediaError with its words if it fails."""
    done = finish(args, stdin=stdin)
    if done.returncode:
        raise MediaError(f"ffmpeg failed: {complaint(done.stderr)}")
    return done.stdout


def finish(
    args: Sequence[str], *, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The completed run of ffmpeg, whatever its exit status, for callers who read stderr."""
    try:
        return subprocess.run(
            [binary(), *args],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
    except OSError as error:
        raise _unstartable(error) from error


class Process:
    """A running ffmpeg: bytes in, bytes out, its words kept, killed when the block is left early.

    With ``sink`` a thread hands ffmpeg's output on to that stream; a reader who has gone away
    surfaces as BrokenPipeError in ``write`` or ``close``. ``pipes`` are descriptors that ffmpeg
    inherits, for further inputs.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        feed: bool = False,
        read: bool = False,
        sink: BinaryIO | None = None,
        pipes: Sequence[int] = (),
    ) -> None:
        try:
            # Its own session: Ctrl-C must reach lipkit alone, which then kills ffmpeg, lest
            # ffmpeg finish half a file as if it were whole.
            self._child = subprocess.Popen(
                [binary(), *args],
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE if read or sink else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                pass_fds=pipes,
            )
        except OSError as error:
            raise _unstartable(error) from error
        self._said: deque[bytes] = deque(maxlen=200)
        self._pumped = sink is not None
        self._sink_error: OSError | ValueError | None = None
        self._threads = [threading.Thread(target=self._drain, daemon=True)]
        if sink is not None:
            self._threads.append(threading.Thread(target=self._pump, args=(sink,), daemon=True))
        for stream in (self._child.stdin, self._child.stdout):
            _widen(stream)
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def write(self, data: bytes | memoryview) -> None:
        """Feed all of ``data``; MediaError when ffmpeg has given up, BrokenPipeError for a sink."""
        assert self._child.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._child.stdin.write(view) or 0 :]
        except OSError as error:
            self.kill(gently=True)
            self._raise_sink_error()
            raise MediaError(f"ffmpeg stopped: {self.complaint()}") from error

    def fill(self, out: NDArray[Any]) -> int:
        """Read into ``out`` until it is full or the stream ends; the number of bytes read."""
        assert self._child.stdout is not None
        view = out.data.cast("B")
        done = 0
        while done < len(view):
            got = self._child.stdout.readinto(view[done:])  # type: ignore[attr-defined]
            if not got:
                break
            done += got
        return done

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end of the stream."""
        assert self._child.stdout is not None
        return self._child.stdout.read(size)

    def close(self) -> int:
        """End the input, wait for ffmpeg and return its exit status; BrokenPipeError for a sink."""
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        if self._child.stdout is not None and not self._pumped:
            self._child.stdout.close()
        status = self._child.wait()
        for thread in self._threads:
            thread.join()
        self._raise_sink_error()
        return status

    def kill(self, *, gently: bool = False) -> None:
        """End ffmpeg now; ``gently`` gives one that is failing by itself the time to say why."""
        if gently:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def complaint(self) -> str:
        """What ffmpeg has said so far, on one line."""
        return complaint(b"".join(self._said))

    @property
    def silent(self) -> bool:
        """Whether ffmpeg had nothing to complain about."""
        return not self._said

    def _drain(self) -> None:
        assert self._child.stderr is not None
        rest = b""
        # os.read returns what is there: a full pipe of warnings must never stall the decoder.
        while block := os.read(self._child.stderr.fileno(), 1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            self._said.extend(line + b"\n" for line in lines)
        if rest:
            self._said.append(rest)

    def _pump(self, sink: BinaryIO) -> None:
        assert self._child.stdout is not None
        try:
            while block := self._child.stdout.read(1 << 18):
                sink.write(block)
            sink.flush()
        except (OSError, ValueError) as error:
            self._sink_error = error
            self._child.kill()

    def _raise_sink_error(self) -> None:
        if self._sink_error is not None:
            raise self._sink_error


def _widen(stream: IO[bytes] | None) -> None:
    """Give a pipe a buffer of PIPE_BYTES, where the system can: fewer switches per frame."""
    if stream is None or sys.platform != "linux":
        return
    import fcntl

    with contextlib.suppress(OSError):  # the user's limit on pipe memory may be lower
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _unstartable(error: OSError) -> MediaError:
    return MediaError(f"cannot start {binary()}: {error.strerror}", hint="set LIPKIT_FFMPEG")
