"""A program and whoever talks to it, brought together over a WebSocket until one of them goes.

No thread belongs to a dialogue, and what is kept of it is bounded: see `wire/dialogue.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from workbench.api.openings import Opening
from workbench.errors import InvalidInput, WorkbenchError
from workbench.wire import dialogue
from workbench.wire.answers import refusal
from workbench.wire.call import Program
from workbench.wire.dialogue import WINDOW_BYTES, Window, heard, said

log = logging.getLogger(__name__)

_GOING_AWAY, _SHUT_OUT, _BROKE = 1001, 1008, 1011
_LARGEST_TERMINAL = 10_000


class Impatient(InvalidInput):
    """A client sent more than it was given room for."""

    code = "TooMuchInput"


async def talk(websocket: WebSocket, program: Program, opening: Opening, request_id: str) -> None:
    """Carry what is said both ways, until the program ends, its client goes, or it must end."""
    try:
        code = await _Talk(websocket, program).until_over(opening)
    except WebSocketDisconnect:
        return
    except WorkbenchError as error:
        await _say_why(websocket, error, request_id, _SHUT_OUT if error.status < 500 else _BROKE)
    except Exception:
        log.exception("dialogue failed request_id=%s", request_id)
        await _say_why(websocket, WorkbenchError("The shell broke off."), request_id, _BROKE)
    else:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            if code is None:
                await websocket.close(_GOING_AWAY)
            else:
                await websocket.send_text(said(**{dialogue.EXIT_CODE: code}))
                await websocket.close()


async def _say_why(websocket: WebSocket, error: WorkbenchError, request_id: str, code: int) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # nobody is there to hear it
        await websocket.send_text(said(**refusal(error, request_id)))
        await websocket.close(code)


class _Talk:
    def __init__(self, websocket: WebSocket, program: Program) -> None:
        self._websocket = websocket
        self._program = program
        self._window = Window()
        self._typed: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._untaken = 0
        self._input_ended = False
        self._size: tuple[int, int] | None = None

    async def until_over(self, opening: Opening) -> int | None:
        """The program's exit code; None where the server stops.

        Raises:
            WorkbenchError: It must end, or the engine does not answer.
            WebSocketDisconnect: The client went.
        """
        showing = asyncio.ensure_future(self._show())
        parts: list[asyncio.Future[Any]] = [
            showing,
            *map(asyncio.ensure_future, (self._listen(), self._type())),
        ]
        going_on: set[asyncio.Future[Any]] = {*parts, opening.ending}
        try:
            while True:
                done, going_on = await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    each.result()  # what went wrong in it goes wrong here
                if showing in done:
                    return showing.result()
                if opening.ending in done:
                    if why := opening.ending.result():
                        raise why
                    return None
        finally:
            for each in parts:
                each.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _show(self) -> int:
        async for stream, data in self._program.output():
            await self._window.pass_through(len(data))
            await self._websocket.send_bytes(bytes((stream,)) + data)
        return await self._program.exit_code()

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", _GOING_AWAY))
            if data := message.get("bytes"):
                self._untaken += len(data)
                if self._untaken > WINDOW_BYTES:
                    raise Impatient("More was sent than was taken.")
                self._typed.put_nowait(data)
            else:
                self._obey(message.get("text") or "")

    def _obey(self, text: str) -> None:
        match heard(text):
            case {dialogue.TAKEN: size}:
                self._window.open(size)
            case {dialogue.END_OF_INPUT: True} if not self._input_ended:
                self._input_ended = True
                self._typed.put_nowait(None)
            case {dialogue.RESIZE: {"Rows": int(rows), "Columns": int(columns)}}:
                if self._size is None:
                    self._typed.put_nowait(b"")  # what is typed from now on finds the new size
                self._size = (_cells(rows), _cells(columns))

    async def _type(self) -> None:
        with contextlib.suppress(ConnectionError):  # it reads nothing any more; its end is told elsewhere
            while (data := await self._typed.get()) is not None:
                if self._size:
                    size, self._size = self._size, None
                    await self._program.resize(*size)
                if data:
                    await self._program.write(data)
                    self._untaken -= len(data)
                    await self._websocket.send_text(said(**{dialogue.TAKEN: len(data)}))
            await self._program.end_input()


def _cells(number: int) -> int:
    return max(1, min(number, _LARGEST_TERMINAL))
