"""The two sockets that the daemon answers on.

The local one is open to every user of the machine, who is known by the uid that the kernel
gives; the other one only the gateway can open. One server and one event loop serve both.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from workbench.errors import Unavailable
from workbench.wire.dialogue import LONGEST_MESSAGE_BYTES

_KEEP_ALIVE_S = 75
"""Longer than the gateway keeps an idle connection, so that it never sends into a closing one."""
_GRACE_S = 5
_FOLLOWERS = 64
"""Streams that may wait for the engine at once, a thread each: logs that are followed."""


class SocketTaken(Unavailable):
    """Something that is no socket of ours stands where the socket should be."""

    code = "SocketTaken"


class Server:
    """The HTTP server; `run` blocks until `stop` is called.

    Args:
        app: With `state.openings`, as `application` makes it.
        local: Socket for the machine's users, mode 0666: each connection's uid is looked at.
        public: Socket for the gateway, mode 0600.
    """

    def __init__(self, app: Starlette, *, local: Path, public: Path) -> None:
        self._local = local
        self._public = public

        class Protocol(_KnowsItsPeer, HttpToolsProtocol):
            local_socket = str(local)

        class Upgraded(_KnowsItsPeer, WebSocketsSansIOProtocol):
            local_socket = str(local)

        config = uvicorn.Config(
            app,
            http=Protocol,
            ws=Upgraded,
            ws_max_size=2 * LONGEST_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = _Uvicorn(config)

    def run(self, *, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve until stopped; `on_ready` is called once connections are taken.

        Raises:
            SocketTaken: A file that is no socket is in the way.
        """
        self._server.on_ready = on_ready
        with _listening(self._local, 0o666) as local, _listening(self._public, 0o600) as public:
            asyncio.run(self._server.serve(sockets=[local, public]))

    def stop(self) -> None:
        """Take no new connection, finish what is being answered, end what is open; from any thread or
        signal handler, and before `run` too."""
        self._server.should_exit = True


class _Uvicorn(uvicorn.Server):
    on_ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        followers = ThreadPoolExecutor(_FOLLOWERS, thread_name_prefix="stream")
        asyncio.get_running_loop().set_default_executor(followers)
        await super().startup(sockets)
        self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app: Starlette = self.config.app  # type: ignore[assignment]
        app.state.openings.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the daemon, which stops more than this server."""
        yield


class _KnowsItsPeer(asyncio.Protocol):
    """Gives the application `("unix:<uid>", pid)` as the client of a local connection.

    The gateway's connections have none: whom it speaks for is in a header.
    """

    local_socket: ClassVar[str]
    server: tuple[str, int | None] | None
    client: tuple[str, int] | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.server and self.server[0] == self.local_socket:
            connection = transport.get_extra_info("socket")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            pid, uid, _ = struct.unpack("3i", credentials)
            self.client = (f"unix:{uid}", pid)


@contextlib.contextmanager
def _listening(path: Path, mode: int) -> Iterator[socket.socket]:
    """A bound socket, which nobody can connect to before the server listens and the mode is right."""
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(mode)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Take away the socket of a daemon that was killed; that none lives is known by the caller's lock."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SocketTaken(f"{path} is no socket.", hint="Move it away: the daemon listens there.")
        path.unlink()
    except FileNotFoundError:
        return
