"""What a command writes to a terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

STYLE = re.compile(r"\x1b\[[\d;]*m")


def written_to_terminal(*arguments: str, columns: int = 80) -> str:
    """All of its stdout, styles and control characters too; lines end as the program ended them."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = termios.tcgetattr(there)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(there, termios.TCSANOW, settings)
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=there,
        env={**environment, "TERM": "xterm-256color"},
    ) as process:
        os.close(there)
        written = b"".join(iter(lambda: _some(here), b""))
        os.close(here)
    assert process.returncode == 0
    return written.decode()


def seen_on_terminal(*arguments: str, columns: int = 80) -> list[str]:
    """The lines, without their styles."""
    return STYLE.sub("", written_to_terminal(*arguments, columns=columns)).splitlines()


def _some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody writes any more
        return b""
