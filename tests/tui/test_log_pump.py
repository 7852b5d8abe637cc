"""A flood reaches the log whole, in few large pieces, and never faster than it can be shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from workbench_tui.widgets.log_lines import Line
from workbench_tui.widgets.log_pump import LogPump

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def numbered(start: int, count: int) -> list[Line]:
    return [Line(NOON, "stdout", str(each)) for each in range(start, start + count)]


async def test_a_flood_comes_whole_in_few_deliveries() -> None:
    delivered: list[Sequence[Line]] = []

    async def flood() -> AsyncIterator[Sequence[Line]]:
        for start in range(0, 50_000, 7):
            yield numbered(start, min(7, 50_000 - start))

    await LogPump(delivered.append, every_s=0).run(flood())

    assert [line for lines in delivered for line in lines] == numbered(0, 50_000)
    assert len(delivered) < 100
    assert max(map(len, delivered)) <= 2000


async def test_a_single_line_is_delivered_before_the_next_comes() -> None:
    delivered: asyncio.Queue[Sequence[Line]] = asyncio.Queue()
    said: asyncio.Queue[Sequence[Line]] = asyncio.Queue()

    async def slow() -> AsyncIterator[Sequence[Line]]:
        while batch := await said.get():
            yield batch

    pumping = asyncio.ensure_future(LogPump(delivered.put_nowait, every_s=0).run(slow()))
    for number in range(3):
        said.put_nowait(numbered(number, 1))
        assert await delivered.get() == numbered(number, 1)
    said.put_nowait([])
    await pumping


async def test_the_source_is_not_read_on_while_nothing_can_be_shown() -> None:
    read = 0

    async def endless() -> AsyncIterator[Sequence[Line]]:
        nonlocal read
        while True:
            read += 100
            yield numbered(read, 100)

    delivered = asyncio.Event()
    pumping = asyncio.ensure_future(LogPump(lambda lines: delivered.set(), every_s=60).run(endless()))
    await delivered.wait()
    for _ in range(100):
        await asyncio.sleep(0)

    assert read <= 5000
    pumping.cancel()
    await asyncio.gather(pumping, return_exceptions=True)


async def test_what_came_before_a_failure_is_delivered() -> None:
    delivered: list[Sequence[Line]] = []

    async def broken() -> AsyncIterator[Sequence[Line]]:
        yield numbered(0, 3)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await LogPump(delivered.append, every_s=0).run(broken())

    assert delivered == [numbered(0, 3)]
