"""A log's line as it is drawn: what stands before it, its text, and what is striking in that."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from workbench_tui.widgets import log_text
from workbench_tui.widgets.log_lines import Line
from workbench_tui.widgets.log_query import Query

_MARKS_CELLS = 3
_NUMBER_CELLS = 7
_TIME_CELLS = 12
_LONGEST_SOURCE_CELLS = 16
_LEVELS = re.compile(r"\b(?:(ERROR|CRITICAL|FATAL|Traceback|\w*Error)|(WARN(?:ING)?|\w*Warning))\b")


@dataclass(frozen=True)
class Margin:
    """What stands before each line's text: marks, and what was asked for.

    Args:
        sources: Where lines come from; told where there are several.
    """

    numbers: bool = False
    timestamps: bool = False
    sources: Sequence[str] = ()

    @property
    def cells(self) -> int:
        """Its width."""
        cells = _MARKS_CELLS
        cells += _NUMBER_CELLS + 1 if self.numbers else 0
        cells += _TIME_CELLS + 1 if self.timestamps else 0
        return cells + (self._source_cells + 1 if self._source_cells else 0)

    def text(self, number: int, line: Line, style: Callable[[str], Style]) -> Text:
        """All of it but the first cell, which is the cursor's."""
        quiet = style("log--margin")
        margin = Text(end="")
        if line.stream == "stderr":
            margin.append("!", style("log--stderr"))
        else:
            margin.append(" ")
        if self.numbers:
            margin.append(f" {number + 1:>{_NUMBER_CELLS}}", quiet)
        if self.timestamps:
            margin.append(f" {line.time.astimezone():%H:%M:%S.%f}"[:-3], quiet)
        if cells := self._source_cells:
            margin.append(f" {line.source[-cells:]:<{cells}}", quiet)
        return margin.append(" ")

    @property
    def _source_cells(self) -> int:
        longest = max(map(len, self.sources), default=0)
        return min(longest, _LONGEST_SOURCE_CELLS) if len(self.sources) > 1 else 0


@dataclass(frozen=True)
class Drawn:
    """A line as it looks, wherever the cursor is: its margin but for one cell, and its rows."""

    margin: Strip
    rows: Sequence[Strip]


@dataclass(frozen=True)
class Pen:
    """Draws lines.

    Args:
        margin: What stands before them.
        found: What is highlighted in them.
        fold_at: As in `LogLayout`.
        style: Gives the style of a component class.
    """

    console: Console
    margin: Margin
    found: Query | None
    fold_at: int
    style: Callable[[str], Style]

    def draw(self, number: int, line: Line) -> Drawn:
        """Draw one line."""
        row = log_text.shown(line.text)
        self._highlight(row)
        rows = log_text.fold(row, self.fold_at) if self.fold_at else [row]
        margin = self.margin.text(number, line, self.style)
        return Drawn(
            Strip(margin.render(self.console), self.margin.cells - 1),
            [Strip(each.render(self.console)) for each in rows],
        )

    def _highlight(self, row: Text) -> None:
        if not row.spans:  # a program that colours its lines knows better
            for level in _LEVELS.finditer(row.plain):
                row.stylize(self.style("log--error" if level[1] else "log--warning"), *level.span())
        if self.found and not self.found.inverse:
            for found in self.found.pattern.finditer(row.plain):
                row.stylize(self.style("log--found"), *found.span())
