"""Work ahead of the consumer, in a thread and a bounded queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from queue import Empty, Full, Queue
from typing import TypeVar

Thing = TypeVar("Thing")
PATIENCE = 0.1  # seconds between looks at whether the other side is still there
END = object()


def ahead(
    things: Iterable[Thing], depth: int = 2, wake: Callable[[], None] | None = None
) -> Generator[Thing]:
    """The same things, made up to ``depth`` ahead in a thread; its exception surfaces here.

    Numpy, OpenCV, torch and pipes release the interpreter's lock, so stages chained this way
    overlap while memory stays bounded. The thread ends when the consumer stops early; where it may
    wait for something that never comes, ``wake`` must end that wait.
    """
    queue: Queue[object] = Queue(depth)
    stopped = threading.Event()
    failure: list[BaseException] = []

    def hand_over(thing: object) -> None:
        while not stopped.is_set():
            try:
                queue.put(thing, timeout=PATIENCE)
            except Full:
                continue
            break

    def produce() -> None:
        try:
            for thing in things:
                hand_over(thing)
                if stopped.is_set():
                    break
        except BaseException as problem:  # noqa: BLE001 -- carried to the consumer's thread
            failure.append(problem)
        finally:
            if hasattr(things, "close"):
                things.close()
            hand_over(END)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            try:
                thing = queue.get(timeout=PATIENCE)
            except Empty:
                continue  # lets Ctrl-C through, which a wait without end would not
            if thing is END:
                break
            yield thing  # type: ignore[misc]  # the queue holds END or things
    finally:
        stopped.set()
        if wake is not None:
            wake()
        thread.join()
    if failure:
        raise failure[0]
