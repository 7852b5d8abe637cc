"""`python -m workbench_tui.web`: the dashboard in a browser, through the gateway.

textual-serve runs one dashboard for each page that is open, as the user who started this and
with that user's rights. It listens on the loopback, where others may come too, so it answers
only who knows its key: the gateway, which is told by the daemon. The gateway lets in the browser
that has the link, on an origin of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from workbench.client import Client, ClientError, DaemonAway
from workbench.client.aio import AsyncClient
from workbench.errors import WorkbenchError
from workbench.settings import load
from workbench.wire.operations import operation

_PAGES = Path(__file__).parent / "web_pages"
_AGAIN_S = 2.0
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebDashboard(Server):
    """textual-serve's server, for the gateway alone and under the path that it leads to.

    Args:
        url: Where the browser finds it; path and origin are the gateway's choice.
        key: What the gateway shows with each request.
        options: Of the dashboard's own command line.
    """

    def __init__(self, url: str, key: str, options: Sequence[str] = ()) -> None:
        parts = urlsplit(url)
        super().__init__(
            shlex.join([sys.executable, "-m", "workbench_tui", *options]),
            title="Workbench",
            public_url=f"{parts.scheme}://{parts.netloc}",
            templates_path=str(_PAGES),
        )
        self._page = parts.path
        self._expected = f"token {key}".encode()

    async def application(self) -> web.Application:
        """What answers requests."""
        prefix, _, page = self._page.rpartition("/")
        dashboard = await self._make_app()
        dashboard.on_startup.clear()  # it would print a banner
        dashboard.router.add_get(f"/{page}", self.handle_index)
        dashboard.router.add_get("/focus.js", _focus)
        application = web.Application(middlewares=[self._only_the_gateway])
        application.add_subapp(prefix, dashboard)
        return application

    @web.middleware
    async def _only_the_gateway(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._expected):
            raise web.HTTPForbidden
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = _POLICY
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer


async def _focus(request: web.Request) -> web.StreamResponse:
    return web.FileResponse(_PAGES / "focus.js")


async def serve(
    client: AsyncClient,
    *,
    options: Sequence[str] = (),
    opened: Callable[[str], None],
    away: Callable[[str], None],
) -> None:
    """Serve until cancelled; after the daemon was away, under a new link.

    Args:
        options: Of the dashboard's own command line.
        opened: Is told the link, which works once.
        away: Is told why the daemon is not reached.

    Raises:
        ClientError: The daemon refuses.
    """
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            key = secrets.token_urlsafe(32)
            opening = client.stream(
                operation("workbench", "OpenDashboard"), Port=listener.getsockname()[1], Key=key
            )
            try:
                async with opening as lines, contextlib.AsyncExitStack() as stack:
                    [first, *_] = await anext(lines)
                    url = first["Url"]
                    runner = web.AppRunner(
                        await WebDashboard(url, key, options).application(), access_log=None
                    )
                    stack.push_async_callback(runner.cleanup)
                    await runner.setup()
                    await web.SockSite(runner, listener).start()
                    opened(url)
                    async for _ in lines:
                        pass  # only heartbeats
            except DaemonAway as error:
                away(str(error))
        await asyncio.sleep(_AGAIN_S)


async def _until_told_to_end(client: AsyncClient) -> None:
    serving = asyncio.ensure_future(serve(client, options=sys.argv[1:], opened=_print, away=_complain))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _print(link: str) -> None:
    print(link, flush=True)  # noqa: T201
    _complain("This link works once; Ctrl-C ends the dashboard.")


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    """Run it until the user ends it."""
    logging.basicConfig(level=logging.WARNING)
    try:
        asyncio.run(_until_told_to_end(AsyncClient(Client.from_settings(load()))))
    except (ClientError, WorkbenchError) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
