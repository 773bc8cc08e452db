"""Working ahead changes when things are made, never what comes out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from lipkit.flow import ahead


def test_everything_comes_in_order() -> None:
    assert list(ahead(range(100), depth=3)) == list(range(100))
    assert list(ahead([])) == []


def test_no_more_than_the_queue_is_made_ahead() -> None:
    made: list[int] = []

    def things() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    consumer = ahead(things(), depth=2)
    assert next(consumer) == 0
    time.sleep(0.05)
    assert len(made) <= 5
    consumer.close()  # type: ignore[attr-defined]
    assert len(made) < 50


def test_failures_surface_after_what_was_made() -> None:
    def things() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    consumer = ahead(things())
    assert next(consumer) == 1
    with pytest.raises(ValueError, match="broken"):
        next(consumer)


def test_a_consumer_that_stops_closes_the_source() -> None:
    closed = threading.Event()

    def things() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    consumer = ahead(things())
    next(consumer)
    consumer.close()  # type: ignore[attr-defined]
    assert closed.is_set()


def test_no_thread_outlives_its_consumer() -> None:
    before = threading.active_count()
    for thing in ahead(range(1000), depth=1):
        if thing == 3:
            break
    for _ in range(50):
        if threading.active_count() == before:
            break
        time.sleep(0.02)
    assert threading.active_count() == before
