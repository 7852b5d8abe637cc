"""What stays open after its request was answered: streams and dialogues, and what ends them.

Whoever was let in may be shut out later: disabled, out of the workspace, without their key. So each
is asked for anew after every change that anybody makes, and now and then, since a token's time
ends without anybody's doing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.errors import LimitReached, WorkbenchError
from workbench.wire.call import Caller

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 30.0
_DIALOGUES = 64
_DIALOGUES_OF_ONE_USER = 16

Recognise = Callable[[Caller], None]
"""Raises if somebody who was let in would not be let in now."""


class TooManyDialogues(LimitReached):
    """More shells are open than the machine, or one user, may have."""

    code = "TooManyShells"

    def __init__(self, most: int, whose: str) -> None:
        super().__init__(
            f"{most} shells are open, the most that {whose} may have at once.", hint="Close one of them."
        )


@dataclass(frozen=True, eq=False)
class Opening:
    """One that is open.

    `ending` is done once it must end: with why, or with None where the server stops.
    """

    caller: Caller
    allowed: Callable[[], None]
    ending: asyncio.Future[WorkbenchError | None]
    talks: bool


class Openings:
    """All that is open. Used in the event loop, but for `look_again`.

    Args:
        pool: Where it is asked again whether each may stay.
        recognise: Asks that of whoever has it open.
    """

    def __init__(self, pool: Executor, recognise: Recognise) -> None:
        self._pool = pool
        self._recognise = recognise
        self._open: set[Opening] = set()
        self._stopped = False
        self._lock = threading.Lock()
        self._looking = False
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def hold(self, caller: Caller, allowed: Callable[[], None], *, talks: bool = False) -> Iterator[Opening]:
        """Have one open.

        Raises:
            TooManyDialogues: It talks, and too many do.
        """
        if talks:
            self._expect_room(caller)
        loop = asyncio.get_running_loop()
        opening = Opening(caller, allowed, loop.create_future(), talks)
        if self._stopped:
            opening.ending.set_result(None)
        self._open.add(opening)
        if self._timer is None:
            self._timer = loop.call_later(_LOOK_AGAIN_S, self._look_again_later)
        try:
            yield opening
        finally:
            self._open.discard(opening)

    def stop(self) -> None:
        """End them all, and whatever is opened from now on."""
        self._stopped = True
        for opening in self._open:
            _end(opening, None)

    def look_again(self) -> None:
        """Ask of each whether it may stay, soon and elsewhere; from any thread."""
        with self._lock:
            if self._looking or not self._open:
                return
            self._looking = True
        self._pool.submit(self._look)

    def _look_again_later(self) -> None:
        self.look_again()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LOOK_AGAIN_S, self._look_again_later) if self._open else None

    def _look(self) -> None:
        with self._lock:
            self._looking = False  # a change from here on is another look's
        for opening in list(self._open):
            try:
                self._recognise(opening.caller)
                opening.allowed()
            except WorkbenchError as error:
                loop = opening.ending.get_loop()
                loop.call_soon_threadsafe(_end, opening, error)
            except Exception:
                log.exception("not known whether one may stay open caller=%s", opening.caller.name)

    def _expect_room(self, caller: Caller) -> None:
        talking = [each.caller.user_id for each in self._open if each.talks]
        if talking.count(caller.user_id) >= _DIALOGUES_OF_ONE_USER:
            raise TooManyDialogues(_DIALOGUES_OF_ONE_USER, "one user")
        if len(talking) >= _DIALOGUES:
            raise TooManyDialogues(_DIALOGUES, "the machine")


def _end(opening: Opening, why: WorkbenchError | None) -> None:
    if not opening.ending.done():
        opening.ending.set_result(why)
