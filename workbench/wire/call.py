"""A request, once it is known what is asked and by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.wire.operations import Operation


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks.

    `owner` is the user who runs the daemon: everything on this machine is theirs anyway.
    `source` is where the request came from: an address, or `unix:<uid>` on the local socket.
    """

    user_id: str
    name: str
    owner: bool = False
    access_key_id: str = ""
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


@dataclass(frozen=True)
class Stream:
    """An answer without an end that is known: log lines, live events. One JSON object a line."""

    lines: AsyncIterator[Mapping[str, Any]]


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
