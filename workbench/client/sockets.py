"""The standard library's HTTP, over a Unix socket too. Loaded when something is first sent."""

from __future__ import annotations

import os
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["HTTPException", "connection_to"]


def connection_to(address: Path | str, timeout_s: float) -> HTTPConnection:
    """A connection to a socket or a URL, not yet opened.

    Args:
        timeout_s: Longest wait for anything that it is asked for.
    """
    if isinstance(address, Path):
        return _SocketConnection(address, timeout_s)
    parts = urlsplit(address)
    return (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(parts.netloc, timeout=timeout_s)


class _SocketConnection(HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))
