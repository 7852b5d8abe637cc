"""Answers without an end: one JSON object a line, as long as somebody listens and may.

An empty line now and then keeps proxies from closing the connection, and finds out that nobody
is there any more.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from workbench.api.openings import Openings
from workbench.errors import Unavailable, WorkbenchError
from workbench.wire.answers import refusal
from workbench.wire.call import Call, Stream


class DaemonStops(Unavailable):
    """A stream ends since the daemon does, not since all of it was said."""

    code = "DaemonAway"

    def __init__(self) -> None:
        super().__init__("Workbench was stopped.", hint="`workbench status` says whether it runs again.")


log = logging.getLogger(__name__)

_HEARTBEAT_S = 15.0


def response(openings: Openings, stream: Stream, call: Call) -> StreamingResponse:
    """Send a stream."""
    return StreamingResponse(
        _lines(openings, stream, call),
        media_type="application/x-ndjson",
        headers={"x-acs-request-id": call.request_id, "cache-control": "no-store"},
    )


async def _lines(openings: Openings, stream: Stream, call: Call) -> AsyncIterator[bytes]:
    source = aiter(stream.lines)
    following: asyncio.Future[object] = asyncio.ensure_future(anext(source))
    try:
        with openings.hold(call.caller, stream.allowed) as opening:
            while not opening.ending.done():
                await asyncio.wait(
                    (following, opening.ending), timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if opening.ending.done():
                    break
                if following.done():
                    yield _line(following.result())
                    following = asyncio.ensure_future(anext(source))
                else:
                    yield b"\n"
        yield _line(refusal(opening.ending.result() or DaemonStops(), call.request_id))
    except StopAsyncIteration:
        pass
    except WorkbenchError as error:
        yield _line(refusal(error, call.request_id))
    except Exception:
        log.exception("stream failed request_id=%s", call.request_id)
        yield _line(refusal(WorkbenchError("The stream broke off."), call.request_id))
    finally:
        following.cancel()


def _line(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
