"""Programs that are begun in a running pod, with somebody at their terminal.

The engine gives one connection for all of a program's streams, and lets the program run on when
that is closed: with nobody there, and for as long as the pod lives. So a program that is left is
hung up here, as a terminal would do that is closed; and those that a killed daemon left are found
by a word in their command.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from docker.errors import APIError, NotFound

from workbench.errors import EngineAway
from workbench.runtime.engine import Engine
from workbench.runtime.logs import PodGone
from workbench.runtime.pods import Pod

log = logging.getLogger(__name__)

T = TypeVar("T")

_MARK = "workbench-shell"
"""The name under which the program that becomes the wanted one is begun."""
_BECOME = 'umask 002; if [ "$1" ]; then stty rows "$1" cols "$2" 2>/dev/null; fi; shift 2; exec "$@"'
_LOGIN = ("sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l")
_NEVER_TYPED = ",".join(["ctrl-@", "ctrl-_"] * 8)
"""What leaves the engine's connection, which it must have and which is not wanted."""
_HELPERS = 8
_PIECE = 32 * 1024
_HEAD_BYTES = 8
_LOOK_S = 0.05
_LOOK_SELDOM_S = 1.0
_PATIENCE_S = 3.0
_BEGINS_WITHIN_S = 60.0
_INNER_PID = re.compile(r"^NSpid:.*\s(\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ShellPlan:
    """What is to run in a pod.

    `command` is a login shell where it is empty. `terminal` is what the variable TERM says of it,
    empty for three plain streams instead.
    """

    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    terminal: str = ""
    rows: int = 24
    columns: int = 80


class Shells:
    """All programs of this process that somebody talks to, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._helpers = ThreadPoolExecutor(_HELPERS, thread_name_prefix="shells")
        self._ours: set[str] = set()
        self._used: dict[tuple[str, str], datetime] = {}

    async def begin(self, pod: Pod, plan: ShellPlan) -> Shell:
        """Begin a program.

        Raises:
            PodGone: The container is no longer there.
            EngineRefused: It does not run, or cannot run this.
            EngineAway: The engine does not answer.
        """
        id = await self.ask(lambda: self._create(pod, plan))
        try:
            reader, writer = await self._connect(id, terminal=bool(plan.terminal))
        except BaseException:
            self.forget(id)
            raise
        return Shell(self, id, pod, reader, writer, terminal=bool(plan.terminal))

    async def hang_up_strays(self, containers: list[str]) -> None:
        """End what an earlier process began in these containers and left behind."""
        for container in containers:
            for id in await self.ask(lambda: self._strays(container)):  # noqa: B023 (awaited at once)
                await self.hang_up(id, container)

    async def hang_up(self, id: str, container: str) -> None:
        """End a program: as a closed terminal would, and by force what does not mind."""
        for signal in ("HUP", "KILL"):
            if not await self.ask(lambda: self._signal(id, container, signal)):  # noqa: B023
                return
            if await self.ended(id, within_s=_PATIENCE_S):
                return
        log.warning("shell does not end id=%s container=%s", id, container)

    async def ended(self, id: str, *, within_s: float) -> bool:
        """Whether a program ends within so long."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + within_s
        while clock() < deadline:
            if not (await self.look(id))["Running"]:
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    async def look(self, id: str) -> Mapping[str, Any]:
        """What the engine says of a program; it counts as ended once the engine knows it no more."""
        return await self.ask(lambda: self._look(id))

    async def resize(self, id: str, rows: int, columns: int) -> None:
        """Give its terminal another size; one that has ended needs none."""
        with suppress(EngineAway, NotFound):
            await self.ask(lambda: self._resize(id, rows, columns))

    async def ask(self, act: Callable[[], T]) -> T:
        """Ask the engine something, without making anybody else wait."""
        return await asyncio.get_running_loop().run_in_executor(self._helpers, act)

    def note_use(self, pod: Pod) -> None:
        """Something was typed or written."""
        self._used[pod.kind, pod.id] = datetime.now(UTC)

    def last_used(self, kind: str, id: str) -> datetime | None:
        """When something was last typed or written in a pod; None where nothing was since we began."""
        return self._used.get((kind, id))

    def forget_use(self, pod: Pod) -> None:
        """The pod is gone, and nobody asks any more when it was used."""
        self._used.pop((pod.kind, pod.id), None)

    def forget(self, id: str) -> None:
        """It is nobody's any more: were it still there, it would be a stray."""
        self._ours.discard(id)

    def _create(self, pod: Pod, plan: ShellPlan) -> str:
        size = (str(plan.rows), str(plan.columns)) if plan.terminal else ("", "")
        with self._engine.open() as docker:
            try:
                id = docker.exec_create(
                    pod.container,
                    ["sh", "-c", _BECOME, _MARK, *size, *(plan.command or _LOGIN)],
                    stdin=True,
                    tty=bool(plan.terminal),
                    environment={**plan.environment, **({"TERM": plan.terminal} if plan.terminal else {})},
                    detach_keys=_NEVER_TYPED,
                )["Id"]
            except NotFound as error:
                raise PodGone("The container is no longer there.") from error
        self._ours.add(id)
        return str(id)

    async def _connect(self, id: str, *, terminal: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The engine's own client loses what a program writes at once, so this asks itself."""
        body = json.dumps({"Detach": False, "Tty": terminal})
        url = await self.ask(lambda: self._start_path(id))
        head = (
            f"POST {url} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_BEGINS_WITHIN_S):
                reader, writer = await self._reach()
                writer.write((head + body).encode())
                answer = await reader.readuntil(b"\r\n\r\n")
            if answer.startswith(b"HTTP/1.1 101"):
                return reader, writer
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _close(writer)
            raise EngineAway("The connection to Docker broke as a program was begun.") from error
        _close(writer)
        raise EngineAway(f"Docker did not begin the program: {answer.splitlines()[0].decode()}.")

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._engine.docker_host)
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path)
        return await asyncio.open_connection(parts.hostname, parts.port)

    def _start_path(self, id: str) -> str:
        with self._engine.open() as docker:
            return urlsplit(f"{docker.base_url}/v{docker.api_version}/exec/{id}/start").path

    def _look(self, id: str) -> Mapping[str, Any]:
        with self._engine.open() as docker:
            try:
                found: Mapping[str, Any] = docker.exec_inspect(id)
            except NotFound:
                return {"Running": False, "ExitCode": None, "Pid": 0}
            return found

    def _resize(self, id: str, rows: int, columns: int) -> None:
        with self._engine.open() as docker:
            try:
                docker.exec_resize(id, height=rows, width=columns)
            except APIError:
                return  # it is just beginning, or over

    def _strays(self, container: str) -> list[str]:
        with self._engine.open() as docker:
            try:
                listed = docker.inspect_container(container).get("ExecIDs") or []
            except NotFound:
                return []
            begun = [id for id in listed if id not in self._ours]
            return [id for id in begun if _is_marked(self._look(id))]

    def _signal(self, id: str, container: str, signal: str) -> bool:
        """Send a signal to a program and its children; whether it was there to get one.

        From inside, as the program's own user: outside that may be another user's process.
        """
        seen = self._look(id)
        pid = _inner_pid(seen["Pid"]) if seen["Running"] else None
        if pid is None:
            return bool(seen["Running"])
        command = ["sh", "-c", 'kill -s "$1" -- "-$2"', "sh", signal, str(pid)]
        with self._engine.open() as docker:
            try:
                docker.exec_start(docker.exec_create(container, command)["Id"], detach=True)
            except (NotFound, APIError):
                return False  # the container ended, and all in it
        return True


class Shell:
    """A program that somebody talks to; see `wire.call.Program`."""

    def __init__(
        self,
        shells: Shells,
        id: str,
        pod: Pod,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        terminal: bool,
    ) -> None:
        self._shells = shells
        self._id = id
        self._pod = pod
        self._reader = reader
        self._writer = writer
        self._terminal = terminal

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """What it writes, each piece with its stream: 1, or 2 for stderr where there is no terminal."""
        with suppress(ConnectionError):  # the engine ended, or the container: `exit_code` asks which
            if self._terminal:
                while data := await self._reader.read(_PIECE):
                    self._shells.note_use(self._pod)
                    yield 1, data
                return
            while head := await self._head():
                stream, rest = head[0], int.from_bytes(head[4:], "big")
                while rest and (data := await self._reader.read(min(rest, _PIECE))):
                    rest -= len(data)
                    self._shells.note_use(self._pod)
                    yield stream, data

    async def write(self, data: bytes) -> None:
        self._shells.note_use(self._pod)
        self._writer.write(data)
        await self._writer.drain()

    async def end_input(self) -> None:
        with suppress(OSError):
            self._writer.write_eof()

    async def resize(self, rows: int, columns: int) -> None:
        if self._terminal:
            await self._shells.resize(self._id, rows, columns)

    async def exit_code(self) -> int:
        """How it ended: 128 and the signal's number where it was killed, 137 where the pod ended."""
        wait_s = _LOOK_S
        while (seen := await self._shells.look(self._id))["Running"]:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LOOK_SELDOM_S)
        return 137 if seen["ExitCode"] is None else int(seen["ExitCode"])

    async def hang_up(self) -> None:
        self._writer.close()
        try:
            await self._shells.hang_up(self._id, self._pod.container)
        except EngineAway:
            log.warning("shell left behind id=%s container=%s", self._id, self._pod.container)
        finally:
            self._shells.forget(self._id)

    async def _head(self) -> bytes:
        try:
            return await self._reader.readexactly(_HEAD_BYTES)
        except asyncio.IncompleteReadError:
            return b""


def _close(writer: asyncio.StreamWriter | None) -> None:
    if writer:
        writer.close()


def _is_marked(seen: Mapping[str, Any]) -> bool:
    return bool(seen["Running"]) and _MARK in (seen["ProcessConfig"].get("arguments") or ())


def _inner_pid(pid: int) -> int | None:
    """The process's id in its container; None where it has ended, or not yet begun."""
    try:
        found = _INNER_PID.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) if pid and found else None
