"""A chart tells what was measured, in its unit, and shows where nothing was."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from workbench_tui.resource import Series
from workbench_tui.widgets.chart import Charts
from workbench_tui.widgets.chart_canvas import Canvas, Window, knows_braille
from workbench_tui.widgets.chart_scale import scale, ticks

END = 1_767_355_200.0
"""2026-01-02 12:00 UTC."""


def measured(
    title: str, unit: str, value: Callable[[int], float], *, seconds: Sequence[int] = range(300)
) -> Series:
    """One value a second, up to the end."""
    return Series(title=title, unit=unit, points=[(END - 299 + second, value(second)) for second in seconds])


FIXED = (
    measured("gpu 0", "%", lambda second: second % 100, seconds=[*range(120), *range(180, 300)]),
    measured("gpu 1", "%", lambda second: 25),
    measured("memory", "B", lambda second: (8 + second / 75) * 2**30),
    measured("temperature", "°C", lambda second: 40 + second / 10, seconds=range(150)),
)


class Wall(App[None]):
    """Charts alone."""

    def __init__(self) -> None:
        super().__init__()
        self.charts = Charts()
        self.asked: list[float] = []

    def compose(self) -> ComposeResult:
        yield self.charts

    def on_charts_range(self, message: Charts.Range) -> None:
        self.asked.append(message.span_s)


@asynccontextmanager
async def drawn(
    series: Sequence[Series], *, size: tuple[int, int] = (80, 30)
) -> AsyncIterator[tuple[Wall, Pilot[None], Callable[[], list[str]]]]:
    app = Wall()
    async with app.run_test(size=size) as pilot:
        app.charts.ascii_only = False
        app.charts.end = END
        app.charts.series = series
        app.charts.focus()
        await pilot.pause()
        yield app, pilot, lambda: [each.text.rstrip() for each in app.screen._compositor.render_strips()]


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    """Times are told by the machine's clock; here it is that of Greenwich."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize("letters", ["braille", "ascii"])
@pytest.mark.parametrize("size", [(80, 30), (132, 40)], ids=["80x30", "132x40"])
async def test_charts_look_as_they_did(letters: str, size: tuple[int, int]) -> None:
    known = Path(__file__).parent / "looks" / f"charts-{letters}-{size[0]}x{size[1]}.txt"
    async with drawn(FIXED, size=size) as (app, pilot, screen):
        app.charts.ascii_only = letters == "ascii"
        await pilot.pause()

        assert "\n".join(screen()) + "\n" == known.read_text()


async def test_the_legend_tells_what_is_now_and_what_was_most() -> None:
    async with drawn(FIXED) as (_, _, screen):
        assert "gpu 0 99% · peak 99%" in screen()[0]
        assert any("memory 12 GiB · peak 12 GiB" in row for row in screen())
        assert any(row.endswith("temperature peak 54.9 °C") for row in screen())


async def test_nothing_is_drawn_where_nothing_was_measured() -> None:
    gap = measured("gpu", "%", lambda second: 50, seconds=[*range(100), *range(200, 300)])
    async with drawn([gap], size=(109, 12)) as (_, _, screen):
        row = next(row for row in screen() if "50%┤" in row)

        plot = row.split("┤")[1]
        assert plot[:32].strip("⠤⠒⣀⠉⠐⠂⡀⠁⠄⠠⢀") == plot[68:].strip("⠤⠒⣀⠉⠐⠂⡀⠁⠄⠠⢀") == ""
        assert plot[35:65].strip() == ""


async def test_keys_change_the_time_that_is_seen() -> None:
    async with drawn(FIXED) as (app, pilot, screen):
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign")

        assert app.asked == [3600, 86400, 3600]
        assert any("11:30" in row for row in screen())
        await pilot.press("less_than_sign", "less_than_sign")
        assert app.charts.span_s == 300


async def test_an_empty_chart_says_so() -> None:
    async with drawn([]) as (_, _, screen):
        assert any("nothing measured" in row for row in screen())


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (12, 5), (300, 100)])
async def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    async with drawn(FIXED) as (_, pilot, screen):
        await pilot.resize_terminal(*size)
        await pilot.pause()

        assert len(screen()) == size[1]


@pytest.mark.parametrize(
    ("term", "encoding", "known"),
    [
        ("xterm-256color", "utf-8", True),
        ("linux", "utf-8", False),
        ("xterm", "iso8859-1", False),
        ("", "", False),
    ],
)
def test_braille_is_drawn_only_where_it_is_seen(term: str, encoding: str, known: bool) -> None:
    assert knows_braille({"TERM": term}, encoding) is known


@given(
    points=st.lists(st.tuples(st.floats(0, 100), st.floats(-10, 1e12)), max_size=20).map(sorted),
    columns=st.integers(1, 20),
    rows=st.integers(1, 8),
    ascii_only=st.booleans(),
)
def test_whatever_is_measured_stays_on_the_canvas(
    points: list[tuple[float, float]], columns: int, rows: int, ascii_only: bool
) -> None:
    canvas = Canvas(columns, rows, ascii_only=ascii_only)
    canvas.draw(0, points, Window(0, 100, 100), longest_gap_s=50)

    cells = [list(canvas.row(row)) for row in range(rows)]
    assert all(len(row) == columns for row in cells)
    assert any(curve == 0 for row in cells for _, curve in row) is bool(points)


@given(highest=st.floats(0, 1e15), unit=st.sampled_from(["%", "B", "B/s", "W", "°C", ""]))
def test_the_axis_reaches_as_high_as_the_highest_value(highest: float, unit: str) -> None:
    axis = scale(highest, unit)

    assert axis.top >= highest * (1 - 1e-6)
    assert axis.label(0) in ("0%", "0", f"0 {axis.unit}")


@given(span=st.sampled_from([300, 3600, 86400, 30 * 86400]), columns=st.integers(30, 300))
def test_times_have_room_and_are_round(span: int, columns: int) -> None:
    told = list(ticks(END - span, END, columns, UTC))

    assert all(0 <= column < columns for column, _ in told)
    assert all(after[0] - before[0] >= 7 for before, after in itertools.pairwise(told))
    assert told
