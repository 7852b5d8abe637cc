"""A request's way: what is asked for, who asks, is it well-formed, the answer.

Reading and sending are asynchronous; between the two, everything runs in a thread of a bounded
pool, so that what answers an operation is a plain function that may block.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, request_response
from starlette.routing import Route as HttpRoute

from workbench.api import incoming
from workbench.api.outcome import Observer, Outcome, Visit
from workbench.api.routing import NotOffered, find_operation
from workbench.api.streams import Streams
from workbench.errors import WorkbenchError
from workbench.parts import Parts, Route
from workbench.wire.answers import refusal, refusal_headers, success
from workbench.wire.call import Call, Caller, Redirect, Stream, Text
from workbench.wire.fields import read_fields
from workbench.wire.signatures import Request

log = logging.getLogger(__name__)

_THREADS = 16

Authenticate = Callable[[Request, str], Caller]
"""Says who sent a request, given where it came from; raises Unauthenticated and its like."""


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
        observe: Is told of every request but those for health, refused ones too.
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
        visit = Visit(outcome, self._observe)
        loop = asyncio.get_running_loop()
        try:
            body = await incoming.body(http)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except incoming.BodyTooLarge as error:
            return await loop.run_in_executor(self._pool, _refuse, visit, error)
        return await loop.run_in_executor(self._pool, self._serve, visit, http, body)

    def _serve(self, visit: Visit, http: HttpRequest, body: bytes) -> Response:
        try:
            return self._succeed(visit, incoming.read(http, body))
        except WorkbenchError as error:
            return _refuse(visit, error)
        except Exception:
            request_id = visit.outcome.request_id
            log.exception("request failed request_id=%s", request_id)
            hint = f"The daemon's log says what, under the request id {request_id}."
            return _refuse(visit, WorkbenchError("Something broke inside Workbench.", hint=hint))

    def _succeed(self, visit: Visit, request: Request) -> Response:
        match = find_operation(request.verb, request.raw_path, request.headers.get("x-acs-version", ""))
        operation = match.operation
        visit.learn(operation=operation)

        route = self._routes.get((operation.service, operation.action))
        if route and route.open:
            caller = Caller(user_id="", name="", source=visit.outcome.source)
        else:
            caller = self._authenticate(request, visit.outcome.source)
        visit.learn(caller=caller)
        if route is None:
            raise NotOffered(operation)

        fields = read_fields(operation, match.arguments, query=request.query, body=request.body)
        visit.learn(fields=fields)
        call = Call(operation=operation, caller=caller, request_id=visit.outcome.request_id, fields=fields)
        response = self._response(visit, call, route.answer(self._parts, call))
        visit.close()
        return response

    def _response(
        self, visit: Visit, call: Call, answer: Mapping[str, Any] | Stream | Text | Redirect
    ) -> Response:
        match answer:
            case Stream():
                return self._streams.response(answer, call.request_id)
            case Text():
                headers = {"x-acs-request-id": call.request_id}
                return Response(answer.content, media_type=answer.media_type, headers=headers)
            case Redirect():
                visit.learn(status=303)
                headers = {"location": answer.location, "set-cookie": answer.cookie}
                return Response(status_code=303, headers=headers)
        visit.learn(answer=answer)
        return _json(visit.outcome, success(call.operation, answer, call.request_id))


def _refuse(visit: Visit, error: WorkbenchError) -> Response:
    visit.learn(status=error.status, code=error.code, answer=None)
    visit.close()
    seen = visit.outcome
    service = seen.operation.service if seen.operation else ""
    return _json(seen, refusal(error, seen.request_id, service=service), refusal_headers(error))


def _json(outcome: Outcome, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False),
        status_code=outcome.status,
        media_type="application/json",
        headers={"x-acs-request-id": outcome.request_id, **(headers or {})},
    )
