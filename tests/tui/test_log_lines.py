"""Lines go to disk and come back as they were; of too many, the oldest go and are counted."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.own_process import alone
from workbench_tui.widgets.log_layout import LogLayout
from workbench_tui.widgets.log_lines import Line, LogLines
from workbench_tui.widgets.log_query import Query

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

a_line = st.builds(
    Line,
    time=st.datetimes(timezones=st.just(UTC)),
    stream=st.sampled_from(["stdout", "stderr"]),
    text=st.text(),
    source=st.sampled_from(["", "pod-0", "pod-1"]),
)


def numbered(count: int, *, start: int = 0) -> list[Line]:
    return [
        Line(NOON + timedelta(seconds=each), ("stdout", "stderr")[each % 10 == 0], f"line {each}")
        for each in range(start, start + count)
    ]


def laid_out(lines: LogLines, **options: object) -> LogLayout:
    layout = LogLayout(lines, **options)  # type: ignore[arg-type]
    layout.look(lines.end)
    return layout


@given(batches=st.lists(st.lists(a_line, max_size=5), max_size=5))
def test_every_line_comes_back_as_it_was(batches: list[list[Line]]) -> None:
    lines = LogLines()
    for batch in batches:
        lines.append(batch)

    assert list(lines.read(0, lines.end)) == [line for batch in batches for line in batch]
    assert lines.dropped == 0


def test_of_too_many_lines_the_oldest_go_and_are_counted() -> None:
    lines = LogLines(most_lines=800)
    for start in range(0, 2000, 50):
        lines.append(numbered(50, start=start))

    assert lines.end == 2000
    assert 700 <= lines.end - lines.dropped <= 800
    assert lines[lines.dropped].text == f"line {lines.dropped}"
    with pytest.raises(IndexError):
        lines[lines.dropped - 1]


def test_of_too_much_text_the_oldest_goes() -> None:
    lines = LogLines(most_bytes=8_000)
    for each in range(100):
        lines.append([Line(NOON, "stdout", f"{each}" * 500)])

    assert lines.dropped > 80
    assert lines[99].text == "99" * 500


def test_a_full_disk_loses_lines_and_says_how_many() -> None:
    end, dropped, last, numbers = alone(fill_a_disk)

    assert end == 1000
    assert 0 < dropped < 1000
    assert last == "line 999"
    assert numbers == list(range(dropped, 1000))


def fill_a_disk() -> tuple[int, int, str, list[int]]:
    """How many lines there were and are lost, the last, and the numbers of those that are shown."""
    lines = LogLines()
    layout = LogLayout(lines)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    for start in range(0, 1000, 100):
        lines.append(numbered(100, start=start))
        layout.look(100)
        layout.forget()
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return lines.end, lines.dropped, lines[999].text, layout.numbers(0, 1000)


@given(widths=st.lists(st.integers(0, 50), max_size=30), fold_at=st.integers(1, 20))
def test_every_row_belongs_to_the_line_that_begins_there(widths: list[int], fold_at: int) -> None:
    lines = LogLines()
    lines.append([Line(NOON, "stdout", "x" * width) for width in widths])
    layout = laid_out(lines, fold_at=fold_at)

    rows = [layout.line_at(row) for row in range(layout.row_count)]

    assert rows == [
        (number, part) for number, width in enumerate(widths) for part in range(max(-(-width // fold_at), 1))
    ]
    assert all(rows[layout.row_of(number)] == (number, 0) for number in range(len(widths)))


@pytest.mark.parametrize("fold_at", [0, 4])
@pytest.mark.parametrize("only", [None, Query.parse("5")])
def test_rows_that_are_forgotten_leave_the_others_where_they_were(fold_at: int, only: Query | None) -> None:
    lines = LogLines(most_lines=80)
    lines.append(numbered(80))
    layout = laid_out(lines, fold_at=fold_at, only=only)
    newest = layout.neighbour(79, 0)
    before = layout.row_of(newest)

    lines.append(numbered(40, start=80))
    gone = layout.forget()

    assert gone > 0
    assert layout.row_of(newest) == before - gone
    assert layout.line_at(before - gone)[0] == newest


def test_a_filter_and_a_stream_leave_the_lines_that_are_asked_for() -> None:
    lines = LogLines()
    lines.append(numbered(100))

    layout = laid_out(lines, only=Query.parse("!5"), stream="stderr")

    assert layout.numbers(0, layout.line_count) == [0, 10, 20, 30, 40, 60, 70, 80, 90]
    assert layout.neighbour(45, 1) == 70
    assert layout.between(20, 60) == [20, 30, 40, 60]
