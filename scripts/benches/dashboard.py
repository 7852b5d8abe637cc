"""The dashboard's first paint in ratio to an empty Textual application's, and what it costs at rest.

Both are started as processes in a terminal of their own, in turns, so that a busy machine is unfair
to neither; the clock runs from the start of the process to the first text on its screen. Beside it
stands the CPU time until then, which other work on the machine changes little. Both run from bytecode,
as an installed program does. At rest means an open list of 100 notebooks, all of which change every
5 s, and the overview of the same, once what comes at the start has settled.
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
_SETTLE_S = 7.0
_REST_S = 30.0
_SCREENS = {"list": b":nb\r", "overview": b""}
_EMPTY = (
    "from textual.app import App; from textual.widgets import Static\n"
    "class Empty(App):\n"
    "    def compose(self): yield Static('Overview')\n"
    "Empty().run()"
)


def main() -> None:
    """Measure and print."""
    with (
        fixed_machine() as machine,
        machine.serving(),
        tempfile.TemporaryDirectory() as state,
        tempfile.TemporaryDirectory() as bytecode,
    ):
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": bytecode,
            "WORKBENCH_HOME": str(machine.settings.home),
            "XDG_STATE_HOME": state,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        _first_paint(environment)
        _at_rest(machine, environment)


def _first_paint(environment: dict[str, str]) -> None:
    empty, ours = ("-c", _EMPTY), ("-m", "workbench_tui")
    for arguments in (empty, ours):
        _until_painted(arguments, environment)  # writes the bytecode
    rounds = [
        (*_until_painted(empty, environment), *_until_painted(ours, environment)) for _ in range(_ROUNDS)
    ]
    bare, bare_cpu, full, full_cpu = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(f"first paint: {full:.2f} s, empty application {bare:.2f} s, ratio {full / bare:.2f} (aim 1.5)")
    print(
        f"   CPU time: {full_cpu:.2f} s, empty application {bare_cpu:.2f} s, ratio {full_cpu / bare_cpu:.2f}"
    )


def _at_rest(machine: FixedMachine, environment: dict[str, str]) -> None:
    machine.notebooks[:] = [notebook(f"n{number}", "Running") for number in range(_ROWS)]
    ended = threading.Event()
    threading.Thread(target=_change_all, args=(machine, ended), daemon=True).start()
    print(f"{_ROWS} notebooks changing every {_EVERY_S:.0f} s, of a core (aim 2 %):")
    for screen, keys in _SCREENS.items():
        share, memory = _rest_on(keys, environment)
        print(f"   {screen}: {share:.1f} %, {memory:.0f} MiB")
    ended.set()


def _rest_on(keys: bytes, environment: dict[str, str]) -> tuple[float, float]:
    """Percent of a core, and MiB."""
    terminal = _Terminal(("-m", "workbench_tui"), environment)
    try:
        terminal.read_until(b"Overview")
        terminal.write(keys)
        terminal.read_until(b"n10")
        terminal.drain(_SETTLE_S)
        process = psutil.Process(terminal.pid)
        before, begun = sum(process.cpu_times()[:2]), time.monotonic()
        terminal.drain(_REST_S)
        used = sum(process.cpu_times()[:2]) - before
        return 100 * used / (time.monotonic() - begun), process.memory_info().rss / 2**20
    finally:
        terminal.close()


def _change_all(machine: FixedMachine, ended: threading.Event) -> None:
    turn = 0
    while not ended.wait(_EVERY_S):
        turn += 1
        for each in machine.notebooks:
            each["Status"] = ("Stopping", "Running")[turn % 2]
            machine.tell("notebook", each["InstanceId"], each["Status"])


def _until_painted(arguments: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time."""
    begun = time.monotonic()
    terminal = _Terminal(arguments, environment)
    try:
        terminal.read_until(b"Overview")
        took = time.monotonic() - begun
    finally:
        cpu = terminal.close()
    return took, cpu


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

    def close(self) -> float:
        """End the program; the CPU seconds it used."""
        os.kill(self.pid, signal.SIGKILL)
        _, _, used = os.wait4(self.pid, 0)
        os.close(self._file)
        return used.ru_utime + used.ru_stime

    def _read(self, within_s: float) -> bytes:
        ready, _, _ = select.select([self._file], [], [], within_s)
        return os.read(self._file, 65536) if ready else b""


if __name__ == "__main__":
    main()
