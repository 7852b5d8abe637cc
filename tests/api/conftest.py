"""A server that answers a few operations, on real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workbench.api import Outcome, Server, application
from workbench.errors import Conflict, LimitReached, Unauthenticated
from workbench.parts import Route
from workbench.wire.call import Call, Caller, Redirect, Stream
from workbench.wire.operations import operation
from workbench.wire.signatures import Request, is_authentic, read_claim
from workbench.workspaces.throttle import TooManyFailures

PARTS: Any = "handed on and never looked at"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text)


@dataclass
class Daemon:
    """A running server and what it told its observer."""

    local: Path
    public: Path
    server: Server = None  # type: ignore[assignment]
    outcomes: list[Outcome] = field(default_factory=list)
    lines: Callable[[], AsyncIterator[Mapping[str, Any]]] = None  # type: ignore[assignment]

    def ask(
        self, verb: str, path: str, *, body: bytes | None = None, public: bool = False, **headers: str
    ) -> Answer:
        connection = self.connect(public=public)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(verb, path, body, named)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def connect(self, *, public: bool = False) -> http.client.HTTPConnection:
        return _UnixConnection(self.public if public else self.local)


def authenticate(request: Request, source: str) -> Caller:
    claim = read_claim(request)
    if claim and is_authentic(request, claim, "the-secret"):
        return Caller(user_id="1", name="alice", source=source)
    if claim is None and source == f"unix:{os.getuid()}":
        return Caller(user_id="0", name="owner", owner=True, source=source)
    raise Unauthenticated("Nobody we know.", code="SignatureDoesNotMatch")


def fail_with(error: Exception) -> Callable[[Any, Call], Mapping[str, Any]]:
    def answer(parts: Any, call: Call) -> Mapping[str, Any]:
        raise error

    return answer


def routes(daemon: Daemon) -> list[Route]:
    def get(parts: Any, call: Call) -> Mapping[str, Any]:
        return {"InstanceId": call.fields["instance_id"], "UserId": call.caller.user_id}

    return [
        Route(operation("dsw", "GetInstance"), get),
        Route(operation("dsw", "ListInstances"), lambda parts, call: {"TotalCount": 3}),
        Route(
            operation("dsw", "CreateInstance"),
            fail_with(Conflict("The name a is taken.", hint="Choose another.", code="NameTaken")),
        ),
        Route(operation("dsw", "StopInstance"), fail_with(LimitReached("Two at once, no more."))),
        Route(operation("dsw", "GetToken"), fail_with(TooManyFailures("10.0.0.9", retry_after_s=37))),
        Route(operation("dsw", "DeleteInstance"), fail_with(ZeroDivisionError("the secret is 42"))),
        Route(operation("workbench", "Watch"), lambda parts, call: Stream(daemon.lines())),
        Route(
            operation("workbench", "EnterNotebook"),
            lambda parts, call: Redirect("/notebook/", "token=1"),
            open=True,
        ),
    ]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A server on two sockets."""
    daemon = Daemon(tmp_path / "local.sock", tmp_path / "public.sock")
    app = application(PARTS, routes(daemon), authenticate, observe=daemon.outcomes.append)
    daemon.server = Server(app, local=daemon.local, public=daemon.public)
    ready = threading.Event()
    thread = threading.Thread(target=daemon.server.run, kwargs={"on_ready": ready.set})
    thread.start()
    assert ready.wait(60)
    yield daemon
    daemon.server.stop()
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def tcp_endpoint(daemon: Daemon) -> Iterator[str]:
    """The gateway's part: an address whose bytes go to the public socket and back."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(daemon.public))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        stopping = asyncio.Event()
        started.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stopping))
        await stopping.wait()

    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, stopping = started.result(60)
    yield f"127.0.0.1:{port}"
    loop.call_soon_threadsafe(stopping.set)
    thread.join(60)
