"""Asking for the same thing again and again, without asking for it twice at a time.

Asked once more while the answer is awaited, it waits for its turn. To give up the first question for
the next one would mean that on a slow link, where things change all the time, none is ever answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Asking:
    """One thing that is asked for."""

    def __init__(self) -> None:
        self._busy = self._again = False

    async def ask(self, question: Callable[[], Awaitable[None]]) -> None:
        """Ask now, or once more after what is being asked."""
        self._again = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._again:
                self._again = False
                await question()
        finally:
            self._busy = False
