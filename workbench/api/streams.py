"""Answers without an end: one JSON object a line, as long as somebody listens.

An empty line now and then keeps proxies from closing the connection, and finds out that nobody
is there any more.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from workbench.errors import WorkbenchError
from workbench.wire.answers import refusal
from workbench.wire.call import Stream

log = logging.getLogger(__name__)

_HEARTBEAT_S = 15.0


class Streams:
    """All streams of a server, so that they can be ended together."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End every stream; called in the event loop."""
        self._stopping.set()

    def response(self, stream: Stream, request_id: str) -> StreamingResponse:
        """Send a stream."""
        return StreamingResponse(
            self._lines(stream, request_id),
            media_type="application/x-ndjson",
            headers={"x-acs-request-id": request_id, "cache-control": "no-store"},
        )

    async def _lines(self, stream: Stream, request_id: str) -> AsyncIterator[bytes]:
        source = aiter(stream.lines)
        following: asyncio.Future[object] = asyncio.ensure_future(anext(source))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            while not stopping.done():
                await asyncio.wait(
                    (following, stopping), timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if following.done():
                    yield _line(following.result())
                    following = asyncio.ensure_future(anext(source))
                elif not stopping.done():
                    yield b"\n"
        except StopAsyncIteration:
            pass
        except WorkbenchError as error:
            yield _line(refusal(error, request_id))
        except Exception:
            log.exception("stream failed request_id=%s", request_id)
            yield _line(refusal(WorkbenchError("The stream broke off."), request_id))
        finally:
            following.cancel()
            stopping.cancel()


def _line(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
