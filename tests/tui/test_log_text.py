"""What a program wrote for a terminal is shown in its colours and harms no terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from workbench_tui.widgets import log_text
from workbench_tui.widgets.log_query import Query, destination

LAST = datetime(2026, 1, 2, 12, 30, tzinfo=UTC)


def test_colours_are_kept_and_codes_are_not_seen() -> None:
    row = log_text.shown("\x1b[31mred\x1b[0m and \x1b[2Jplain")

    assert row.plain == "red and plain"
    color = row.get_style_at_offset(Console(), 0).color
    assert color and color.number == 1


def test_progress_drawn_over_itself_shows_its_last_state() -> None:
    assert log_text.plain(" 10%\r 50%\r100%\r") == "100%"


@given(text=st.text() | st.text(st.sampled_from("a\t磁盘\x1b[0m\r\x07\x9b")))
def test_nothing_that_moves_the_cursor_reaches_the_screen(text: str) -> None:
    plain = log_text.plain(text)

    assert not any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in plain)
    assert abs(log_text.width(text)) == cell_len(plain)


@given(text=st.text(st.sampled_from("ab磁盘 ")), available=st.integers(2, 9))
def test_folded_rows_fit_and_hold_the_whole_line(text: str, available: int) -> None:
    folded = log_text.fold(log_text.shown(text), available)

    assert "".join(row.plain for row in folded) == text
    assert all(cell_len(row.plain) <= available for row in folded)
    assert len(folded) <= log_text.rows(log_text.width(text), available)


def test_json_is_laid_out_wherever_it_begins() -> None:
    assert log_text.pretty('{"a": [1]}') == '{\n  "a": [\n    1\n  ]\n}'
    assert log_text.pretty('INFO [1] {"磁": 1}') == 'INFO [1]\n{\n  "磁": 1\n}'
    assert log_text.pretty("loss {nan}") == "loss {nan}"


def test_capitals_in_a_query_are_meant() -> None:
    for text, line, meant in [
        ("error", "ERROR here", True),
        ("Error", "ERROR here", False),
        ("!error", "ERROR here", False),
        ("[1]", "step [1]", True),
        ("/lo+ss/", "looss", True),
    ]:
        query = Query.parse(text)
        assert query and query.matches(line) is meant
    assert Query.parse("") is None


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("1200", 1200),
        ("-5m", LAST - timedelta(minutes=5)),
        ("11:15", datetime(2026, 1, 2, 11, 15, tzinfo=UTC)),
        ("11:15:30", datetime(2026, 1, 2, 11, 15, 30, tzinfo=UTC)),
        ("2026-01-01 08:00", datetime(2026, 1, 1, 8, tzinfo=UTC)),
        ("yesterday", None),
        ("-99999999999d", None),
    ],
)
def test_a_destination_is_a_line_or_a_time(text: str, there: object) -> None:
    assert destination(text, last=LAST, zone=UTC) == there
