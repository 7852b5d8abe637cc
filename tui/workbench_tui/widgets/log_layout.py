"""Which of a log's lines are shown, and on which rows.

A row is a line of the screen. Without a filter and without folding, rows and lines are one to
one and nothing is kept. With a filter, the numbers of the lines that pass; with folding, where
each one's rows end. Both are found a little at a time, so that keys never wait for a million
lines.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice

from workbench_tui.widgets import log_text
from workbench_tui.widgets.log_lines import LogLines
from workbench_tui.widgets.log_query import Query


class LogLayout:
    """Rows of lines.

    Args:
        lines: The log.
        only: Lines of which this holds.
        stream: Only lines of `stdout` or `stderr`; both when empty.
        fold_at: Cells after which a line goes on in the next row; 0: never.
    """

    def __init__(
        self, lines: LogLines, *, only: Query | None = None, stream: str = "", fold_at: int = 0
    ) -> None:
        self.fold_at = fold_at
        self._lines = lines
        self._only = only
        self._stream = stream
        self._shown: array[int] | range = range(lines.dropped, lines.dropped)
        if only or stream:
            self._shown = array("Q")
        self._row_ends = array("Q")
        self._rows_gone = 0
        self._seen = lines.dropped

    @property
    def filtered(self) -> bool:
        """Whether some lines may be left out."""
        return isinstance(self._shown, array)

    @property
    def unseen(self) -> int:
        """Lines that were not looked at yet."""
        return self._lines.end - self._seen

    @property
    def line_count(self) -> int:
        """Lines that are shown."""
        return len(self._shown)

    @property
    def row_count(self) -> int:
        """Rows that they take."""
        if not self.fold_at:
            return len(self._shown)
        return self._row_ends[-1] - self._rows_gone if self._row_ends else 0

    def look(self, at_most: int) -> None:
        """Take in so many of the lines that were not looked at yet."""
        start = max(self._seen, self._lines.dropped)
        end = min(start + at_most, self._lines.end)
        if isinstance(self._shown, range):
            new: array[int] | range = range(start, end)
            self._shown = range(self._shown.start, end)
        else:
            texts = zip(range(start, end), self._lines.texts(start, end), strict=True)
            new = array("Q", (number for number, (stream, text) in texts if self._passes(stream, text)))
            self._shown.extend(new)
        if self.fold_at:
            self._fold(new, start, end)
        self._seen = end

    def forget(self) -> int:
        """Leave out lines that are no longer kept; answers with the number of rows they took."""
        first = self._lines.dropped
        gone = bisect_left(self._shown, first)
        if isinstance(self._shown, range):
            gone = max(first - self._shown.start, 0)
            self._shown = range(first, max(self._shown.stop, first))
        else:
            del self._shown[:gone]
        if not self.fold_at or not gone:
            return gone
        before, self._rows_gone = self._rows_gone, self._row_ends[gone - 1]
        del self._row_ends[:gone]
        return self._rows_gone - before

    def line_at(self, row: int) -> tuple[int, int]:
        """The number of the line on a row, and which of its rows this is.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= row < self.row_count:
            raise IndexError(f"row {row} of {self.row_count}")
        if not self.fold_at:
            return self._shown[row], 0
        index = bisect_right(self._row_ends, row + self._rows_gone)
        return self._shown[index], row + self._rows_gone - self._row_start(index)

    def row_of(self, number: int) -> int:
        """The first row of a line, or of the next one that is shown."""
        index = bisect_left(self._shown, number)
        return self._row_start(index) - self._rows_gone if self.fold_at else index

    def neighbour(self, number: int, distance: int) -> int:
        """The shown line so many further on, or the last one there is that way."""
        index = bisect_left(self._shown, number) + distance
        return self._shown[min(max(index, 0), len(self._shown) - 1)]

    def between(self, first: int, last: int) -> list[int]:
        """The shown lines from one to another, both of them too."""
        return list(self._shown[bisect_left(self._shown, first) : bisect_right(self._shown, last)])

    def numbers(self, start: int, end: int) -> list[int]:
        """The shown lines from one index up to another."""
        return list(self._shown[start:end])

    def find(self, query: Query, start: int, end: int) -> Iterator[int]:
        """Of the shown lines from one index up to another, the numbers of those meant."""
        numbers = self._shown[start:end]
        if isinstance(numbers, range):
            texts = self._lines.texts(numbers.start, numbers.stop)
        else:
            texts = ((line.stream, line.text) for line in map(self._lines.__getitem__, numbers))
        for number, (_, text) in zip(numbers, texts, strict=True):
            if query.matches(log_text.plain(text)):
                yield number

    def index_of(self, number: int) -> int:
        """How many shown lines stand before a line."""
        return bisect_left(self._shown, number)

    def _row_start(self, index: int) -> int:
        return self._row_ends[index - 1] if index else self._rows_gone

    def _fold(self, new: array[int] | range, start: int, end: int) -> None:
        widths = array("i", islice(self._lines.widths(start), end - start))
        rows = (log_text.rows(widths[number - start], self.fold_at) for number in new)
        total = self._row_ends[-1] if self._row_ends else self._rows_gone
        self._row_ends.extend(list(accumulate(rows, initial=total))[1:])

    def _passes(self, stream: str, text: str) -> bool:
        if self._stream and stream != self._stream:
            return False
        return self._only is None or self._only.matches(log_text.plain(text))
