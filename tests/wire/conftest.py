"""What the official clients really send, caught by a server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from alibabacloud_aiworkspace20210204.client import Client as WorkspaceClient
from alibabacloud_pai_dsw20220101.client import Client as DswClient
from alibabacloud_tea_openapi.utils_models import Config

from workbench.wire.signatures import Request

ANSWER = b'{"RequestId": "0C7E5B1A-58F4-4C5E-9A54-0D2B3F6A7C11"}'


@dataclass
class Catcher:
    """Keeps every request and answers each with success."""

    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def client(self, kind: type[Any] = DswClient, *, prefix: str = "", **config: Any) -> Any:
        """An official client that speaks to this catcher."""
        keys = (
            {} if "bearer_token" in config else {"access_key_id": "the-id", "access_key_secret": "the-secret"}
        )
        endpoint = f"127.0.0.1:{self.port}{prefix}"
        return kind(Config(endpoint=endpoint, protocol="http", region_id="local", **keys, **config))

    def workspace_client(self, **config: Any) -> Any:
        return self.client(WorkspaceClient, **config)


@pytest.fixture(scope="module")
def _catcher() -> Iterator[Catcher]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            catcher.requests.append(Request(self.command, path, query, headers, body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 (the library's names)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    catcher = Catcher(server.server_port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield catcher
    server.shutdown()
    server.server_close()


@pytest.fixture
def catcher(_catcher: Catcher, monkeypatch: pytest.MonkeyPatch) -> Catcher:
    """A server that the official clients can be pointed at."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    _catcher.requests.clear()
    return _catcher
