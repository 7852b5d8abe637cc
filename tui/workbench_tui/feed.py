"""The daemon's stream of changes, followed for all screens together, and found again when lost.

One stream serves the whole dashboard: nothing polls what is told.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from workbench.client import ClientError, DaemonAway
from workbench.client.aio import AsyncClient
from workbench.errors import WorkbenchError
from workbench.wire.operations import operation

_FIRST_WAIT_S = 0.3
_LONGEST_WAIT_S = 5.0


@dataclass(frozen=True)
class Change:
    """Something changed. `status` is empty once it is gone."""

    kind: str
    id: str
    status: str
    message: str


class Feed:
    """Follows the changes.

    Args:
        on_connected: Called when changes are followed; whatever was known may be old by then.
        on_heard: Called when there is a sign of life.
        on_change: Called for each change.
        on_away: Called whenever the daemon cannot be reached, with what to say.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        on_connected: Callable[[], None],
        on_heard: Callable[[], None],
        on_change: Callable[[Change], None],
        on_away: Callable[[WorkbenchError], None],
    ) -> None:
        self._client = client
        self._on_connected = on_connected
        self._on_heard = on_heard
        self._on_change = on_change
        self._on_away = on_away

    async def follow(self) -> None:
        """Follow without an end."""
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with self._client.stream(operation("workbench", "Watch")) as changes:
                    wait_s = _FIRST_WAIT_S
                    self._on_connected()
                    async for together in changes:
                        self._on_heard()
                        for change in together:
                            self._on_change(_change(change))
            except (ClientError, DaemonAway) as error:
                self._on_away(error)
            # Dashboards that lost the same daemon do not all come back at the same moment.
            await asyncio.sleep(wait_s * random.uniform(0.7, 1.3))  # noqa: S311
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _change(line: dict[str, str]) -> Change:
    return Change(line["Kind"], line["Id"], line.get("Status", ""), line.get("Message", ""))
