"""A tour of the dashboard on the machine as it is now: a notebook is made, read, measured and stopped.

A user in tmux presses the keys and goes on when the screen shows what was waited for, so the
recording is of real time, less what nobody would watch.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

from tests.tui.terminal import Terminal

_NAME = "tour"
_READ_S = 1.5
"""So long somebody looks at a screen."""
_KEY_S = 0.08


def main() -> None:
    """Record it."""
    path = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory(prefix="wb-tour-") as state:
        environment = {**os.environ, "XDG_STATE_HOME": state, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        environment.pop("COLORTERM", None)  # 256 colours make half the file
        terminal = Terminal(Path(state) / "tmux", environment)
        try:
            record = [sys.executable, "-m", "scripts.asciicast", str(path)]
            terminal.type(shlex.join([*record, sys.executable, "-m", "workbench_tui"]) + '; echo "The end"\n')
            _tour(terminal)
            terminal.sees("\nThe end")
        finally:
            terminal.close()
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def _tour(user: Terminal) -> None:
    user.sees("● live", within_s=60)
    _look(user, 3)
    _type(user, ":nb")
    user.press("Enter")
    user.sees("Overview › Notebooks")
    _look(user)
    _make(user)
    user.sees("● Running", within_s=180)
    _look(user)
    user.press("l")
    user.sees("Following", "Jupyter Server", within_s=60)
    _look(user, 2)
    _type(user, "/http")
    user.press("Enter")
    _look(user, 2)
    user.press("m")
    user.sees("CPU", "peak", within_s=60)
    _look(user, 20)  # for curves to be seen
    user.press("Escape")
    user.sees("Notebooks 1")
    _look(user)
    user.press("x")
    user.sees("ends; its files and packages stay")
    _look(user)
    user.press("y")
    user.sees("○ Stopped", within_s=60)
    _look(user)
    user.press("?")
    user.sees("notebooks.stop")
    _look(user, 2)
    user.press("Escape")
    _look(user, 0.5)  # an escape and a letter at once are another key
    user.press("D")
    user.sees("are lost")
    _look(user)
    user.press("y")
    user.sees("No notebook yet", within_s=60)
    user.press("Escape")
    _look(user)
    user.press("C-q")


def _make(user: Terminal) -> None:
    user.press("n")
    user.sees("Named size")
    for value in (_NAME, "", "", "1", "2", "1"):  # name, image, named size, CPU, memory, GPU
        _type(user, value)
        time.sleep(_READ_S / 4)
        user.press("Tab")
    _look(user)
    user.press("C-s")


def _look(user: Terminal, times: float = 1) -> None:
    time.sleep(times * _READ_S)


def _type(user: Terminal, text: str) -> None:
    for letter in text:
        user.type(letter)
        time.sleep(_KEY_S)


if __name__ == "__main__":
    main()
