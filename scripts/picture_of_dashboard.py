"""A picture of the overview, from the machine as it is now: nothing in it is made up."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from workbench.client import Client
from workbench.client.aio import AsyncClient
from workbench.settings import load
from workbench_tui.app import Dashboard
from workbench_tui.memory import Memory

_SIZE = (120, 36)
_LIVE_S = 12.0
"""Two measurements and what happens meanwhile."""


def main() -> None:
    """Draw it."""
    asyncio.run(_draw(Path(sys.argv[1])))


async def _draw(path: Path) -> None:
    client = AsyncClient(Client.from_settings(load()))
    with tempfile.TemporaryDirectory() as state:
        dashboard = Dashboard(client, Memory(Path(state) / "dashboard.json"))
        async with dashboard.run_test(size=_SIZE):
            await asyncio.sleep(_LIVE_S)
            path.write_text(dashboard.export_screenshot(title="workbench dashboard"), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
