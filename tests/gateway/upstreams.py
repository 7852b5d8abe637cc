"""Servers that stand where a notebook's Jupyter and the daemon would be.

Each says who it is and repeats what it was sent, so that a test sees what got through and
where to. An upgraded connection is an echo, byte for byte, as a websocket is to a proxy.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Repeating(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._echo()
            return
        length = int(self.headers.get("Content-Length") or 0)
        seen = {
            "name": self.server.name,  # type: ignore[attr-defined]
            "verb": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": self.rfile.read(length).decode(),
        }
        self._answer(json.dumps(seen).encode())

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 (its superclass's names)

    def _answer(self, body: bytes) -> None:
        ticket = "/workbench/v1/enter/" in self.path
        self.send_response((401 if "ticket=used" in self.path else 303) if ticket else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "workbench-session=given" if ticket else "_xsrf=1; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def _echo(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.write(f"{self.server.name}:".encode())  # type: ignore[attr-defined]
        self.close_connection = True
        while data := self.connection.recv(65536):
            self.connection.sendall(data)

    def handle(self) -> None:
        with suppress(ConnectionError):  # the gateway keeps no idle connection
            super().handle()

    def address_string(self) -> str:
        return "somewhere"

    def log_message(self, *_: Any) -> None:
        pass


class _Tcp(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def a_notebook_at(address: str, name: str) -> Iterator[int]:
    """A server on that address; its port is given back."""
    with _Tcp((address, 0), _Repeating) as server, _served(server, name):
        yield server.server_address[1]


@contextmanager
def a_daemon_at(path: Path) -> Iterator[None]:
    """A server on a Unix socket."""
    path.unlink(missing_ok=True)
    try:
        with _Unix(str(path), _Repeating) as server, _served(server, "daemon"):
            yield
    finally:
        path.unlink()


@contextmanager
def _served(server: socketserver.BaseServer, name: str) -> Iterator[None]:
    server.name = name  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
