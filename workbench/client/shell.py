"""A shell elsewhere, at this terminal.

With a terminal at both ends every key goes there as it is pressed, and this terminal is as it was
once the shell is over, however it ends. Without one, stdin, stdout and stderr are the program's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from workbench.client import answers
from workbench.client.answers import ClientError, DaemonAway
from workbench.client.connection import Client
from workbench.errors import WorkbenchError
from workbench.wire import dialogue
from workbench.wire.dialogue import LONGEST_MESSAGE_BYTES, STDERR, Window, heard, said
from workbench.wire.operations import Operation
from workbench.wire.signatures import Request

_ANSWER_WITHIN_S = 60.0
_SIGN_OF_LIFE_S = 20.0
_PIECE = 16 * 1024
_STOPPING = (1001, 1012)
_MADE_BY_US = ("host", "accept", "user-agent")
_SOBER = b"\x1b[?1047l\x1b[?1000;1002;1003;1006l\x1b[?2004l\x1b[?1004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m\r\n"
"""The ordinary screen, no mouse, no pasting in brackets, ordinary keys, a cursor, no colour."""
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LEAVE = b"\r~."
"""Typed at a line's beginning, it leaves a shell that does not answer; as with ssh."""
_LEFT = 130


_STARTS_AGAIN = "Open another once it answers again (`workbench status`); what ran in this one has ended."


class ShellBrokeOff(DaemonAway):
    """The connection ended before the program did."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint=_STARTS_AGAIN)


def run(client: Client, operation: Operation, **fields: Any) -> int:
    """Run a program that a dialogue gives, at this terminal where there is one.

    Returns:
        The program's exit code.

    Raises:
        ClientError: The daemon refused, or ended it; it says why.
        DaemonAway: Nobody answers, or not any more.
    """
    _close_gaps()
    at_terminal = os.isatty(_STDIN) and os.isatty(_STDOUT)
    if at_terminal:
        columns, rows = os.get_terminal_size(_STDOUT)
        fields |= {
            "Terminal": os.environ.get("TERM") or "xterm",
            "Rows": rows or 24,
            "Columns": columns or 80,
        }
    return asyncio.run(_run(client, client.request(operation, fields), at_terminal=at_terminal))


def _close_gaps() -> None:
    """Give each standard stream that is closed a place, or the connection would take it."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(opened)


async def _run(client: Client, request: Request, *, at_terminal: bool) -> int:
    async with _connected(client, request) as connection:
        with _raw_terminal() if at_terminal else nullcontext():
            session = _Session(connection, at_terminal=at_terminal)
            try:
                return await session.until_over()
            except BaseException:
                if at_terminal:
                    os.write(_STDOUT, _SOBER)
                if session.left_with is None:
                    raise
                return session.left_with


@asynccontextmanager
async def _connected(client: Client, request: Request) -> AsyncIterator[ClientConnection]:
    options: dict[str, Any] = {
        "additional_headers": {
            name: value for name, value in request.headers.items() if name not in _MADE_BY_US
        }
        | {"Accept": request.headers["accept"]},
        "user_agent_header": request.headers["user-agent"],
        "compression": None,
        "proxy": None,
        "open_timeout": _ANSWER_WITHIN_S,
        "ping_interval": _SIGN_OF_LIFE_S,
        "ping_timeout": _SIGN_OF_LIFE_S,
        "close_timeout": 2,
        "max_size": 2 * LONGEST_MESSAGE_BYTES,
    }
    path = f"{request.raw_path}?{request.query}" if request.query else request.raw_path
    try:
        if isinstance(client.address, Path):
            opened = await unix_connect(os.fspath(client.address), f"ws://localhost{path}", **options)
        else:
            opened = await connect(f"ws{client.address.removeprefix('http')}{path}", **options)
    except InvalidStatus as error:
        answers.read(error.response.status_code, bytes(error.response.body or b""))
        raise ClientError("What answered is not Workbench.", code="NotWorkbench", status=502) from error
    except TimeoutError as error:
        raise DaemonAway(f"Workbench did not answer within {_ANSWER_WITHIN_S:.0f} seconds.") from error
    except (OSError, InvalidHandshake) as error:
        raise client.away(error) from error
    try:
        yield opened
    finally:
        await opened.close()


class _Session:
    """One program, from its first byte to its end."""

    def __init__(self, connection: ClientConnection, *, at_terminal: bool) -> None:
        self._connection = connection
        self._at_terminal = at_terminal
        self._window = Window()
        self._came: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.left_with: int | None = None
        """The exit code, where a signal or the user ended it here."""

    async def until_over(self) -> int:
        """Carry what is typed and written, until the program has ended."""
        with self._signals_minded():
            typing = asyncio.ensure_future(self._type())
            try:
                _, outcome = await asyncio.gather(self._show(), self._listen())
            finally:
                typing.cancel()
        if isinstance(outcome, WorkbenchError):
            raise outcome
        return outcome

    async def _listen(self) -> int | WorkbenchError:
        """What is heard at last: an exit code, or why there is none. All that came before is shown."""
        try:
            return await self._hear()
        except WorkbenchError as error:
            return error
        finally:
            self._came.put_nowait(None)

    async def _hear(self) -> int:
        with suppress(ConnectionClosed):
            async for message in self._connection:
                if isinstance(message, bytes):
                    self._came.put_nowait(message)
                    continue
                words = heard(message)
                self._window.open(words.get(dialogue.TAKEN))
                if dialogue.EXIT_CODE in words:
                    return int(words[dialogue.EXIT_CODE])
                answers.read_line(message.encode())
        if self._connection.close_code in _STOPPING:
            raise ShellBrokeOff("Workbench was stopped, and the shell with it.")
        raise ShellBrokeOff("The connection to Workbench broke, and the shell ended with it.")

    async def _show(self) -> None:
        while message := await self._came.get():
            data = message[1:]
            await asyncio.to_thread(_write_all, _STDERR if message[0] == STDERR else _STDOUT, data)
            await self._say(**{dialogue.TAKEN: len(data)})

    async def _type(self) -> None:
        before = b"\r"
        while data := await _typed():
            await self._window.pass_through(len(data))
            with suppress(ConnectionClosed):
                await self._connection.send(data)
            if self._at_terminal and _LEAVE in before + data:
                self._leave(_LEFT)
            before = (before + data)[1 - len(_LEAVE) :]
        await self._say(**{dialogue.END_OF_INPUT: True})

    async def _say(self, **words: Any) -> None:
        with suppress(ConnectionClosed):  # whoever listens says so
            await self._connection.send(said(**words))

    @contextmanager
    def _signals_minded(self) -> Iterator[None]:
        """Pass on the terminal's new size, and let what ends this process end it in order."""
        loop = asyncio.get_running_loop()
        self._this = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave, 128 + number)
        if self._at_terminal:
            loop.add_signal_handler(signal.SIGWINCH, lambda: loop.create_task(self._resize()))
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH):
                loop.remove_signal_handler(number)

    def _leave(self, exit_code: int) -> None:
        self.left_with = exit_code
        if self._this:
            self._this.cancel()

    async def _resize(self) -> None:
        columns, rows = os.get_terminal_size(_STDOUT)
        await self._say(**{dialogue.RESIZE: {"Rows": rows, "Columns": columns}})


async def _typed() -> bytes:
    """What stands in stdin, once something does; nothing at its end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(_STDIN, ready.set)
    except PermissionError:
        pass  # a file, which is always ready
    except OSError:
        return b""  # there is none
    else:
        try:
            await ready.wait()
        finally:
            loop.remove_reader(_STDIN)
    try:
        return os.read(_STDIN, _PIECE)
    except OSError:
        return b""  # the terminal is gone


def _write_all(to: int, data: bytes) -> None:
    while data:
        data = data[os.write(to, data) :]


@contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(_STDIN)
    tty.setraw(_STDIN, termios.TCSADRAIN)  # what was typed ahead is kept
    try:
        yield
    finally:
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
