"""The dashboard's first paint in ratio to an empty Textual application's, and what it costs at rest.

Both are started as processes in a terminal of their own, in turns, so that a busy machine is unfair
to neither; the clock runs from the start of the process to the first text on its screen. At rest means
an open list of 100 notebooks, all of which change every 5 s.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence

import psutil

from tests.tui.fixed_machine import FixedMachine, fixed_machine, notebook

_ROUNDS = 7
_ROWS = 100
_EVERY_S = 5.0
_REST_S = 30.0
_EMPTY = (
    "from textual.app import App; from textual.widgets import Static\n"
    "class Empty(App):\n"
    "    def compose(self): yield Static('Overview')\n"
    "Empty().run()"
)


def main() -> None:
    """Measure and print."""
    with fixed_machine() as machine, machine.serving(), tempfile.TemporaryDirectory() as state:
        environment = {
            **os.environ,
            "WORKBENCH_HOME": str(machine.settings.home),
            "XDG_STATE_HOME": state,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        _first_paint(environment)
        _at_rest(machine, environment)


def _first_paint(environment: dict[str, str]) -> None:
    empty, ours = [], []
    for _ in range(_ROUNDS):
        empty.append(_until_painted(("-c", _EMPTY), environment))
        ours.append(_until_painted(("-m", "workbench_tui"), environment))
    bare, full = statistics.median(empty), statistics.median(ours)
    print(f"first paint: {full:.2f} s, empty application {bare:.2f} s, ratio {full / bare:.2f} (aim 1.5)")


def _at_rest(machine: FixedMachine, environment: dict[str, str]) -> None:
    machine.notebooks[:] = [notebook(f"n{number}", "Running") for number in range(_ROWS)]
    terminal = _Terminal(("-m", "workbench_tui"), environment)
    try:
        terminal.read_until(b"Overview")
        terminal.write(b":nb\r")
        terminal.read_until(b"n20")
        ended = threading.Event()
        threading.Thread(target=_change_all, args=(machine, ended), daemon=True).start()
        process = psutil.Process(terminal.pid)
        before, begun = sum(process.cpu_times()[:2]), time.monotonic()
        terminal.drain(_REST_S)
        used = sum(process.cpu_times()[:2]) - before
        share = 100 * used / (time.monotonic() - begun)
        memory = process.memory_info().rss / 2**20
        ended.set()
    finally:
        terminal.close()
    print(f"{_ROWS} rows changing every {_EVERY_S:.0f} s: {share:.1f} % of a core (aim 2), {memory:.0f} MiB")


def _change_all(machine: FixedMachine, ended: threading.Event) -> None:
    turn = 0
    while not ended.wait(_EVERY_S):
        turn += 1
        for each in machine.notebooks:
            each["Status"] = ("Stopping", "Running")[turn % 2]
            machine.tell("notebook", each["InstanceId"], each["Status"])


def _until_painted(arguments: Sequence[str], environment: dict[str, str]) -> float:
    begun = time.monotonic()
    terminal = _Terminal(arguments, environment)
    try:
        terminal.read_until(b"Overview")
        return time.monotonic() - begun
    finally:
        terminal.close()


class _Terminal:
    """A program in a terminal of 120 columns and 40 lines."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        environment = {**environment, "COLUMNS": "120", "LINES": "40"}
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, *arguments], environment)

    def read_until(self, text: bytes, within_s: float = 30) -> None:
        """Read until the program wrote this."""
        seen, deadline = b"", time.monotonic() + within_s
        while text not in seen:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} was not written")
            seen += self._read(0.1)

    def drain(self, seconds: float) -> None:
        """Read whatever comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(0.1)

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._file, keys)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._file)

    def _read(self, within_s: float) -> bytes:
        ready, _, _ = select.select([self._file], [], [], within_s)
        return os.read(self._file, 65536) if ready else b""


if __name__ == "__main__":
    main()
