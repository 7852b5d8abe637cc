"""Nonces on the disk, so that the daemon that comes next knows which were used.

A line each, written before the request is answered and not synced: that outlives a killed daemon,
and costs some microseconds. It does not outlive a power cut, so the kernel's boot id is kept beside
them; after another boot, or where anything went wrong, it is not known what was used before.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PERIOD_S = 15 * 60
_PERIODS_KEPT = 2
"""Before the running one. A request may be dated a quarter of an hour ahead, and is good for another."""


class NonceFile:
    """The files in one folder; one process at a time uses them.

    `earlier` is what processes before this one noted: key, second and digest, in their order. Up to
    the second `closed_until` nothing may have been signed, as more might have been used than that.

    Args:
        now: The time of start.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._marker = folder / "boot"
        self._period = -1
        self._file = -1
        self._broken = False
        self.closed_until = int(now.timestamp()) - 1  # the wire rounds seconds down
        self.earlier: list[tuple[str, int, bytes]] = []
        try:
            closed_until = self._begin(self.closed_until)
            self.earlier, self.closed_until = list(self._read()), closed_until
        except OSError as error:
            self._give_up(error)

    def note(self, access_key_id: str, second: int, digest: bytes, now: datetime) -> None:
        """Keep one more. What cannot be kept is let in all the same, and the next start is told."""
        if self._broken:
            return
        line = f"{access_key_id} {second} {digest.hex()}\n".encode()
        try:
            self._turn_to(int(now.timestamp()) // _PERIOD_S)
            if os.write(self._file, line) != len(line):
                raise OSError("the disk is full")
        except OSError as error:
            self._give_up(error)

    def _begin(self, second: int) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        boot = _BOOT_ID.read_text().strip()
        with contextlib.suppress(FileNotFoundError, ValueError):
            known, closed_until = self._marker.read_text().split()
            if known == boot:
                return int(closed_until)
        for path in self._files():
            path.unlink()
        draft = self._marker.with_suffix(".new")
        draft.write_text(f"{boot} {second}\n")
        draft.replace(self._marker)
        return second

    def _read(self) -> Iterator[tuple[str, int, bytes]]:
        for path in self._files():
            for line in path.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    access_key_id, second, digest = line.split(" ")
                    yield access_key_id, int(second), bytes.fromhex(digest)

    def _turn_to(self, period: int) -> None:
        if period == self._period:
            return
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._folder / str(period), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._period = period
        for path in self._files():
            if int(path.name) < period - _PERIODS_KEPT:
                path.unlink()

    def _files(self) -> list[Path]:
        return sorted((each for each in self._folder.glob("*") if each.name.isdecimal()), key=_number)

    def _give_up(self, error: OSError) -> None:
        self._broken = True
        with contextlib.suppress(OSError):
            self._marker.unlink(missing_ok=True)
        log.warning("nonces are not kept any more folder=%s error=%s", self._folder, error)


def _number(path: Path) -> int:
    return int(path.name)
