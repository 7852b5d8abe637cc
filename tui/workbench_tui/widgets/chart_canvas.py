"""Curves as characters. Pure.

A cell holds two by four dots in Braille. Where the terminal knows no Braille it holds one, drawn
as the curve's own letter. A curve's dashes tell it from others where there is no colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ACROSS, _DOWN = 2, 4
_LETTERS = "*+ox#%"
_DASHES = ((1, 0), (4, 2), (1, 1), (6, 4), (2, 2), (8, 2))
"""Dots that are drawn and then left out, for each curve."""
_SAMPLES = ("──", "╌╌", "┈┈", "━ ", "╍╍", "━━")


def knows_braille(environ: Mapping[str, str], encoding: str) -> bool:
    """Whether a terminal shows Braille: not in other encodings than UTF-8, nor does Linux's own console."""
    return encoding.lower().startswith("utf") and environ.get("TERM") != "linux"


def sample(curve: int, *, ascii_only: bool) -> str:
    """How a curve is told in the legend."""
    return _LETTERS[curve % len(_LETTERS)] * 2 if ascii_only else _SAMPLES[curve % len(_SAMPLES)]


@dataclass(frozen=True)
class Window:
    """The part of the plane that is seen: times in seconds since 1970, values from 0 up."""

    start: float
    end: float
    top: float


class Canvas:
    """Cells to draw on.

    Args:
        columns, rows: Its size in cells.
    """

    def __init__(self, columns: int, rows: int, *, ascii_only: bool) -> None:
        self.columns, self.rows = columns, rows
        self._ascii = ascii_only
        self._across, self._down = (1, 1) if ascii_only else (_ACROSS, _DOWN)
        self._dots = [[0] * columns for _ in range(rows)]
        self._owner = [[-1] * columns for _ in range(rows)]

    def draw(
        self, curve: int, points: Sequence[tuple[float, float]], window: Window, *, longest_gap_s: float
    ) -> None:
        """Draw a curve; points that are further apart are not joined."""
        drawn, left_out = (1, 0) if self._ascii else _DASHES[curve % len(_DASHES)]
        for x, low, high in _spans(self._placed(points, window), longest_gap_s):
            if x % (drawn + left_out) < drawn or high - low > self._down:
                for y in range(low, high + 1):
                    self._dot(curve, x, y)

    def row(self, y: int) -> Iterator[tuple[str, int]]:
        """The characters of a row from the left, each with the curve it belongs to, or -1."""
        for dots, curve in zip(self._dots[y], self._owner[y], strict=True):
            if not dots:
                yield " ", -1
            else:
                yield (_LETTERS[curve % len(_LETTERS)] if self._ascii else chr(_BRAILLE + dots)), curve

    def _placed(
        self, points: Sequence[tuple[float, float]], window: Window
    ) -> Iterator[tuple[float, int, int]]:
        across, down = self.columns * self._across - 1, self.rows * self._down - 1
        for time, value in points:
            if window.start <= time <= window.end:
                x = (time - window.start) / (window.end - window.start) * across
                y = min(max(value / window.top, 0.0), 1.0) * down
                yield time, round(x), round(y)

    def _dot(self, curve: int, x: int, y: int) -> None:
        column, row = x // self._across, self.rows - 1 - y // self._down
        from_top = self._down - 1 - y % self._down
        self._dots[row][column] |= 1 if self._ascii else _DOTS[x % self._across][from_top]
        self._owner[row][column] = curve


def _spans(placed: Iterator[tuple[float, int, int]], longest_gap_s: float) -> Iterator[tuple[int, int, int]]:
    """Of each column that the curve touches, its lowest and its highest dot; a column may come again."""
    before: tuple[float, int, int] | None = None
    for time, x, y in placed:
        if before is None or time - before[0] > longest_gap_s:
            yield x, y, y
        else:
            _, x_before, y_before = before
            yield from _joined(x_before, y_before, x, y)
        before = (time, x, y)


def _joined(x0: int, y0: int, x1: int, y1: int) -> Iterator[tuple[int, int, int]]:
    previous = y0
    for x in range(x0, x1 + 1):
        y = y1 if x == x1 else y0 + round((y1 - y0) * (x - x0) / (x1 - x0))
        yield x, min(previous, y), max(previous, y)
        previous = y
