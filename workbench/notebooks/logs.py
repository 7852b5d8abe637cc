"""What a notebook's container wrote: while it is there from the engine, afterwards from a file."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.notebooks.session import KIND
from workbench.parts import Parts
from workbench.runtime import LogLine, PodGone, read_saved
from workbench.settings import Settings
from workbench.wire.times import to_wire

_BATCH = 1000
"""Lines that may wait to be sent; each may be as long as the runtime's longest piece."""


def saved(settings: Settings, notebook_id: str) -> Path:
    """Where the log of the last container is kept once that is gone."""
    return settings.logs / KIND / f"{notebook_id}.log"


async def lines(
    parts: Parts, notebook_id: str, *, tail: int | None, follow: bool
) -> AsyncIterator[Mapping[str, Any]]:
    """The last lines, and with `follow` what comes after, until the container ends.

    Nothing at all where the notebook never ran.
    """
    pod = await asyncio.to_thread(parts.runtime.find_pod, KIND, notebook_id)
    if pod is None:
        path = saved(parts.settings, notebook_id)
        if path.exists():
            for line in await asyncio.to_thread(lambda: list(read_saved(path, tail=tail))):
                yield _to_wire(line)
        return
    with contextlib.suppress(PodGone):
        stream = await asyncio.to_thread(partial(parts.runtime.logs, pod, tail=tail, follow=follow))
        with contextlib.closing(stream):
            async for batch in batches(stream):
                for line in batch:
                    yield _to_wire(line)


async def batches(lines: Iterable[LogLine]) -> AsyncIterator[list[LogLine]]:
    """What a thread reads, as it comes: a single line at once, a flood many lines at a time.

    A hop from thread to event loop for each line costs more than the line. Whoever reads slowly
    makes the thread wait, so that nothing piles up.

    Raises:
        EngineAway: As iterating over the lines does.
    """
    handover = _Handover()
    reading = asyncio.ensure_future(asyncio.to_thread(handover.fill, lines))
    try:
        while batch := await handover.take():
            yield batch
        await reading
    finally:
        handover.give_up()
        reading.cancel()


class _Handover:
    """Lines on their way from the thread that reads them to the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._room = threading.Condition()
        self._waiting: list[LogLine] = []
        self._ended = False

    def fill(self, lines: Iterable[LogLine]) -> None:
        """Read to the end, or until given up; in the reading thread."""
        try:
            for line in lines:
                with self._room:
                    self._room.wait_for(lambda: self._ended or len(self._waiting) < _BATCH)
                    if self._ended:
                        return
                    self._waiting.append(line)
                    first = len(self._waiting) == 1
                if first:
                    self._wake()
        finally:
            self._ended = True
            self._wake()

    async def take(self) -> list[LogLine]:
        """All that waits, once something does; nothing at the end."""
        while not (self._waiting or self._ended):
            self._arrived.clear()
            await self._arrived.wait()
        with self._room:
            taken, self._waiting = self._waiting, []
            self._room.notify()
        return taken

    def give_up(self) -> None:
        """Let the thread go at its next line."""
        with self._room:
            self._ended = True
            self._room.notify()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._arrived.set)


def _to_wire(line: LogLine) -> dict[str, Any]:
    return {"Time": to_wire(line.time, milliseconds=True), "Stream": line.stream, "Text": line.text}
