"""HTTP as an attacker speaks it: every byte is the test's own."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

PATIENCE_S = 60
"""A machine may be busy with other things."""


@dataclass(frozen=True)
class Reply:
    """What came back for one request."""

    status: int
    head: str
    body: bytes

    @property
    def seen(self) -> dict[str, Any]:
        """What the server behind the gateway saw."""
        answer: dict[str, Any] = json.loads(self.body)
        return answer

    @property
    def reached(self) -> str:
        """The server that answered; empty where it was the gateway itself."""
        try:
            return str(self.seen.get("name", ""))
        except ValueError:
            return ""

    def got(self, name: str) -> list[str]:
        """The values of a header as the server behind the gateway saw them."""
        return [value for each, value in self.seen["headers"] if each == name]


def say(port: int, *lines: str, body: bytes = b"", host: str = "127.0.0.1") -> Reply:
    """Send these lines, and read until the answer is complete."""
    with socket.create_connection((host, port), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return read_reply(connection)


def ask(port: int, path: str, host: str, *headers: str, verb: str = "GET", body: bytes = b"") -> Reply:
    """Ask for a path on a host, with whatever headers."""
    sized = (f"Content-Length: {len(body)}",) if body else ()
    return say(port, f"{verb} {path} HTTP/1.1", f"Host: {host}", *headers, *sized, body=body)


def upgrade(port: int, path: str, host: str, *headers: str) -> tuple[Reply, socket.socket]:
    """Ask for a websocket; the connection is the caller's to close."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    reply = read_reply(connection)
    if reply.status == 101:
        read_exactly(connection, len("dsw-x:"), reply.body)
    return reply, connection


def read_reply(connection: socket.socket) -> Reply:
    """Read one answer; what has no length is read to its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (block := connection.recv(65536)):
            return Reply(0, "", b"")
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    status = int(lines[0].split()[1])
    lengths = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
    while status != 101 and len(body) < (lengths or [0])[0]:
        body += connection.recv(65536)
    return Reply(status, head.decode("latin-1"), body)


def read_exactly(connection: socket.socket, size: int, begun: bytes = b"") -> bytes:
    """Read so many bytes, or fewer where the connection ends."""
    while len(begun) < size and (block := connection.recv(65536)):
        begun += block
    return begun
