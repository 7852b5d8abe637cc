"""HTTP for the asynchronous client, by h11. Loaded when something is first sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import h11
from h11 import ProtocolError

from workbench.wire.signatures import Request

__all__ = ["Exchange", "ProtocolError"]

_CHUNK = 65536


@dataclass
class Exchange:
    """One request and its answer, of which h11 says what the bytes mean."""

    reader: asyncio.StreamReader
    timeout_s: float
    status: int = 0
    protocol: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))

    def sent(self, request: Request) -> bytes:
        """The request as bytes."""
        target = f"{request.raw_path}?{request.query}" if request.query else request.raw_path
        headers = {**request.headers, "connection": "close"}
        if request.body or request.verb in ("POST", "PUT"):
            headers["content-length"] = str(len(request.body))
        parts = [
            self.protocol.send(
                h11.Request(method=request.verb, target=target, headers=list(headers.items()))
            ),
            self.protocol.send(h11.Data(data=request.body)) if request.body else b"",
            self.protocol.send(h11.EndOfMessage()),
        ]
        return b"".join(part or b"" for part in parts)

    async def begin(self) -> None:
        """Read as far as the status."""
        while not isinstance(event := await self._event(), h11.Response):
            pass
        self.status = event.status_code

    async def chunks(self) -> AsyncIterator[bytes]:
        """What the answer holds, as it comes."""
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection was closed")
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def content(self) -> bytes:
        """The whole of the answer."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self.protocol.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self.timeout_s):
                self.protocol.receive_data(await self.reader.read(_CHUNK))
        return event  # type: ignore[return-value] # NEED_DATA was read away
