"""A log of a million lines: what it takes in memory, and how long a key takes while more pour in.

The latency is from a key's arrival to its effect, in the dashboard's own event loop, while lines
come as fast as the pump takes them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import psutil
from textual import events
from textual.app import App, ComposeResult

from workbench_tui.widgets.log_lines import Line
from workbench_tui.widgets.log_pump import LogPump
from workbench_tui.widgets.log_view import LogView

_LINES = 1_000_000
_BATCH = 500
_KEYS = 200
_SIZE = (200, 60)
_BEGINNING = datetime(2026, 1, 2, tzinfo=UTC)


class Reader(App[None]):
    """A log alone."""

    def compose(self) -> ComposeResult:
        yield LogView()

    def on_mount(self) -> None:
        self.query_one(LogView).rows.focus()


def main() -> None:
    """Measure and print."""
    asyncio.run(_measure())


async def _measure() -> None:
    process = psutil.Process()
    app = Reader()
    async with app.run_test(size=_SIZE) as pilot:
        log = app.query_one(LogView)
        before, started = process.memory_info().rss, time.process_time()
        for start in range(0, _LINES, _BATCH):
            log.append(_lines(start))
        await pilot.pause()
        held, took = process.memory_info().rss - before, time.process_time() - started
        print(f"{'a million lines':32}{held / 2**20:8.0f} MiB {took / _LINES * 1e6:8.1f} us of CPU a line")
        flood = asyncio.ensure_future(LogPump(log.append).run(_flood()))
        delays = [await _key(log, "k" if number % 2 == 0 else "G") for number in range(_KEYS)]
        flood.cancel()
        median, most = statistics.median(delays) * 1000, max(delays) * 1000
        print(f"{'a key while more pour in':32}{median:8.1f} ms median {most:8.1f} ms at most")


async def _key(log: LogView, key: str) -> float:
    """Press a key that pauses or follows; the seconds until it did."""
    await asyncio.sleep(0.05)
    before, started = log.rows.following, time.perf_counter()
    log.app.post_message(events.Key(key, key))
    while log.rows.following is before:
        await asyncio.sleep(0)
    return time.perf_counter() - started


async def _flood() -> AsyncIterator[Sequence[Line]]:
    start = _LINES
    while True:
        yield _lines(start)
        start += _BATCH


def _lines(start: int) -> list[Line]:
    return [
        Line(
            _BEGINNING + timedelta(milliseconds=each),
            "stdout",
            f"epoch {each} loss=0.123 lr=0.001 of a training",
        )
        for each in range(start, start + _BATCH)
    ]


if __name__ == "__main__":
    main()
