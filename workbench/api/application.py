"""A request's way: what is asked for, who asks, is it well-formed, the answer.

Reading and sending are asynchronous; between the two, everything runs in a thread of a bounded
pool, so that what answers an operation is a plain function that may block.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, request_response
from starlette.routing import Route as HttpRoute

from workbench.api import incoming
from workbench.api.routing import NotOffered, find_operation
from workbench.api.streams import Streams
from workbench.errors import WorkbenchError
from workbench.parts import Parts, Route
from workbench.wire.answers import refusal, refusal_headers, success
from workbench.wire.call import Call, Caller, Redirect, Stream
from workbench.wire.fields import read_fields
from workbench.wire.operations import Operation
from workbench.wire.signatures import Request

log = logging.getLogger(__name__)

_THREADS = 16

Authenticate = Callable[[Request, str], Caller]
"""Says who sent a request, given where it came from; raises Unauthenticated and its like."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a request. What it did not come to is None.

    `status` is HTTP's; `code` is the error's, empty for a success. `fields` are the request's,
    `answer` those of a success that is no stream.
    """

    request_id: str
    source: str
    verb: str
    path: str
    operation: Operation | None = None
    caller: Caller | None = None
    fields: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None
    status: int = 200
    code: str = ""


Observer = Callable[[Outcome], None]
"""Is told of every request once it is decided, before the answer leaves; in the pool's thread."""


def application(
    parts: Parts,
    routes: Sequence[Route],
    authenticate: Authenticate,
    *,
    observe: Observer = lambda outcome: None,
) -> Starlette:
    """The HTTP application. Its `state.streams` ends all streams when the server stops.

    Args:
        parts: Handed on to what answers, and never looked at.
        routes: Every operation that is offered.
        authenticate: Says who asks.
        observe: Is told of every request, refused ones too.
    """
    streams = Streams()
    door = _Door(parts, routes, authenticate, observe, streams)
    app = Starlette(
        routes=[
            HttpRoute("/workbench/v1/health", _health, methods=["GET"]),
            Mount("/", app=request_response(door.answer)),
        ]
    )
    app.state.streams = streams
    return app


async def _health(request: HttpRequest) -> Response:
    return JSONResponse({"Status": "ok"})


class _Door:
    """Takes every request but the question for health."""

    def __init__(
        self,
        parts: Parts,
        routes: Sequence[Route],
        authenticate: Authenticate,
        observe: Observer,
        streams: Streams,
    ) -> None:
        self._parts = parts
        self._routes = {(each.operation.service, each.operation.action): each for each in routes}
        self._authenticate = authenticate
        self._observe = observe
        self._streams = streams
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")

    async def answer(self, http: HttpRequest) -> Response:
        outcome = Outcome(
            request_id=str(uuid.uuid4()).upper(),
            source=incoming.source(http),
            verb=http.method,
            path=http.scope["raw_path"].decode("latin-1"),
        )
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            body = await incoming.body(http)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except incoming.BodyTooLarge as error:
            return await loop.run_in_executor(self._pool, self._refuse, outcome, error, began)
        return await loop.run_in_executor(self._pool, self._serve, outcome, http, body, began)

    def _serve(self, outcome: Outcome, http: HttpRequest, body: bytes, began: float) -> Response:
        try:
            request = incoming.read(http, body)
            match = find_operation(request.verb, request.raw_path, request.headers.get("x-acs-version", ""))
            outcome = replace(outcome, operation=match.operation)
            caller = self._caller(match.operation, request, outcome.source)
            outcome = replace(outcome, caller=caller)
            fields = read_fields(match.operation, match.arguments, query=request.query, body=body)
            outcome = replace(outcome, fields=fields)
            call = Call(
                operation=match.operation, caller=caller, request_id=outcome.request_id, fields=fields
            )
            return self._succeed(outcome, call, self._route(match.operation).answer(self._parts, call), began)
        except WorkbenchError as error:
            return self._refuse(outcome, error, began)
        except Exception:
            log.exception("request failed request_id=%s", outcome.request_id)
            broken = WorkbenchError(
                "Something broke inside Workbench.",
                hint=f"The daemon's log says what, under the request id {outcome.request_id}.",
            )
            return self._refuse(outcome, broken, began)

    def _caller(self, operation: Operation, request: Request, source: str) -> Caller:
        route = self._routes.get((operation.service, operation.action))
        if route and route.open:
            return Caller(user_id="", name="", source=source)
        return self._authenticate(request, source)

    def _route(self, operation: Operation) -> Route:
        route = self._routes.get((operation.service, operation.action))
        if route is None:
            raise NotOffered(
                f"PAI has the operation {operation.action}, Workbench does not offer it.",
                hint="docs/api.md lists what it offers.",
            )
        return route

    def _succeed(
        self, outcome: Outcome, call: Call, answer: Mapping[str, Any] | Stream | Redirect, began: float
    ) -> Response:
        match answer:
            case Stream():
                response: Response = self._streams.response(answer, outcome.request_id)
            case Redirect():
                outcome = replace(outcome, status=303)
                headers = {"location": answer.location, "set-cookie": answer.cookie}
                response = Response(status_code=outcome.status, headers=headers)
            case _:
                outcome = replace(outcome, answer=answer)
                response = _json(success(call.operation, answer, outcome.request_id), outcome)
        self._close(outcome, began)
        return response

    def _refuse(self, outcome: Outcome, error: WorkbenchError, began: float) -> Response:
        outcome = replace(outcome, status=error.status, code=error.code)
        self._close(outcome, began)
        service = outcome.operation.service if outcome.operation else ""
        body = refusal(error, outcome.request_id, service=service)
        return _json(body, outcome, refusal_headers(error))

    def _close(self, outcome: Outcome, began: float) -> None:
        log.info(
            "request answered verb=%s path=%s operation=%s caller=%s source=%s status=%d code=%s ms=%.1f "
            "request_id=%s",
            outcome.verb,
            outcome.path[:200],
            outcome.operation.action if outcome.operation else "",
            outcome.caller.name if outcome.caller else "",
            outcome.source,
            outcome.status,
            outcome.code,
            (time.monotonic() - began) * 1000,
            outcome.request_id,
        )
        try:
            self._observe(outcome)
        except Exception:  # what is done is done: the caller must hear of it whatever the observer suffers
            log.exception("observer failed request_id=%s", outcome.request_id)


def _json(content: Mapping[str, Any], outcome: Outcome, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(
        text,
        status_code=outcome.status,
        media_type="application/json",
        headers={"x-acs-request-id": outcome.request_id, **(headers or {})},
    )
