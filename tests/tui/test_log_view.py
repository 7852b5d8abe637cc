"""A log is read as one reads with k9s or less: it follows, stops for a reader, finds, folds, copies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from tests.own_process import alone
from workbench_tui.widgets.log_detail import LogDetail
from workbench_tui.widgets.log_lines import Line, LogLines
from workbench_tui.widgets.log_view import LogView

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
Texts = Callable[[int], str]


def numbered(count: int, *, start: int = 0, text: Texts = "line {}".format, source: str = "") -> list[Line]:
    return [
        Line(NOON + timedelta(seconds=each), ("stdout", "stderr")[each % 10 == 5], text(each), source)
        for each in range(start, start + count)
    ]


class Reader(App[None]):
    """A log, and what it told its owner."""

    def __init__(self, kept: LogLines) -> None:
        super().__init__()
        self.log_view = LogView(kept)
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.log_view

    def on_mount(self) -> None:
        self.log_view.rows.focus()

    def on_log_view_paused(self, message: Message) -> None:
        self.told.append("paused")

    def on_log_view_resumed(self, message: Message) -> None:
        self.told.append("resumed")

    def on_log_view_save_wanted(self, message: Message) -> None:
        self.told.append("save")


class Desk:
    """The reader's hands and eyes."""

    def __init__(self, app: Reader, pilot: Pilot[None]) -> None:
        self.app = app
        self.log = app.log_view
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self.settled()

    async def type(self, question: str, text: str) -> None:
        """Answer the question that a key asks."""
        await self.press(question)
        self.log.question.value = text
        await self.press("enter")

    async def append(self, lines: Sequence[Line]) -> None:
        self.log.append(lines)
        await self.settled()

    async def settled(self) -> None:
        await self._pilot.pause()
        await self.app.workers.wait_for_complete()
        await self._pilot.pause()

    @property
    def screen(self) -> list[str]:
        """The rows of the screen as text, with the scroll bar cut off."""
        return [strip.text[:79].rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def seen(self) -> list[str]:
        """The rows of the log alone, without what stands before the text."""
        height = self.log.rows.scrollable_content_region.height
        return [row[self.log.rows.margin.cells :] for row in self.screen[:height]]

    @property
    def under_cursor(self) -> str:
        return next(row for row in self.screen if row.startswith("›"))[1:].lstrip(" !")

    @property
    def status(self) -> str:
        return self.screen[-1]


@asynccontextmanager
async def reading(lines: Sequence[Line], *, most_lines: int = 100_000) -> AsyncIterator[Desk]:
    app = Reader(LogLines(most_lines=most_lines))
    async with app.run_test(size=(80, 24)) as pilot:
        desk = Desk(app, pilot)
        await desk.append(lines)
        yield desk


async def test_new_lines_are_followed_until_somebody_goes_up() -> None:
    async with reading(numbered(100)) as desk:
        assert desk.seen[-1] == "line 99"

        await desk.press("k")
        await desk.append(numbered(7, start=100))

        assert desk.seen[-1] == "line 99"
        assert "7 new" in desk.status
        await desk.press("G")
        assert desk.seen[-1] == "line 106"
        assert desk.app.told == ["paused", "resumed"]


async def test_moving_beyond_the_last_line_follows_again() -> None:
    async with reading(numbered(100)) as desk:
        await desk.press("up", "up", "down", "down", "down")

        assert desk.app.told == ["paused", "resumed"]


async def test_keys_and_wheel_reach_every_line() -> None:
    async with reading(numbered(100)) as desk:
        await desk.press("g")
        assert desk.seen[0] == desk.under_cursor == "line 0"
        await desk.press("pagedown", "j")
        assert desk.under_cursor == "line 46"
        await desk.press("pageup", "k")
        assert desk.under_cursor == "line 0"
        for _ in range(5):
            await desk.press("pagedown")
        assert desk.log.rows.following


async def test_a_search_finds_the_next_and_the_previous_and_goes_round() -> None:
    async with reading(numbered(5000)) as desk:
        await desk.press("g")
        await desk.type("/", "9 9")
        assert "not found" in desk.status

        await desk.type("/", "/line 4.99$/")
        assert desk.under_cursor == "line 4099"
        await desk.press("n")
        assert desk.under_cursor == "line 4199"
        await desk.press("N", "N")
        assert desk.under_cursor == "line 4999"
        assert "round" in desk.status


async def test_a_wrong_regular_expression_is_said_to_be_one() -> None:
    async with reading(numbered(3)) as desk:
        await desk.type("/", "/(/")

        assert "no regular expression" in desk.status


async def test_a_question_can_be_left() -> None:
    async with reading(numbered(3)) as desk:
        await desk.press("slash", "x", "escape", "k")

        assert not desk.log.question.has_class("-asked")
        assert desk.under_cursor == "line 1"


async def test_escape_takes_back_a_filter_before_it_is_somebody_elses() -> None:
    async with reading(numbered(100)) as desk:
        await desk.type("&", "77")
        assert [row for row in desk.screen if "line 5" in row] == []

        await desk.press("escape")

        assert any("line 99" in row for row in desk.screen)
        assert not desk.log.check_action("leave", ())


async def test_a_filter_holds_for_what_comes_too() -> None:
    async with reading(numbered(100)) as desk:
        await desk.type("&", "7")
        await desk.append(numbered(10, start=100))

        assert desk.seen[:2] == ["line 7", "line 17"]
        assert desk.seen[19] == "line 107"
        assert "20 of 110" in desk.status
        await desk.type("&", "")
        assert desk.seen[-1] == "line 109"


async def test_one_stream_alone_can_be_read() -> None:
    async with reading(numbered(100)) as desk:
        await desk.press("o", "o")

        assert desk.seen[:2] == ["line 5", "line 15"]
        assert desk.screen[0].startswith(" !")
        await desk.press("o")
        assert desk.seen[-1] == "line 99"


async def test_a_line_or_a_time_can_be_gone_to() -> None:
    async with reading(numbered(5000)) as desk:
        await desk.type("ctrl+g", "1200")
        assert desk.under_cursor == "line 1199"

        await desk.type("ctrl+g", "-10m")
        assert desk.under_cursor == f"line {4999 - 600}"

        await desk.type("ctrl+g", "soon")
        assert "neither a line nor a time" in desk.status


async def test_long_lines_are_cut_on_the_screen_only() -> None:
    long = "".join(f"{each:04}" for each in range(100))
    async with reading([Line(NOON, "stdout", long)]) as desk:
        assert desk.seen[0] == long[:76]
        await desk.press("right")
        assert desk.seen[0] == long[10:86]

        await desk.press("w")
        assert "".join(desk.seen[:6]) == long


async def test_folded_lines_fit_after_every_resize() -> None:
    async with reading(numbered(50, text=lambda each: f"{each:02}" * 60)) as desk:
        await desk.press("w")
        for width, height in ((40, 10), (133, 40), (21, 5), (80, 24)):
            await desk._pilot.resize_terminal(width, height)
            await desk.settled()

            shown = "".join(row[3 : width - 1] for row in desk.screen[: desk.log.rows.size.height])
            assert shown.rstrip().endswith("49" * 10)


async def test_times_numbers_and_sources_stand_before_the_text() -> None:
    async with reading(numbered(10, source="pod-0")) as desk:
        await desk.append(numbered(1, start=10, source="pod-1"))
        await desk.press("t", "#")

        local = f"{(NOON + timedelta(seconds=10)).astimezone():%H:%M:%S}"
        assert desk.screen[10] == f"{11:>10} {local}.000 pod-1 line 10"


async def test_marked_lines_are_copied_without_their_colours() -> None:
    async with reading(numbered(10, text=lambda each: f"\x1b[31mline {each}\x1b[0m")) as desk:
        await desk.press("g", "v", "j", "j")
        assert [row[0] for row in desk.screen[:4]] == ["│", "│", "›", " "]

        await desk.press("c")

        assert desk.app.clipboard == "line 0\nline 1\nline 2"
        assert "3 lines copied" in desk.status


async def test_a_drag_of_the_mouse_marks_lines() -> None:
    async with reading(numbered(100)) as desk:
        await desk._pilot.mouse_down(desk.log.rows, offset=(5, 3))
        await desk._pilot.hover(desk.log.rows, offset=(5, 6))
        await desk._pilot.mouse_up(desk.log.rows, offset=(5, 6))
        await desk.press("c")

        assert desk.app.clipboard.split("\n") == desk.seen[3:7]


async def test_more_than_a_clipboard_takes_is_refused() -> None:
    async with reading(numbered(20_000)) as desk:
        await desk.press("g", "v", "G", "c")

        assert desk.app.clipboard == ""
        assert "20,000 lines are too much" in desk.status


async def test_json_is_laid_out_in_a_window_of_its_own() -> None:
    async with reading([Line(NOON, "stdout", '{"loss": 0.1}')]) as desk:
        await desk.press("enter")
        assert any('"loss": 0.1' in row for row in desk.screen)

        await desk.press("escape")
        assert not isinstance(desk.app.screen, LogDetail)


async def test_what_is_shown_is_saved(tmp_path: Path) -> None:
    async with reading(numbered(5000)) as desk:
        await desk.press("S")
        assert desk.app.told == ["save"]
        await desk.type("&", "99")

        count = await desk.log.save(tmp_path / "log")

    saved = (tmp_path / "log").read_text().splitlines()
    assert count == len(saved) == 95
    assert saved[0] == "2026-01-02T12:01:39.000+00:00 stdout line 99"


async def test_lines_that_are_lost_are_counted_before_the_reader() -> None:
    async with reading([], most_lines=800) as desk:
        for start in range(0, 2000, 100):
            await desk.append(numbered(100, start=start))
        desk.log.skip(3)
        await desk.settled()

        assert desk.seen[-1] == "line 1999"
        assert f"{desk.log.lines.dropped:,} oldest no longer kept" in desk.status
        assert "3 not received" in desk.status


async def test_who_reads_stays_at_the_line_while_the_oldest_go() -> None:
    async with reading(numbered(800), most_lines=800) as desk:
        await desk.type("ctrl+g", "700")
        before = desk.seen

        await desk.append(numbered(100, start=800))
        await desk.append(numbered(100, start=900))

        assert desk.log.lines.dropped > 0
        assert desk.seen == before
        assert desk.under_cursor == "line 699"


def test_a_million_lines_take_little_memory_and_keys_draw_only_the_screen() -> None:
    held, drawn, last, status = alone(read_a_million)

    assert held < 40 * 2**20
    assert max(drawn) <= 4 * 24
    assert last == "line 49999"
    assert "1,000,000 lines" in status


def read_a_million() -> tuple[int, list[int], str, str]:
    """Bytes that the lines take, the rows that each key drew, the last line and the status."""
    return asyncio.run(_read_a_million())


async def _read_a_million() -> tuple[int, list[int], str, str]:
    async with reading([], most_lines=2_000_000) as desk:
        some = numbered(50_000)
        before = psutil.Process().memory_info().rss
        for _ in range(20):
            desk.log.append(some)
            await desk.settled()
        held = psutil.Process().memory_info().rss - before

        drawn: list[list[int]] = []
        draw = desk.log.rows.render_line
        desk.log.rows.render_line = lambda y: drawn[-1].append(y) or draw(y)  # type: ignore
        for key in ("k", "pageup", "g", "G"):
            drawn.append([])
            await desk.press(key)
        return held, [len(each) for each in drawn], desk.seen[-1], desk.status
