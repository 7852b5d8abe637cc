"""A real terminal with a shell in it, seen through tmux."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 60
"""A machine may be busy with other things."""


class Terminal:
    """A tmux pane with a shell."""

    def __init__(self, socket: Path, environment: dict[str, str]) -> None:
        self._tmux = ("tmux", "-S", str(socket), "-f", "/dev/null")
        self._environment = environment
        self._run("new-session", "-d", "-x", "100", "-y", "30", "sh")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, text=True, capture_output=True, check=True
        )
        return done.stdout

    @property
    def screen(self) -> str:
        """What is seen."""
        return self._run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._run("send-keys", "-l", text)

    def sees(self, *texts: str, within_s: float = _PATIENCE_S) -> None:
        """Wait until all of these are seen."""
        self.until(lambda: all(text in self.screen for text in texts), f"{texts} on the screen", within_s)

    def until(self, condition: Callable[[], bool], what: str, within_s: float = _PATIENCE_S) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not {what}:\n{self.screen}"
            time.sleep(0.05)

    def is_sane(self) -> bool:
        """Whether the shell has its terminal back: it echoes, on the ordinary screen, without the mouse."""
        flags = self._run("display-message", "-p", "#{alternate_on}#{mouse_any_flag}#{cursor_flag}").strip()
        return flags == "001" and "icanon echo" in self.settings_of_line()

    def settings_of_line(self) -> str:
        """What `stty` says."""
        self.type("clear; stty -a | grep -o -w -e icanon -e echo | xargs\n")
        self.until(lambda: "echo" in self.screen.replace("-e echo", ""), "stty answered")
        return " ".join(sorted(set(self.screen.replace("-e icanon -e echo", "").split()), reverse=True))

    def close(self) -> None:
        """End it."""
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


@contextmanager
def dashboard_in_terminal(home: Path, state: Path) -> Iterator[Terminal]:
    """A terminal in which the dashboard was started by hand."""
    environment = {
        **os.environ,
        "WORKBENCH_HOME": str(home),
        "XDG_STATE_HOME": str(state),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    terminal = Terminal(home / "tmux", environment)
    try:
        terminal.type(f"{shlex.quote(sys.executable)} -m workbench_tui\n")
        terminal.sees("Overview", "● live")
        yield terminal
    finally:
        terminal.close()
