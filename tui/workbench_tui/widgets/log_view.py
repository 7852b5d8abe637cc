"""A log to read: follow, pause, search, filter, go to a time, fold, mark, copy, save.

Attributes go down, messages come up: whoever owns the view feeds it with `append` and is told
when following was paused or resumed, and when somebody wants the log in a file.
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import var
from textual.widgets import Input, Static

from workbench_tui.texts import say
from workbench_tui.widgets import log_text
from workbench_tui.widgets.log_detail import LogDetail
from workbench_tui.widgets.log_lines import Line, LogLines
from workbench_tui.widgets.log_query import Query, destination
from workbench_tui.widgets.log_rows import LogRows
from workbench_tui.widgets.text_field import TextField

_AT_ONCE = 2000
"""Lines searched or written before keys get their turn."""
_CLIPBOARD_BYTES = 74_000
"""What common terminals take through OSC 52."""
_STREAMS = ("", "stdout", "stderr")


@dataclass(frozen=True)
class _Question:
    """What the line at the bottom asks for."""

    name: str
    sign: str
    hint: str


_SEARCH = _Question("search", "/", "Search: text, or /regular expression/")
_FILTER = _Question("filter", "&", "Show only lines with: text, !text, or /regular expression/")
_GOTO = _Question("goto", "→", "Go to: a line's number, 12:34, 2026-01-31 12:34, or -5m")


class LogView(Vertical):
    """Shows a log of any length.

    Args:
        lines: Where they are kept; empty at first.
    """

    DEFAULT_CSS = """
    LogView { height: 1fr; }
    LogView > #status { height: 1; background: $panel; color: $text; padding: 0 1; }
    LogView > #status.-paused { background: $warning-muted; color: $text-warning; }
    LogView > #question { display: none; height: 1; border: none; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('search')", "Search", id="log.search", key_display="/", priority=True),
        Binding("n", "again(1)", "Next", id="log.next-found", show=False, tooltip="Next line found."),
        Binding(
            "N", "again(-1)", "Previous", id="log.previous-found", show=False, tooltip="Previous line found."
        ),
        Binding("ampersand", "ask('filter')", "Filter", id="log.filter", key_display="&", priority=True),
        Binding(
            "ctrl+g",
            "ask('goto')",
            "Go to",
            id="log.go-to",
            priority=True,
            show=False,
            tooltip="Go to a line or a time.",
        ),
        Binding("w", "switch('folded')", "Wrap", id="log.wrap", tooltip="Fold long lines, or cut them."),
        Binding("t", "switch('timestamps')", "Times", id="log.times"),
        Binding("number_sign", "switch('numbers')", "Numbers", id="log.numbers", key_display="#", show=False),
        Binding("o", "stream", "Streams", id="log.streams", tooltip="Both, only stdout, or only stderr."),
        Binding("escape", "leave", "Back", show=False),
        Binding("S", "save", "Save", id="log.save", tooltip="Write what is shown to a file."),
    ]

    rows = getters.query_one(LogRows)
    status = getters.query_one("#status", Static)
    question = getters.query_one("#question", Input)

    remark = var("")
    """The last that was said about a search or a copy; gone with the next change."""

    refusal = var("")
    """Why no line comes any more; empty while they may."""

    @dataclass
    class Paused(Message):
        """Somebody reads; new lines are kept below."""

    @dataclass
    class Resumed(Message):
        """The end is followed again."""

    @dataclass
    class SaveWanted(Message):
        """Somebody wants what is shown in a file; `save` writes it."""

        log: LogView

    def __init__(
        self, lines: LogLines | None = None, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.lines = lines or LogLines()
        self._asked = _SEARCH
        self._told_following = True
        self.skipped = 0

    def compose(self) -> ComposeResult:
        yield LogRows(self.lines)
        question = TextField(id="question")
        question.cursor_blink = False
        yield question
        yield Static(id="status")

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines at the end."""
        self.rows.append(lines)

    def skip(self, count: int) -> None:
        """Tell the reader that so many lines were never received."""
        self.skipped += count
        self.show_status()

    async def save(self, path: Path) -> int:
        """Write what is shown, each line with its time, to a file.

        Returns:
            The number of lines written.

        Raises:
            OSError: The file cannot be written.
        """
        count, following_line, end = 0, 0, self.lines.end
        with path.open("w", encoding="utf-8") as file:
            while following_line < end:
                layout = self.rows.layout_of_lines
                index = layout.index_of(following_line)
                numbers = layout.numbers(index, index + _AT_ONCE)
                file.writelines(f"{_written(self.lines[number])}\n" for number in numbers)
                count += len(numbers)
                following_line = numbers[-1] + 1 if numbers else end
                await asyncio.sleep(0)
        return count

    # What keys do

    def action_ask(self, name: str) -> None:
        """Ask for a text to search, to filter by, or where to go."""
        self._asked = next(each for each in (_SEARCH, _FILTER, _GOTO) if each.name == name)
        self.question.placeholder = f"{self._asked.sign} {say(self._asked.hint)}"
        self.question.value = ""
        self._show_question(True)
        self.screen.set_focus(self.question)  # at once, so that what is typed on goes there

    def action_again(self, direction: int) -> None:
        """Go to the next line found, or the previous one."""
        if self.rows.found:
            self._find(self.rows.found, direction)

    def action_switch(self, name: str) -> None:
        """Switch one of the ways to show lines."""
        setattr(self.rows, name, not getattr(self.rows, name))
        self.show_status()

    def action_stream(self) -> None:
        """Both streams, stdout, stderr, and round again."""
        self.rows.stream = _STREAMS[(_STREAMS.index(self.rows.stream) + 1) % len(_STREAMS)]

    def action_save(self) -> None:
        """Let the owner ask where to."""
        self.post_message(self.SaveWanted(self))

    def action_leave(self) -> None:
        """Ask nothing; where nothing is asked, take back the filter."""
        if self.question.has_class("-asked"):
            self._leave_question()
        else:
            self.rows.only = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is somebody else's while there is nothing to leave; a slash in an answer is a slash."""
        asked = self.question.has_class("-asked")
        return {"leave": asked or bool(self.rows.only), "ask": not asked}.get(action, True)

    # What is answered, and what happens below

    @on(Input.Submitted, "#question")
    def answered(self, message: Input.Submitted) -> None:
        """Do what was asked for."""
        message.stop()
        self._leave_question()
        try:
            if self._asked is _GOTO:
                self._go(message.value)
                return
            query = Query.parse(message.value)
        except re.error as error:
            self.remark = say(
                "{pattern} is no regular expression: {error}", pattern=message.value, error=error
            )
            return
        if self._asked is _FILTER:
            self.rows.only = query
            return
        self.rows.found = query
        if query:
            self._find(query, -1 if self.rows.following else 1)

    @on(Input.Blurred, "#question")
    def left(self) -> None:
        """Whoever clicks elsewhere asks nothing."""
        if not self.question.has_focus:  # it may have been asked again meanwhile
            self._show_question(False)

    @on(LogRows.Changed)
    def told(self, message: LogRows.Changed) -> None:
        """Tell the reader, and the owner where following began or ended."""
        message.stop()
        self.show_status()
        if self.rows.following is not self._told_following:
            self._told_following = self.rows.following
            self.post_message(self.Resumed() if self.rows.following else self.Paused())

    @on(LogRows.Opened)
    def opened(self, message: LogRows.Opened) -> None:
        """Show all of a line."""
        message.stop()
        self.app.push_screen(LogDetail(message.line))

    @on(LogRows.Copied)
    def copied(self, message: LogRows.Copied) -> None:
        """Put lines on the clipboard of whoever sits at the terminal."""
        message.stop()
        text = "\n".join(log_text.plain(line.text) for line in message.lines)
        if len(text.encode()) > _CLIPBOARD_BYTES:
            self.remark = say(
                "{count} lines are too much for the clipboard; S saves", count=f"{len(message.lines):,}"
            )
            return
        self.app.copy_to_clipboard(text)
        self.remark = say("{count} lines copied", count=f"{len(message.lines):,}")

    def watch_remark(self) -> None:
        self.show_status()

    def watch_refusal(self) -> None:
        self.show_status()

    def show_status(self) -> None:
        """Say where the reader is, what is left out, and what is lost."""
        if not self.is_mounted:
            return
        rows = self.rows
        self.status.set_class(bool(self.refusal) or not rows.following, "-paused")
        self.status.update(Text(" · ".join(self._facts()), no_wrap=True, overflow="ellipsis"))

    def _facts(self) -> Iterator[str]:
        rows, layout = self.rows, self.rows.layout_of_lines
        yield self._whether_following()
        if self.remark:
            yield self.remark
        if layout.filtered:
            yield say("{shown} of {all} lines", shown=f"{layout.line_count:,}", all=f"{self._kept:,}")
        else:
            yield say("{all} lines", all=f"{self._kept:,}")
        if rows.looking and layout.unseen:
            yield say("looking: {share}%", share=100 - 100 * layout.unseen // max(self._kept, 1))
        if self.lines.dropped:
            yield say("{count} oldest no longer kept", count=f"{self.lines.dropped:,}")
        if self.skipped:
            yield say("{count} not received", count=f"{self.skipped:,}")
        if rows.only:
            yield ("&!" if rows.only.inverse else "&") + rows.only.text
        if rows.found:
            yield f"/{rows.found.text.strip('/')}"
        if rows.stream:
            yield say("only {stream}", stream=rows.stream)
        if rows.folded:
            yield say("wrap")

    def _whether_following(self) -> str:
        if self.refusal:
            return f"✖ {self.refusal}"
        if self.rows.following:
            return say("▼ Following")
        return say("‖ Paused: {count} new, End follows", count=f"{self.rows.unread:,}")

    @property
    def _kept(self) -> int:
        return self.lines.end - self.lines.dropped

    def _leave_question(self) -> None:
        self._show_question(False)
        self.rows.focus()

    def _show_question(self, asked: bool) -> None:
        self.question.display = asked  # a class would show it too late to have the focus at once
        self.question.set_class(asked, "-asked")

    def _go(self, text: str) -> None:
        rows, kept = self.rows, range(self.lines.dropped, self.lines.end)
        if not text.strip() or rows.current < 0:
            return
        match destination(text, last=self.lines[kept[-1]].time):
            case int(number):
                wanted = number - 1
            case datetime() as moment:
                wanted = kept.start + bisect_left(kept, moment, key=lambda each: self.lines[each].time)
            case None:
                self.remark = say("{text} is neither a line nor a time", text=text)
                return
        rows.show_line(rows.layout_of_lines.neighbour(wanted, 0))

    @work(exclusive=True, group="find")
    async def _find(self, query: Query, direction: int) -> None:
        """Look from the cursor on, and around the end, until a line is found."""
        rows, layout = self.rows, self.rows.layout_of_lines
        here = self.lines.end if rows.following else rows.current
        self.remark = ""
        for first, last in _pieces(layout.index_of(here + (direction > 0)), layout.line_count, direction):
            if layout is not rows.layout_of_lines:
                return  # something else is shown meanwhile
            if numbers := list(layout.find(query, first, last)):
                number = numbers[0 if direction > 0 else -1]
                self._show_found(query, number)
                if (number - here) * direction <= 0:
                    self.remark = say("went round the end")
                return
            await asyncio.sleep(0)
        self.remark = say("{text} is not found", text=query.text)

    def _show_found(self, query: Query, number: int) -> None:
        found = query.pattern.search(log_text.plain(self.lines[number].text))
        self.rows.show_line(number, found.start() if found else None)


def _pieces(start: int, count: int, direction: int) -> Iterable[tuple[int, int]]:
    """All indices in runs: from one on to the end and then from the beginning, or all that backwards."""
    ahead, behind = _runs(start, count), _runs(0, start)
    return ahead + behind if direction > 0 else behind[::-1] + ahead[::-1]


def _runs(start: int, end: int) -> list[tuple[int, int]]:
    return [(first, min(first + _AT_ONCE, end)) for first in range(start, end, _AT_ONCE)]


def _written(line: Line) -> str:
    source = f"{line.source} " if line.source else ""
    return f"{line.time.isoformat(timespec='milliseconds')} {source}{line.stream} {log_text.plain(line.text)}"
