"""HAProxy's command socket.

One socket, the master's, leads to every worker: the current one and those that a reload left
behind to finish their connections. Commands are made in `changes.py`; here they are only
carried, and an answer that is not the expected one becomes an error.

Source: https://docs.haproxy.org/2.6/management.html#9.3
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Unavailable
from workbench.gateway.changes import Running
from workbench.gateway.render import INPUTS_KEPT_MS, NOTEBOOKS, RUN_INSIDE
from workbench.gateway.routes import Server

_ANSWER_WITHIN_S = 5.0
_RELOAD_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.05
_FINE = re.compile(
    r"|New server registered[.]|Server deleted[.]|(no need to change|IP|port) .*"
    r"|Server still has connections attached to it.*"  # they are ending; the next look removes it
)
_SESSION = re.compile(r"(0x[0-9a-f]+): .* be=notebooks srv=(\S+) ")
_INPUT = re.compile(r": key=(\S+) .*\bexp=(\d+) ")
_PROCESS = re.compile(r"^(\d+)\s+worker\s+(\d+)\s", re.MULTILINE)


class GatewayAway(Unavailable):
    """HAProxy does not answer on its command socket."""

    code = "GatewayAway"


class CommandRefused(Unavailable):
    """HAProxy understood a command and would not carry it out."""

    code = "GatewayRefused"


@dataclass(frozen=True)
class Worker:
    """A process of HAProxy's. One that is `leaving` takes no new connection."""

    pid: int
    leaving: bool


class Control:
    """Speaks to one HAProxy.

    Args:
        master: The master's socket.
    """

    def __init__(self, master: Path) -> None:
        self._master = master

    def workers(self) -> list[Worker]:
        """All workers, the current one first."""
        current, _, leaving = self._ask("show proc").partition("# old workers")
        found = [Worker(int(pid), False) for pid, _ in _PROCESS.findall(current)]
        if not found:
            raise GatewayAway("The gateway has no worker.", hint="Its container's log says why.")
        return found + [Worker(int(pid), True) for pid, _ in _PROCESS.findall(leaving)]

    def generation(self, worker: Worker) -> str:
        """Which frame a worker was started with."""
        found = re.search(r"^description: (\S*)", self._ask(f"@!{worker.pid} show info"), re.MULTILINE)
        return found[1] if found else ""

    def running(self, worker: Worker) -> Running:
        """What a worker knows of notebooks now.

        Raises:
            CommandRefused: It has just ended, or was started by another version of Workbench.
        """
        records = self._ask(f"@!{worker.pid} show map {RUN_INSIDE}/{NOTEBOOKS}")
        servers = self._ask(f"@!{worker.pid} show servers state notebooks")
        if "# be_id" not in servers or "Unknown map" in records:
            raise CommandRefused(f"The gateway's process {worker.pid} knows nothing of notebooks.")
        return Running(_records(records), _servers(servers))

    def end_connections(self, worker: Worker, ids: Collection[str]) -> None:
        """End what is connected to these notebooks, one by one: for a worker that leaves."""
        for line in self._ask(f"@!{worker.pid} show sess").splitlines():
            if (found := _SESSION.match(line)) and found[2] in ids:
                self._ask(f"@!{worker.pid} shutdown session {found[1]}")

    def inputs(self, worker: Worker) -> Mapping[str, float]:
        """Seconds since something was last sent to each notebook by way of a worker."""
        table = self._ask(f"@!{worker.pid} show table inputs")
        return {id: (INPUTS_KEPT_MS - int(left)) / 1000 for id, left in _INPUT.findall(table)}

    def carry_out(self, worker: Worker, command: str) -> None:
        """Give a worker one command.

        Raises:
            CommandRefused: It would not.
        """
        answer = self._ask(f"@!{worker.pid} {command}").strip()
        if not _FINE.fullmatch(answer):
            name = " ".join(command.split()[:2])  # the rest may be secret
            raise CommandRefused(f"The gateway would not {name}: {answer}.")

    def reload(self) -> bool:
        """Start a new worker with the files as they are now. The old one finishes its connections.

        Returns:
            Whether there is one; if not, the old one goes on as if nothing had been asked.
        """
        before = self.workers()[0]
        reloads = self._reloads()
        self._ask("reload")
        deadline = time.monotonic() + _RELOAD_WITHIN_S
        while time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
            try:
                if self._reloads() == reloads:
                    continue
                return self.workers()[0] != before
            except GatewayAway:
                continue  # the master starts itself anew, and does not listen meanwhile
        raise GatewayAway(f"The gateway did not finish a reload within {_RELOAD_WITHIN_S:.0f} s.")

    def _reloads(self) -> str:
        found = re.search(r"^\d+\s+master\s+(\d+)", self._ask("show proc"), re.MULTILINE)
        return found[1] if found else ""

    def _ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ANSWER_WITHIN_S)
                connection.connect(str(self._master))
                connection.sendall(f"{command}\n".encode())
                connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
        except OSError as error:
            raise GatewayAway(f"The gateway does not answer: {error}.") from error


def _records(answer: str) -> Mapping[str, str]:
    lines = (line.split() for line in answer.splitlines())
    return {words[1]: words[2] for words in lines if len(words) == 3 and words[0].startswith("0x")}


def _servers(answer: str) -> Mapping[str, Server]:
    lines = (line.split() for line in answer.splitlines())
    rows = [words for words in lines if len(words) > 18 and words[1] == "notebooks"]
    return {row[3]: Server(address=row[4], port=int(row[18]), in_use=row[6] == "0") for row in rows}
