"""How measured values went: curves over time, each with how much now and how much at most."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from workbench_tui.resource import Series
from workbench_tui.texts import say
from workbench_tui.widgets.chart_canvas import Canvas, Window, knows_braille, sample
from workbench_tui.widgets.chart_scale import Scale, longest_gap, scale, ticks

RANGES: tuple[tuple[str, float], ...] = (("5m", 300), ("1h", 3600), ("24h", 86400), ("30d", 30 * 86400))
"""The spans of time that can be chosen, in seconds."""

_COLOURS = 6
_LABEL_CELLS = 9
_AXIS_ROWS = 2


class Chart(Widget):
    """Curves of one unit over the same time.

    The legend above tells each curve's newest and highest value; times are the user's own.
    Where nothing was measured, nothing is drawn.
    """

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 7; text-wrap: nowrap; text-overflow: ellipsis; }
    Chart > .chart--axis { text-style: dim; }
    Chart > .chart--curve-0 { color: $text-primary; }
    Chart > .chart--curve-1 { color: $text-accent; }
    Chart > .chart--curve-2 { color: $text-success; }
    Chart > .chart--curve-3 { color: $text-warning; }
    Chart > .chart--curve-4 { color: $text-secondary; }
    Chart > .chart--curve-5 { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--axis",
        *(f"chart--curve-{number}" for number in range(_COLOURS)),
    }

    series: reactive[Sequence[Series]] = reactive(())
    end = reactive(0.0)
    """The time at the right edge, in seconds since 1970."""
    span_s = reactive(RANGES[0][1])
    ascii_only = reactive(False)

    def render(self) -> RenderResult:
        """Legend, curves, and the axis of times."""
        width, height = self.content_size
        window_start = self.end - self.span_s
        seen = [
            [point for point in each.points if window_start <= point[0] <= self.end] for each in self.series
        ]
        highest = max((value for points in seen for _, value in points), default=0.0)
        axis = scale(highest, self.series[0].unit if self.series else "")
        legend = self._legend(seen, axis, width)
        columns, rows = width - _LABEL_CELLS - 1, height - len(legend) - _AXIS_ROWS
        if columns < 1 or rows < 1:
            return Text("\n").join(legend[:height])
        if rows % 2 == 0:  # an odd number has a middle
            legend.append(Text())
            rows -= 1
        canvas = Canvas(columns, rows, ascii_only=self.ascii_only)
        window = Window(window_start, self.end, axis.top)
        for curve, (each, points) in enumerate(zip(self.series, seen, strict=True)):
            canvas.draw(curve, points, window, longest_gap_s=longest_gap(each.points))
        plot = [self._row(canvas, axis, row) for row in range(rows)]
        if not any(seen):
            plot[rows // 2].right_crop(columns)
            plot[rows // 2].append(f" {say('nothing measured')}", self._quiet)
        return Text("\n", no_wrap=True, end="").join([*legend, *plot, *self._times(window, columns)])

    def _legend(self, seen: Sequence[Sequence[tuple[float, float]]], axis: Scale, width: int) -> list[Text]:
        lines = [Text(no_wrap=True)]
        for curve, (each, points) in enumerate(zip(self.series, seen, strict=True)):
            entry = Text(f"{sample(curve, ascii_only=self.ascii_only)} ", self._colour(curve))
            entry.append(f"{each.title} ", "bold")
            entry.append(self._amounts(each, points, axis))
            if lines[-1].cell_len and lines[-1].cell_len + entry.cell_len + 3 > width:
                lines.append(Text(no_wrap=True))
            if lines[-1].cell_len:
                lines[-1].append("   ")
            lines[-1].append_text(entry)
        return lines

    def _amounts(self, series: Series, points: Sequence[tuple[float, float]], axis: Scale) -> str:
        if not points:
            return say("nothing measured")
        peak = say("peak {value}", value=axis.label(max(value for _, value in points)))
        last, value = points[-1]
        if self.end - last > max(longest_gap(series.points), self.span_s / 20):
            return peak
        return f"{axis.label(value)} · {peak}"

    def _row(self, canvas: Canvas, axis: Scale, row: int) -> Text:
        last = canvas.rows - 1
        told = range(0, last + 1, max(last // (4 if last % 4 == 0 and last >= 12 else 2), 1))
        label = axis.label(axis.top * (last - row) / last) if last and row in told else ""
        bar = ("|" if self.ascii_only else "┤") if label else ("|" if self.ascii_only else "│")
        line = Text(f"{label:>{_LABEL_CELLS}}{bar}", self._quiet, no_wrap=True)
        for curve, cells in groupby(canvas.row(row), key=lambda cell: cell[1]):
            line.append(
                "".join(character for character, _ in cells), self._colour(curve) if curve >= 0 else None
            )
        return line

    def _times(self, window: Window, columns: int) -> list[Text]:
        corner, line, tick = ("+", "-", "+") if self.ascii_only else ("└", "─", "┬")
        axis, labels = [line] * columns, ""
        for column, label in ticks(window.start, window.end, columns):
            start = column - len(label) // 2
            if start >= cell_len(labels) and start + len(label) <= columns:
                axis[column] = tick
                labels = f"{labels:<{start}}{label}"
        edge = " " * _LABEL_CELLS
        return [Text(f"{edge}{corner}{''.join(axis)}", self._quiet), Text(f"{edge} {labels}", self._quiet)]

    @property
    def _quiet(self) -> Style:
        return self.get_component_styles("chart--axis").partial_rich_style

    def _colour(self, curve: int) -> Style:
        return self.get_component_styles(f"chart--curve-{curve % _COLOURS}").partial_rich_style


class Charts(VerticalScroll):
    """One chart for each unit, all over the same time, which keys change.

    The owner sets `series` and `end`, and asks for other values when a `Range` comes.
    """

    DEFAULT_CSS = """
    Charts { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "less_than_sign,comma",
            "span(-1)",
            "Shorter",
            id="chart.shorter",
            key_display="<",
            tooltip="A shorter time.",
        ),
        Binding(
            "greater_than_sign,full_stop",
            "span(1)",
            "Longer",
            id="chart.longer",
            key_display=">",
            tooltip="A longer time.",
        ),
    ]

    series: reactive[Sequence[Series]] = reactive(())
    end = reactive(0.0)
    span_s = reactive(RANGES[0][1])
    ascii_only = reactive(False)

    @dataclass
    class Range(Message):
        """Somebody wants to see so many seconds."""

        span_s: float

    def action_span(self, steps: int) -> None:
        """Choose the next longer or shorter time."""
        spans = [seconds for _, seconds in RANGES]
        index = min(max(spans.index(self.span_s) + steps, 0), len(spans) - 1)
        if spans[index] != self.span_s:
            self.span_s = spans[index]
            self.post_message(self.Range(self.span_s))

    def on_mount(self) -> None:
        """Begin with now, in letters that the terminal knows."""
        self.ascii_only = not knows_braille(os.environ, sys.__stdout__.encoding if sys.__stdout__ else "")
        self.end = self.end or time.time()
        self._tell_range()

    async def watch_series(self, series: Sequence[Series]) -> None:
        units = list(dict.fromkeys(each.unit for each in series)) or [""]
        charts = list(self.query(Chart))
        for chart in charts[len(units) :]:
            await chart.remove()
        for _ in units[len(charts) :]:
            await self.mount(Chart())
        for chart, unit in zip(self.query(Chart), units, strict=True):
            chart.series = [each for each in series if each.unit == unit]
        self._pass_on()

    def watch_end(self) -> None:
        self._pass_on()

    def watch_ascii_only(self) -> None:
        self._pass_on()

    def watch_span_s(self) -> None:
        self._pass_on()
        self._tell_range()

    def _pass_on(self) -> None:
        for chart in self.query(Chart):
            chart.end, chart.span_s, chart.ascii_only = self.end, self.span_s, self.ascii_only

    def _tell_range(self) -> None:
        names = [f"[b]\\[{name}][/b]" if seconds == self.span_s else name for name, seconds in RANGES]
        self.border_subtitle = f"< {' '.join(names)} >"
