"""The daemon as a process: whether it lives, how it is started, what it said last.

The daemon holds a lock on a file with its pid for as long as it lives, so that no left-over
file is ever taken for a running daemon.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from workbench.client import Client, DaemonAway
from workbench.errors import WorkbenchError
from workbench.settings import Settings, UnusableHome, as_texts
from workbench.wire.operations import operation

_READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05
_TAIL_LINES = 15


class DaemonDied(WorkbenchError):
    """The daemon ended, or never answered; its log says why."""

    code = "DaemonDied"

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"{what} Its log, {log}, ends with:\n{tail(log)}")


def log_file(settings: Settings) -> Path:
    """Where a daemon in the background writes."""
    return settings.logs / "daemon.log"


def pid(settings: Settings) -> int | None:
    """The process id of the running daemon of this home; None when there is none.

    Raises:
        UnusableHome: The home is somebody else's.
    """
    try:
        with (settings.run / "daemon.lock").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int((settings.run / "daemon.lock").read_text() or 0)
    except OSError as error:
        raise UnusableHome(settings.home, error) from error
    return None


def not_in_force(settings: Settings, names: Iterable[str]) -> list[str]:
    """Which of these settings the running daemon has other values of; it reads them when it starts."""
    try:
        known = json.loads(settings.in_force.read_text())
    except (OSError, ValueError):
        known = {}
    wanted = as_texts(settings)
    return [name for name in names if known.get(name) != wanted[name]]


def answers(settings: Settings) -> bool:
    """Whether the daemon's API is ready."""
    try:
        Client(settings.socket).call(operation("workbench", "GetStatus"))
    except DaemonAway:
        return False
    return True


def launch(settings: Settings, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the daemon, on its own: it outlives the terminal, and Ctrl-C does not reach it.

    Raises:
        UnusableHome: Its log cannot be written.
    """
    try:
        settings.logs.mkdir(parents=True, exist_ok=True)
        settings.logs.chmod(0o700)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        opened = os.fdopen(_for_us_alone(log_file(settings), flags), "ab")
    except OSError as error:
        raise UnusableHome(settings.home, error) from error
    with opened as log:
        return subprocess.Popen(
            [sys.executable, "-m", "workbench.daemon"],
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def await_ready(settings: Settings, process: subprocess.Popen[bytes] | None) -> None:
    """Wait until the API answers.

    Args:
        process: What was launched; None where a daemon runs already. It may end because
            another one was quicker, which is just as good.

    Raises:
        DaemonDied: No daemon is left, or a minute has passed.
    """
    for _ in _looks(_READY_WITHIN_S):
        if answers(settings):
            return
        if process and process.poll() is not None and pid(settings) is None:
            raise DaemonDied(f"The daemon ended with exit code {process.returncode}.", log_file(settings))
    raise DaemonDied(f"The daemon did not answer within {_READY_WITHIN_S:.0f} s.", log_file(settings))


def await_end(settings: Settings, *, within_s: float) -> bool:
    """Wait until no daemon of this home runs; whether that came to be in time."""
    return any(pid(settings) is None for _ in _looks(within_s))


def tail(log: Path) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16_384))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-_TAIL_LINES:])


def _for_us_alone(path: Path, flags: int) -> int:
    file = os.open(path, flags, 0o600)
    os.fchmod(file, 0o600)
    return file


def _looks(within_s: float) -> Iterator[None]:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        yield
        time.sleep(_LOOK_EVERY_S)
