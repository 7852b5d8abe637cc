"""The asynchronous client, for programs that do many things at once: the dashboard.

It asks what the blocking one asks, by the same way, with the same words when it fails. HTTP
itself is in `exchange.py`; here are only the bytes' coming and going.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.client import answers
from workbench.client.answers import DaemonAway
from workbench.client.connection import Client
from workbench.wire.operations import Operation

if TYPE_CHECKING:
    from workbench.client.exchange import Exchange

_ANSWER_WITHIN_S = 30.0
_SILENCE_S = 45.0
"""Longest silence of a stream; the daemon sends a heartbeat three times as often."""


class AsyncClient:
    """Calls operations without blocking.

    Args:
        client: The blocking client; it knows the address and who asks.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def address(self) -> str:
        """The socket's path or the endpoint's URL."""
        return str(self._client.address)

    async def call(self, operation: Operation, **fields: Any) -> dict[str, Any]:
        """Ask for one operation.

        Raises:
            ClientError: The daemon refused or failed.
            DaemonAway: Nobody answers.
        """
        async with self._sent(operation, fields, _ANSWER_WITHIN_S) as exchange:
            return answers.read(exchange.status, await exchange.content())

    @asynccontextmanager
    async def stream(
        self, operation: Operation, **fields: Any
    ) -> AsyncIterator[AsyncIterator[list[dict[str, Any]]]]:
        """Follow an operation that answers line by line, until the daemon ends it.

        Yields:
            The lines, once the daemon has agreed: those that came together, one mapping each.
            A heartbeat is an empty list. Reading them may raise as this does.

        Raises:
            ClientError: The daemon refused or failed.
            DaemonAway: Nobody answers, or no more.
        """
        async with self._sent(operation, fields, _SILENCE_S) as exchange:
            if exchange.status >= 400:
                answers.read(exchange.status, await exchange.content())
            yield _read_lines(exchange)

    @asynccontextmanager
    async def _sent(
        self, operation: Operation, fields: Mapping[str, Any], timeout_s: float
    ) -> AsyncIterator[Exchange]:
        from workbench.client.exchange import Exchange, ProtocolError  # noqa: PLC0415 (once it is needed)

        request = self._client.request(operation, fields)
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await self._opened()
                exchange = Exchange(reader, timeout_s)
                writer.write(exchange.sent(request))
                await writer.drain()
                await exchange.begin()
            yield exchange
        except TimeoutError as error:
            raise DaemonAway(f"Workbench did not answer within {timeout_s:.0f} seconds.") from error
        except (OSError, ProtocolError) as error:
            raise self._client.away(error) from error
        finally:
            if writer:
                writer.close()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._client.address
        if isinstance(address, Path):
            return await asyncio.open_unix_connection(os.fspath(address))
        parts = urlsplit(address)
        secure = parts.scheme == "https"
        return await asyncio.open_connection(
            parts.hostname,
            parts.port or (443 if secure else 80),
            ssl=ssl.create_default_context() if secure else None,
        )


async def _read_lines(exchange: Exchange) -> AsyncIterator[list[dict[str, Any]]]:
    rest = b""
    async for chunk in exchange.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        yield [content for line in lines if (content := answers.read_line(line))]
