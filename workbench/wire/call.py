"""A request, once it is known what is asked and by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.wire.operations import Operation


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks.

    `owner` is the user who runs the daemon: everything on this machine is theirs anyway.
    `source` is where the request came from: an address, or `unix:<uid>` on the local socket.
    `access_key_id` or `token_id` is what it was proven by, where it was.
    """

    user_id: str
    name: str
    owner: bool = False
    access_key_id: str = ""
    token_id: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation asked for, its fields checked against the operation's and converted.

    Path, query and body fields share one mapping, as no operation uses a name twice; path
    arguments are spelt as in the path (`instance_id`), the others as on the wire
    (`InstanceName`). What was not sent is not there.
    """

    operation: Operation
    caller: Caller
    request_id: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def _always() -> None:
    """Nothing but who asks is looked at."""


@dataclass(frozen=True)
class Stream:
    """An answer without an end that is known: log lines, live events. One JSON object a line.

    `allowed` raises once the caller may not have it any more; it is asked again after every change.
    """

    lines: AsyncIterator[Mapping[str, Any]]
    allowed: Callable[[], None] = _always


class Program(Protocol):
    """A program that runs, with its terminal or its three streams."""

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """What it writes, each piece with its stream, until it closes them."""

    async def write(self, data: bytes) -> None:
        """Type something; returns once there is room for more."""

    async def end_input(self) -> None:
        """Type nothing more."""

    async def resize(self, rows: int, columns: int) -> None:
        """Its terminal has another size."""

    async def exit_code(self) -> int:
        """How it ended; waits until it has."""

    async def hang_up(self) -> None:
        """See to it that it ends, as a terminal does that is closed."""


@dataclass(frozen=True)
class Dialogue:
    """An answer that talks back: a program that is begun, and ends with whoever talks to it.

    `begin` may raise as an answer may. `allowed` is as a stream's.
    """

    begin: Callable[[], Awaitable[Program]]
    allowed: Callable[[], None] = _always


@dataclass(frozen=True)
class Text:
    """An answer that is no JSON: a text in a form of another program's."""

    content: str
    media_type: str


@dataclass(frozen=True)
class Redirect:
    """An answer for a browser: go there, with this `Set-Cookie`."""

    location: str
    cookie: str
