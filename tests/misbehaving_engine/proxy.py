"""A Docker engine that fails when told to: a proxy in front of the real one's socket.

What goes wrong is chosen by request, and how often is counted, so a test can cut the daemon
off between any two steps:

    with MisbehavingEngine(folder) as engine:
        engine.lose_answer("POST", "/containers/.*/start")  # Docker does it, we never hear of it
        runtime = Runtime(engine.docker_host, home_id)

Paths are regular expressions for the whole path, without `/v1.41` and without the query.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_BLOCK = 65536

_Act = Callable[[socket.socket, bytes], None]
"""Deals with a client's connection, given the whole request as it should reach the engine."""


@dataclass
class _Fault:
    method: str
    path: str
    countdown: int
    act: _Act


class MisbehavingEngine:
    """Passes everything on, except what it was told to spoil.

    Args:
        folder: Where its socket goes; an absolute path, short enough for a socket's name.
        engine: The real engine's socket.
    """

    def __init__(self, folder: Path, engine: str = "/var/run/docker.sock") -> None:
        self._path = folder / "engine.sock"
        self._engine = engine
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._over = threading.Event()
        self.seen: list[str] = []
        """Every request so far, as `GET /containers/json`."""

    @property
    def docker_host(self) -> str:
        """The address to give to what is tested."""
        return f"unix://{self._path}"

    def lose_request(self, method: str, path: str, *, nth: int = 1) -> None:
        """Drop the connection before the engine hears of the nth such request from now."""
        self._faults.append(_Fault(method, path, nth, lambda client, request: None))

    def lose_answer(self, method: str, path: str, *, nth: int = 1) -> None:
        """Let the engine do it, then drop the connection instead of answering."""
        self._faults.append(_Fault(method, path, nth, lambda client, request: self._do(request)))

    def answer(
        self, method: str, path: str, *, status: int = 500, message: str = "out of order", nth: int = 1
    ) -> None:
        """Answer with an error; the engine hears nothing of it."""
        body = f'{{"message": "{message}"}}'
        said = f"HTTP/1.1 {status} Error\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._faults.append(
            _Fault(
                method,
                path,
                nth,
                lambda client, request: client.sendall(f"{said}Connection: close\r\n\r\n{body}".encode()),
            )
        )

    def delay(self, method: str, path: str, *, seconds: float, nth: int = 1) -> None:
        """Keep the request for a while before it goes on to the engine."""

        def act(client: socket.socket, request: bytes) -> None:
            self._over.wait(seconds)
            self._pass_on(client, request)

        self._faults.append(_Fault(method, path, nth, act))

    def refuse(self) -> None:
        """Be away: end all connections and take no new ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            self._path.unlink(missing_ok=True)
            sockets = [*self._connections, listener] if listener else list(self._connections)
            for each in sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """Be there (again)."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        listener.listen(64)
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.refuse()

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            with self._lock:
                self._connections.add(client)
            try:
                if request := _read_request(client):
                    self._act_for(request)(client, request)
            finally:
                with self._lock:
                    self._connections.discard(client)

    def _act_for(self, request: bytes) -> _Act:
        method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ", 2)
        path = re.sub(r"^/v[\d.]+", "", target.split("?")[0])
        with self._lock:
            self.seen.append(f"{method} {path}")
            for fault in self._faults:
                if fault.method == method and re.fullmatch(fault.path, path):
                    fault.countdown -= 1
                    if fault.countdown == 0:
                        self._faults.remove(fault)
                        return fault.act
        return self._pass_on

    def _do(self, request: bytes) -> None:
        with self._connect() as engine:
            engine.sendall(request)
            while engine.recv(_BLOCK):
                pass

    def _pass_on(self, client: socket.socket, request: bytes) -> None:
        with self._connect() as engine:
            engine.sendall(request)
            threading.Thread(target=_pump, args=(client, engine), daemon=True).start()
            _pump(engine, client)

    def _connect(self) -> socket.socket:
        engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        engine.connect(self._engine)
        return engine


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends, then say so to the target; the other direction goes on."""
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_request(client: socket.socket) -> bytes:
    """One request with its body, if it has a length, made to be the last of its connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = client.recv(_BLOCK)
        if not block:
            return b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += client.recv(_BLOCK)
    if not re.search(rb"\r\nupgrade:", head, re.IGNORECASE):
        head = re.sub(rb"\r\nconnection: [^\r]*", b"", head, flags=re.IGNORECASE) + b"\r\nConnection: close"
    return head + b"\r\n\r\n" + body
