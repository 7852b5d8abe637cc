"""A user at the dashboard: keys in, the screen's text out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from workbench.client.aio import AsyncClient
from workbench_tui.app import Dashboard
from workbench_tui.memory import Memory

_PATIENCE_S = 60
"""A machine may be busy with other things."""


class User:
    """Presses keys and reads."""

    def __init__(self, app: Dashboard, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> str:
        """What is on the screen, line by line, without blanks at the ends."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        names = {
            " ": "space",
            "-": "minus",
            "/": "slash",
            ":": "colon",
            "!": "exclamation_mark",
            "=": "equals_sign",
        }
        for letter in text:
            await self.pilot.press(names.get(letter, letter))
        await self.pilot.pause()

    async def go(self, where: str) -> None:
        """`:where`."""
        await self.press("colon")
        await self.type(where)
        await self.press("enter")

    async def sees(self, *texts: str, within_s: float = _PATIENCE_S) -> None:
        """Wait until all of these are on the screen."""
        await self.until(
            lambda: all(text in self.screen for text in texts), f"{texts} on the screen", within_s
        )

    async def sees_no_more(self, text: str, within_s: float = _PATIENCE_S) -> None:
        """Wait until this is not on the screen."""
        await self.until(lambda: text not in self.screen, f"no {text!r} on the screen", within_s)

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = _PATIENCE_S) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not {what}:\n{self.screen}"
            await asyncio.sleep(0.02)
            await self.pilot.pause()


@asynccontextmanager
async def dashboard(
    client: AsyncClient, state: Path, *, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[User]:
    """The dashboard, open."""
    app = Dashboard(client, Memory(state / "dashboard.json"), **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield User(app, pilot)
