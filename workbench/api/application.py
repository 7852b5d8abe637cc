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
from contextlib import nullcontext
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, request_response, websocket_session
from starlette.routing import Route as HttpRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from workbench.api import dialogues, incoming, streams
from workbench.api.openings import Openings, Recognise
from workbench.api.outcome import Around, Observer, Outcome, Visit
from workbench.api.routing import NotOffered, find_operation
from workbench.errors import Forbidden, InvalidInput, WorkbenchError
from workbench.parts import Parts, Route
from workbench.wire.answers import refusal, refusal_headers, success
from workbench.wire.call import Call, Caller, Dialogue, Redirect, Stream, Text
from workbench.wire.fields import read_fields
from workbench.wire.signatures import Request

log = logging.getLogger(__name__)

T = TypeVar("T")

_THREADS = 16

Authenticate = Callable[[Request, str], Caller]
"""Says who sent a request, given where it came from; raises Unauthenticated and its like."""


class NotAsked(InvalidInput):
    """A dialogue was asked for without a WebSocket, or something else with one."""

    code = "UpgradeRequired"
    status = 426


class NoBrowsers(Forbidden):
    """A page in a browser wants a dialogue. Whose page it is does not matter: none needs one."""

    code = "ForeignOrigin"

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"A page of {origin[:100]} may not open this.", hint="`workbench notebook shell` opens a shell."
        )


def application(
    parts: Parts,
    routes: Sequence[Route],
    authenticate: Authenticate,
    *,
    recognise: Recognise = lambda caller: None,
    around: Around = lambda outcome: nullcontext(),
    observe: Observer = lambda outcome: None,
) -> Starlette:
    """The HTTP application. Its `state.openings` ends what is open when the server stops.

    Args:
        parts: Handed on to what answers, and never looked at.
        routes: Every operation that is offered.
        authenticate: Says who asks.
        recognise: Raises once somebody who asked before would not be let in any more.
        around: Is there while what was asked for is done, with what is known of the request then.
        observe: Is told of every request but those for health, refused ones too.
    """
    door = _Door(parts, routes, authenticate, recognise=recognise, around=around, observe=observe)
    asked, talked_to = request_response(door.answer), websocket_session(door.talk)

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        await (talked_to if scope["type"] == "websocket" else asked)(scope, receive, send)

    app = Starlette(
        routes=[HttpRoute("/workbench/v1/health", _health, methods=["GET"]), Mount("/", app=either)]
    )
    app.state.openings = door.openings
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
        *,
        recognise: Recognise,
        around: Around,
        observe: Observer,
    ) -> None:
        self._parts = parts
        self._routes = {(each.operation.service, each.operation.action): each for each in routes}
        self._authenticate = authenticate
        self._around = around
        self._observe = observe
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")
        self.openings = Openings(self._pool, recognise)

    async def answer(self, http: HttpRequest) -> Response:
        """Answer a request."""
        visit = self._visit(http, http.method)
        try:
            body = await incoming.body(http)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except incoming.BodyTooLarge as error:
            return await self._in_pool(_refuse, visit, error)
        return await self._in_pool(self._serve, visit, http, body)

    async def talk(self, websocket: WebSocket) -> None:
        """Begin what is asked for, and carry what is said both ways."""
        visit = self._visit(websocket, "GET")
        try:
            call, dialogue = await self._in_pool(self._admit, visit, websocket)
            with self.openings.hold(call.caller, dialogue.allowed, talks=True) as opening:
                program = await dialogue.begin()
                try:
                    visit.learn(status=101)
                    await self._in_pool(visit.close)
                    await websocket.accept(headers=[(b"x-acs-request-id", call.request_id.encode())])
                    await dialogues.talk(websocket, program, opening, call.request_id)
                finally:
                    await program.hang_up()
                    visit.learn(over=True)
                    await self._in_pool(visit.close)
        except WebSocketDisconnect:
            return
        except Exception as error:
            if visit.outcome.status == 101:
                raise
            await websocket.send_denial_response(await self._in_pool(self._refuse_any, visit, error))

    def _visit(self, http: HTTPConnection, verb: str) -> Visit:
        outcome = Outcome(
            request_id=str(uuid.uuid4()).upper(),
            source=incoming.source(http),
            verb=verb,
            path=http.scope["raw_path"].decode("latin-1"),
        )
        return Visit(outcome, self._observe)

    async def _in_pool(self, act: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, act, *given)

    def _serve(self, visit: Visit, http: HttpRequest, body: bytes) -> Response:
        try:
            call, route = self._understand(visit, incoming.read(http, http.method, body))
            if route.talks:
                raise NotAsked(f"{call.operation.action} is asked for with a WebSocket.")
            with self._around(visit.outcome):
                answer = route.answer(self._parts, call)
            response = self._response(visit, call, answer)
        except Exception as error:
            return self._refuse_any(visit, error)
        visit.close()
        if call.operation.verb != "GET":
            self.openings.look_again()
        return response

    def _admit(self, visit: Visit, websocket: WebSocket) -> tuple[Call, Dialogue]:
        if origin := websocket.headers.get("origin"):
            raise NoBrowsers(origin)
        call, route = self._understand(visit, incoming.read(websocket, "GET"))
        if not route.talks:
            raise NotAsked(f"{call.operation.action} is asked for without a WebSocket.")
        answer = route.answer(self._parts, call)
        assert isinstance(answer, Dialogue)
        return call, answer

    def _understand(self, visit: Visit, request: Request) -> tuple[Call, Route]:
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
        return call, route

    def _refuse_any(self, visit: Visit, error: Exception) -> Response:
        if isinstance(error, WorkbenchError):
            return _refuse(visit, error)
        request_id = visit.outcome.request_id
        log.error("request failed request_id=%s", request_id, exc_info=error)
        hint = f"The daemon's log says what, under the request id {request_id}."
        return _refuse(visit, WorkbenchError("Something broke inside Workbench.", hint=hint))

    def _response(
        self, visit: Visit, call: Call, answer: Mapping[str, Any] | Stream | Dialogue | Text | Redirect
    ) -> Response:
        match answer:
            case Stream():
                return streams.response(self.openings, answer, call)
            case Text():
                headers = {"x-acs-request-id": call.request_id}
                return Response(answer.content, media_type=answer.media_type, headers=headers)
            case Redirect():
                visit.learn(status=303)
                headers = {"location": answer.location, "set-cookie": answer.cookie}
                return Response(status_code=303, headers=headers)
            case Dialogue():
                raise AssertionError("a dialogue whose route does not talk")
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
