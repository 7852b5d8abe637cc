"""Changes, told at once to whoever watches.

Nothing is kept: a watcher that comes or comes back reads the state first and then follows. A
watcher that is too slow loses its oldest changes, never the daemon its memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

_KEPT_FOR_A_SLOW_WATCHER = 1000


@dataclass(frozen=True, kw_only=True)
class Change:
    """An object changed. `status` is empty once it is gone.

    `private_to` is the user whose private object it is, empty for what all of the workspace may see.
    `only_for` are the users who are told beside the machine's owner, where it is not for everybody.
    """

    kind: str
    id: str
    workspace_id: str = ""
    private_to: str = ""
    only_for: frozenset[str] | None = None
    status: str = ""
    message: str = ""


class Live:
    """Where changes are told and followed. `tell` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: set[_Watcher] = set()

    def tell(self, change: Change) -> None:
        """Pass a change on to all watchers."""
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.put(change)

    async def follow(self) -> AsyncIterator[Change]:
        """Changes from now on, without an end."""
        watcher = _Watcher(asyncio.get_running_loop())
        with self._lock:
            self._watchers.add(watcher)
        try:
            while True:
                yield await watcher.get()
        finally:
            with self._lock:
                self._watchers.discard(watcher)


class _Watcher:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changes: deque[Change] = deque(maxlen=_KEPT_FOR_A_SLOW_WATCHER)
        self._arrived = asyncio.Event()

    def put(self, change: Change) -> None:
        self._changes.append(change)
        with suppress(RuntimeError):  # its loop was closed: nobody watches any more
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def get(self) -> Change:
        while not self._changes:
            self._arrived.clear()
            await self._arrived.wait()
        return self._changes.popleft()
