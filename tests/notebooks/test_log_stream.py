"""Followed lines reach the reader promptly one by one, and many at a time in a flood."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from workbench.errors import EngineAway
from workbench.notebooks.logs import batches
from workbench.runtime import LogLine

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def a_line(number: int) -> LogLine:
    return LogLine(NOON, "stdout", b"%d" % number)


async def collected(lines: Iterable[LogLine]) -> list[list[LogLine]]:
    return [batch async for batch in batches(lines)]


async def test_every_line_arrives_in_its_order_whatever_the_batches() -> None:
    flood = [a_line(number) for number in range(20_000)]

    read = await collected(flood)

    assert [line for batch in read for line in batch] == flood
    assert len(read) < len(flood) / 10


async def test_a_single_line_is_handed_over_while_the_next_is_waited_for() -> None:
    said: queue.Queue[LogLine | None] = queue.Queue()
    following = batches(iter(said.get, None))

    for number in range(3):
        said.put(a_line(number))
        assert await anext(following) == [a_line(number)]

    said.put(None)
    assert [batch async for batch in following] == []


async def test_a_slow_reader_makes_the_thread_wait() -> None:
    read_so_far = 0
    late = threading.Event()

    def endless() -> Iterator[LogLine]:
        nonlocal read_so_far
        while True:
            read_so_far += 1
            if read_so_far > 5000:
                late.set()
            yield a_line(read_so_far)

    async with aclosing(batches(endless())) as following:
        await anext(following)

        assert not await asyncio.to_thread(late.wait, 0.2)


async def test_who_stops_reading_lets_the_thread_go() -> None:
    ended = threading.Event()

    def endless() -> Iterator[LogLine]:
        try:
            while True:
                yield a_line(1)
        finally:
            ended.set()

    async with aclosing(batches(endless())) as following:
        await anext(following)

    assert await asyncio.to_thread(ended.wait, 10)


async def test_a_broken_connection_is_told_after_the_lines_before_it() -> None:
    def broken() -> Iterator[LogLine]:
        yield a_line(1)
        raise EngineAway("docker does not answer")

    following = batches(broken())

    assert await anext(following) == [a_line(1)]
    with pytest.raises(EngineAway):
        await anext(following)
