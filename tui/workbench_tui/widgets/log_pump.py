"""Feeds a log view, so that a flood never freezes a key.

Whatever comes is handed on together, at most so many times a second and so many lines at a
time. When more comes than can be shown, the source is not read on: the daemon, and in the end
the program that writes, wait. Nothing is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from workbench_tui.widgets.log_lines import Line

_EVERY_S = 0.1
_AT_ONCE = 2000


class LogPump:
    """Takes batches from a source to a view.

    Args:
        deliver: Takes lines; called in the event loop.
        every_s: The shortest time between two deliveries.
    """

    def __init__(self, deliver: Callable[[Sequence[Line]], None], *, every_s: float = _EVERY_S) -> None:
        self._deliver = deliver
        self._every_s = every_s
        self._waiting: list[Line] = []
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self, batches: AsyncIterator[Sequence[Line]]) -> None:
        """Deliver all that comes, a first line at once, until the source ends.

        Raises:
            Exception: Whatever the source raises, once the lines before it are delivered.
        """
        reading = asyncio.ensure_future(self._read(batches))
        reading.add_done_callback(lambda _: self._arrived.set())
        try:
            while not reading.done() or self._waiting:
                await self._arrived.wait()
                lines, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                if not self._waiting and not reading.done():
                    self._arrived.clear()
                self._room.set()
                if lines:
                    self._deliver(lines)
                    await asyncio.sleep(self._every_s)
            await reading
        finally:
            reading.cancel()

    async def _read(self, batches: AsyncIterator[Sequence[Line]]) -> None:
        async for batch in batches:
            self._waiting += batch
            self._arrived.set()
            while len(self._waiting) >= _AT_ONCE:
                self._room.clear()
                await self._room.wait()
