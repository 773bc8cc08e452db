"""Keeping chatty native libraries off the user's terminal."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_stderr_lock = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps native code off stderr, and a library's Python warnings from the caller.

    The libraries behind MediaPipe log straight to file descriptor 2, before any setting of theirs
    is read; exceptions pass untouched.
    """
    with _stderr_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if sys.stderr is not None:
            sys.stderr.flush()
        kept = os.dup(2)
        sink = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(sink, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(sink)
            os.close(kept)
