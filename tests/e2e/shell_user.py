"""Somebody at a pseudo-terminal in which `workbench notebook shell` runs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.installation import Installation

_PATIENCE_S = 60
"""A machine may be busy with other things."""


class ShellUser:
    """Types, and reads what comes."""

    def __init__(self, workbench: Installation, *arguments: str, rows: int, columns: int, **environment: str):
        self._here, there = pty.openpty()
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(there)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli", "notebook", "shell", *arguments],
            env={**workbench.environment, "TERM": "xterm-256color", **environment},
            stdin=there,
            stdout=there,
            stderr=there,
            start_new_session=True,
        )
        self._there = there
        self.text = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._here, text.encode())

    def sees(self, text: str, *, within_s: float = _PATIENCE_S) -> None:
        """Wait until something was written; what came before it is forgotten then."""
        deadline = time.monotonic() + within_s
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{self.text}"
            self._read(0.1)
        self.text = self.text.partition(text)[2]

    def resize(self, rows: int, columns: int, *, tell: bool = True) -> None:
        """Change the window's size."""
        fcntl.ioctl(self._here, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def exit_code(self, *, within_s: float = _PATIENCE_S) -> int:
        """How the command ended; waits until it has."""
        deadline = time.monotonic() + within_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on:\n{self.text}"
            self._read(0.1)
        self._read(0.1)
        return self.process.returncode

    def has_terminal_back(self) -> bool:
        """Whether the terminal is as it was before the command."""
        return termios.tcgetattr(self._there) == self.before

    def close(self) -> None:
        """End it, and its terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._here)
        os.close(self._there)

    def _read(self, within_s: float) -> None:
        while select.select([self._here], [], [], within_s)[0]:
            self.text += os.read(self._here, 65536).decode(errors="replace")
            within_s = 0


@contextmanager
def a_shell(
    workbench: Installation, *arguments: str, rows: int = 30, columns: int = 100, **environment: str
) -> Iterator[ShellUser]:
    """The command, at a terminal of its own."""
    user = ShellUser(workbench, *arguments, rows=rows, columns=columns, **environment)
    try:
        yield user
    finally:
        user.close()
