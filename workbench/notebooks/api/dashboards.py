"""The dashboard in a browser: a program of its user's own, let in the way a notebook is.

It runs as whoever started it, with that user's rights and no others, and listens on the
loopback for requests with its key, which only the gateway is told. For as long as it follows
the stream here, the gateway leads an origin of its own there; a link that works once lets a
browser in. Nothing is recorded: when the stream ends, by whichever side, the route is gone.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import Forbidden
from workbench.gateway import NotebookRoute
from workbench.notebooks import access
from workbench.parts import Parts, Route
from workbench.wire.call import Call, Stream
from workbench.wire.operations import operation

PREFIX = "web-"
"""What such an origin's name begins with."""

_LOOPBACK = "127.0.0.1"
_LISTENS = "0A"


class NotYourPort(Forbidden):
    """Somebody asked for a way to a port on which another user listens, or nobody."""

    code = "NotYourPort"

    def __init__(self, port: int) -> None:
        super().__init__(
            f"No program of yours listens on {_LOOPBACK}, port {port}.",
            hint="`workbench dashboard --web` does it right, on the machine itself.",
        )


def open_dashboard(parts: Parts, call: Call) -> Stream:
    """OpenDashboard: first `{"Url"}`, the link for a browser; then silence while it is open."""
    port = call.fields.get("Port", 0)
    if call.caller.source != f"unix:{_listener(port)}":
        raise NotYourPort(port)
    route = NotebookRoute(
        id=f"{PREFIX}{secrets.token_hex(10)}",
        address=_LOOPBACK,
        port=port,
        jupyter_token=call.fields.get("Key", ""),
        access_token=secrets.token_hex(32),
        cookie=secrets.token_hex(32),
    )
    with parts.store.transaction() as db:
        ticket = access.issue_ticket(db, route.id, call.caller, parts.now())
    return Stream(_while_followed(parts, route, ticket))


async def _while_followed(
    parts: Parts, route: NotebookRoute, ticket: str
) -> AsyncIterator[Mapping[str, Any]]:
    # A thread goes on though nobody waits for it any more: it is waited for, or it would come last.
    published = asyncio.create_task(asyncio.to_thread(parts.gateway.publish, route))
    try:
        await asyncio.shield(published)
        yield {"Url": f"{access.browser_url(parts.settings, route.id)}?ticket={ticket}"}
        await asyncio.Event().wait()
    finally:
        await asyncio.wait([published])
        await asyncio.to_thread(parts.gateway.withdraw, route.id)


def _listener(port: int) -> int | None:
    """The uid of whoever listens on a port of the loopback, as the kernel has it."""
    address = int.from_bytes(socket.inet_aton(_LOOPBACK), sys.byteorder)
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, _, _, _, uid, *_ = line.split()
        if state == _LISTENS and local == f"{address:08X}:{port:04X}":
            return int(uid)
    return None


ROUTES = (Route(operation("workbench", "OpenDashboard"), open_dashboard),)
