"""The real HTTP server on a socket in a home of its own, with answers that a test chooses.

What a client sends thus passes the daemon's own routing and checks, without a daemon behind.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from workbench.api import Server, application
from workbench.parts import Parts, Route
from workbench.settings import Settings, load
from workbench.wire.call import Call, Caller, Stream
from workbench.wire.operations import operations

Answer = Mapping[str, Any] | Stream | Exception | Callable[[Mapping[str, Any]], Any]


class Api:
    """`answers` holds an answer by operation: fields, an error, or a function of the request's fields.

    `calls` are the operations asked for so far, each with its fields. `stop` ends the server in order.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.stop: Callable[[], None] = lambda: None

    def fields_of(self, action: str) -> Mapping[str, Any]:
        """The fields that an operation was last asked with."""
        return next(fields for name, fields in reversed(self.calls) if name == action)

    def answer(self, parts: Parts, call: Call) -> Any:
        """Answer any operation."""
        self.calls.append((call.operation.action, call.fields))
        answer = self.answers[call.operation.action]
        if isinstance(answer, Exception):
            raise answer
        return answer(call.fields) if callable(answer) else answer

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Take connections."""
        routes = [
            Route(each, self.answer)
            for service in ("dsw", "workbench", "aiworkspace")
            for each in operations(service).values()
        ]
        app = application(
            cast(Parts, None), routes, lambda request, source: Caller(user_id="1", name="owner", owner=True)
        )
        for each in (self.settings.socket, self.settings.gateway_socket):
            each.parent.mkdir(parents=True, exist_ok=True)
        server = Server(app, local=self.settings.socket, public=self.settings.gateway_socket)
        self.stop = server.stop
        ready = threading.Event()
        thread = threading.Thread(target=lambda: server.run(on_ready=ready.set))
        thread.start()
        assert ready.wait(60)
        try:
            yield
        finally:
            server.stop()
            thread.join()


def lines(*items: Mapping[str, Any], endless: bool = False) -> Stream:
    """A stream of these lines, which then ends, or stays silent."""
    return Stream(_each(items, endless))


def instance(**changes: Any) -> dict[str, Any]:
    """A notebook as GetInstance describes it."""
    return {
        "InstanceId": "dsw-1",
        "InstanceName": "first",
        "Status": "Running",
        "ReasonMessage": "",
        "WorkspaceId": "1",
        "UserName": "owner",
        "ImageUrl": "notebook",
        "InstanceUrl": "http://dsw-1.localhost:8580/notebook/dsw-1/lab",
        "RequestedResource": {"CPU": "2", "Memory": "4", "SharedMemory": "2", "GPU": "0"},
        "Datasets": [],
        "GmtCreateTime": "2026-01-02T03:04:05Z",
        "IdleInstanceCuller": {"IdleTimeInMinutes": 7, "MaxIdleTimeInMinutes": 60},
        **changes,
    }


@contextmanager
def in_process_api() -> Iterator[Api]:
    """The server, in a home with a path short enough for sockets."""
    home = tempfile.mkdtemp(prefix="wb-")
    api = Api(load({"home": home}, {}))
    try:
        with api.serving():
            yield api
    finally:
        shutil.rmtree(Path(home))


async def _each(items: Iterable[Mapping[str, Any]], endless: bool) -> AsyncIterator[Mapping[str, Any]]:
    for item in items:
        yield item
    if endless:
        await asyncio.Event().wait()
