"""One daemon a home.

The lock is the kernel's: it is gone with the process that held it, however that ended, so
nothing has to be cleaned up after a `kill -9`.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import Conflict
from workbench.settings import UnusableHome

# Who only looks whether a daemon runs holds the lock for an instant too.
_ATTEMPTS = 5
_BETWEEN_ATTEMPTS_S = 0.05


class AlreadyRunning(Conflict):
    """Another daemon serves this home."""

    code = "AlreadyRunning"

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(
            f"A daemon already serves {home}, process {pid}.",
            hint="`workbench status` asks it, `workbench down` stops it.",
        )


@contextmanager
def only_daemon_of(home: Path, run: Path) -> Iterator[None]:
    """Be the one daemon of a home, as long as this process lives. The file holds its id for people to read.

    Raises:
        AlreadyRunning: There is one.
        UnusableHome: The file cannot be written.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        opened = (run / "daemon.lock").open("a+")
    except OSError as error:
        raise UnusableHome(home, error) from error
    with opened as file:
        for attempt in range(_ATTEMPTS):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if attempt == _ATTEMPTS - 1:
                    file.seek(0)
                    raise AlreadyRunning(home, file.read().strip() or "unknown") from error
                time.sleep(_BETWEEN_ATTEMPTS_S)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        # Never closed: who waits for our end must not meet files that are still open in our last moments,
        # and the kernel closes this one when nothing of the process is left.
        os.dup(file.fileno())
        yield
