"""Lines of a log, as many as a day of flooding brings, in little memory.

They are spilled to temporary files without a name, which vanish with the process however that
ends. In memory is only where each line begins and how wide it is on the screen: 12 bytes. Once
there are too many, the oldest go, and `dropped` tells how many.
"""

from __future__ import annotations

import errno
import os
import struct
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.wire.times import from_wire
from workbench_tui.widgets import log_text

_HEAD = struct.Struct("<qBH")
_STREAM_AT = 8
_STREAMS = ("stdout", "stderr")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PARTS = 8


@dataclass(frozen=True)
class Line:
    """One line of a log.

    `time` is aware, `stream` is `stdout` or `stderr`, `text` may hold terminal colours;
    `source` is the pod where several are shown as one.
    """

    time: datetime
    stream: str
    text: str
    source: str = ""

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any], *, source: str = "") -> Line:
        """Read one line as the daemon sends it."""
        return cls(from_wire(answer["Time"]), answer["Stream"], answer["Text"], source)


class LogLines:
    """All lines of a log, by their number: the first ever is 0.

    Args:
        most_lines: As many may be kept, as near as dropping an eighth at once allows.
        most_bytes: Of temporary files, likewise.
    """

    def __init__(self, *, most_lines: int = 2_000_000, most_bytes: int = 2**30) -> None:
        self._part_lines = max(most_lines // _PARTS, 1)
        self._part_bytes = max(most_bytes // _PARTS, 1)
        self._parts = [_Part(0)]
        self._sources: list[str] = []
        self.widest = 0
        """Cells of the widest line so far."""

    @property
    def dropped(self) -> int:
        """Lines that are no longer kept; the number of the oldest one that is."""
        return self._parts[0].first

    @property
    def end(self) -> int:
        """The number that the next line will get."""
        return self._parts[-1].end

    @property
    def sources(self) -> Sequence[str]:
        """Where lines came from so far, in order of appearance."""
        return self._sources

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines at the end.

        Where the disk has no room for them, all are given up, and counted: a reader who is told
        so is better off than one without a dashboard.
        """
        for start in range(0, len(lines), self._part_lines):
            records = [self._record(line) for line in lines[start : start + self._part_lines]]
            try:
                self._room_for(len(records)).append(records)
            except OSError:
                self._begin_anew(at=self.end + len(records))
            self.widest = max(self.widest, *(abs(cells) for _, cells in records))

    def __getitem__(self, number: int) -> Line:
        """One line.

        Raises:
            IndexError: It was dropped, or is not there yet.
        """
        return next(self.read(number, number + 1))

    def read(self, start: int, end: int) -> Iterator[Line]:
        """The lines from one number up to, but without, another.

        Raises:
            IndexError: They are not all there.
        """
        for record in self._records(start, end):
            microseconds, stream, source = _HEAD.unpack_from(record)
            yield Line(
                _BEGINNING + microseconds * _MICROSECOND,
                _STREAMS[stream],
                _text(record),
                self._sources[source],
            )

    def texts(self, start: int, end: int) -> Iterator[tuple[str, str]]:
        """As `read`, but only streams and texts: for looking through many lines.

        Raises:
            IndexError: They are not all there.
        """
        for record in self._records(start, end):
            yield _STREAMS[record[_STREAM_AT]], _text(record)

    def widths(self, start: int) -> Iterator[int]:
        """Each line's width as `log_text.width` tells it, from a number on to the end."""
        for part in self._parts:
            if start < part.end:
                yield from part.widths[max(start - part.first, 0) :]

    def close(self) -> None:
        """Give the disk back."""
        for part in self._parts:
            part.close()

    def _room_for(self, count: int) -> _Part:
        newest = self._parts[-1]
        if newest.count + count > self._part_lines or newest.size > self._part_bytes:
            newest = _Part(newest.end)
            self._parts.append(newest)
        if len(self._parts) > _PARTS:
            self._parts.pop(0).close()
        return newest

    def _begin_anew(self, *, at: int) -> None:
        self.close()
        self._parts = [_Part(at)]

    def _record(self, line: Line) -> tuple[bytes, int]:
        if line.source not in self._sources:
            self._sources.append(line.source)
        head = _HEAD.pack(
            (line.time - _BEGINNING) // _MICROSECOND,
            _STREAMS.index(line.stream),
            self._sources.index(line.source),
        )
        return head + line.text.encode(errors="surrogatepass"), log_text.width(line.text)

    def _records(self, start: int, end: int) -> Iterator[bytes]:
        if not self.dropped <= start <= end <= self.end:
            raise IndexError(f"lines {start} to {end} of {self.dropped} to {self.end}")
        for part in self._parts:
            if start < part.end and part.first < end:
                yield from part.read(max(start, part.first), min(end, part.end))


class _Part:
    """A run of lines in a file of its own, so that it can go as a whole."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.size = 0
        self.widths = array("i")
        self._starts = array("Q")
        self._file = tempfile.TemporaryFile(prefix="workbench-log-", buffering=0)  # noqa: SIM115 see close

    @property
    def count(self) -> int:
        return len(self._starts)

    @property
    def end(self) -> int:
        return self.first + self.count

    def append(self, records: Sequence[tuple[bytes, int]]) -> None:
        block = b"".join(record for record, _ in records)
        if os.pwrite(self._file.fileno(), block, self.size) < len(block):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for record, width in records:
            self._starts.append(self.size)
            self.widths.append(width)
            self.size += len(record)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        starts = [*self._starts[start - self.first : end - self.first + 1], self.size]
        block = os.pread(self._file.fileno(), starts[end - start] - starts[0], starts[0])
        for index in range(end - start):
            yield block[starts[index] - starts[0] : starts[index + 1] - starts[0]]

    def close(self) -> None:
        self._file.close()


def _text(record: bytes) -> str:
    return record[_HEAD.size :].decode(errors="surrogatepass")
