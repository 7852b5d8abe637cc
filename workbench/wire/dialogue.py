"""How a program's terminal travels: what the two ends of a dialogue say to each other.

A dialogue is a WebSocket. A binary message holds bytes of the program: from the client what is
typed, from the server one byte that names the stream and what was written there. A text message is
a JSON object that says something about them.

Each side sends only so much before the other has said that it took it. So a flood is held up where
it begins, neither side keeps more than that, and what is said besides always gets through.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

STDOUT = 1
"""A terminal has only this one: what a program writes to either stream is the same there."""
STDERR = 2

WINDOW_BYTES = 256 * 1024
LONGEST_MESSAGE_BYTES = 64 * 1024

RESIZE = "Resize"
"""From the client: its terminal has `Rows` and `Columns` now."""
END_OF_INPUT = "EndOfInput"
"""From the client: nothing more will be typed."""
TAKEN = "Taken"
"""From either: so many bytes more may be sent."""
EXIT_CODE = "ExitCode"
"""From the server, last of all: how the program ended. A refusal in its place says why it was ended."""


def said(**words: Any) -> str:
    """A text message."""
    return json.dumps(words, separators=(",", ":"))


def heard(text: str) -> Mapping[str, Any]:
    """What a text message says; nothing where it cannot be read."""
    try:
        words = json.loads(text)
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


class Window:
    """How much may be sent before the other side has taken some of it."""

    def __init__(self) -> None:
        self._free = WINDOW_BYTES
        self._opened = asyncio.Event()

    async def pass_through(self, size: int) -> None:
        """Wait until so much may be sent."""
        while self._free < size:
            self._opened.clear()
            await self._opened.wait()
        self._free -= size

    def open(self, size: object) -> None:
        """The other side took so much."""
        if isinstance(size, int):
            self._free = min(self._free + max(size, 0), WINDOW_BYTES)
            self._opened.set()
