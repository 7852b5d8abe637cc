"""The rows of a log: drawn as far as they are seen, followed, walked through, marked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive, var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench_tui.widgets.log_drawing import Drawn, Margin, Pen
from workbench_tui.widgets.log_layout import LogLayout
from workbench_tui.widgets.log_lines import Line, LogLines
from workbench_tui.widgets.log_query import Query

_SIDEWAYS_CELLS = 10
_AT_ONCE = 2000
"""Lines looked at before keys get their turn."""
_DRAWN_LINES = 512


class LogRows(ScrollView, can_focus=True):
    """A log's lines. Following, it stays at the end; whoever goes up stays where they are.

    The cursor is on a line while nothing is followed. Lines from `marked_from` to the cursor are
    marked; -1 means none.
    """

    DEFAULT_CSS = """
    LogRows {
        height: 1fr;
        overflow-x: auto;
        overflow-y: scroll;
        scrollbar-size-horizontal: 1;
        scrollbar-size-vertical: 1;
    }
    LogRows > .log--margin { text-style: dim; }
    LogRows > .log--stderr { color: $text-error; }
    LogRows > .log--error { color: $text-error; text-style: bold; }
    LogRows > .log--warning { color: $text-warning; text-style: bold; }
    LogRows > .log--found { text-style: bold reverse; }
    LogRows > .log--cursor { background: $boost; }
    LogRows:focus > .log--cursor { background: $primary 40%; }
    LogRows > .log--marked { background: $secondary 40%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--margin",
        "log--stderr",
        "log--error",
        "log--warning",
        "log--found",
        "log--cursor",
        "log--marked",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First line", id="log.first", show=False),
        Binding("end,G", "follow", "Follow", id="log.follow", tooltip="Go to the end and stay there."),
        Binding(
            "space", "pause", "Pause", id="log.pause", show=False, tooltip="Stay here while new lines come."
        ),
        Binding("left", "sideways(-1)", "Left", show=False),
        Binding("right", "sideways(1)", "Right", show=False),
        Binding(
            "v", "mark", "Mark", id="log.mark", show=False, tooltip="Mark lines from here on, for copying."
        ),
        Binding(
            "c", "copy", "Copy", id="log.copy", show=False, tooltip="Copy the marked lines, or this one."
        ),
        Binding("escape", "unmark", "Unmark", show=False),
        Binding("enter", "open", "Details", show=False, tooltip="Show the line whole; JSON is laid out."),
    ]

    following = var(True, init=False)
    cursor = reactive(-1)
    marked_from = reactive(-1)
    folded = var(False, init=False)
    timestamps = var(False, init=False)
    numbers = var(False, init=False)
    stream = var("", init=False)
    """`stdout` or `stderr`; both when empty."""
    only: var[Query | None] = var(None, init=False)
    """What the shown lines have in common."""
    found: var[Query | None] = var(None, init=False)
    """What is highlighted."""

    @dataclass
    class Changed(Message):
        """Something that the status tells is not as before."""

    @dataclass
    class Opened(Message):
        """Somebody wants to see all of a line."""

        line: Line

    @dataclass
    class Copied(Message):
        """Somebody wants lines on the clipboard."""

        lines: Sequence[Line]

    def __init__(self, lines: LogLines) -> None:
        super().__init__()
        self.lines = lines
        self.layout_of_lines = LogLayout(lines)
        self._drawn_lines: LRUCache[int, Drawn] = LRUCache(_DRAWN_LINES)
        self._plain = Style()
        self._looking = False
        self._seen_at_pause = 0

    @property
    def unread(self) -> int:
        """Lines that came since following was paused."""
        return 0 if self.following else self.lines.end - self._seen_at_pause

    @property
    def looking(self) -> bool:
        """Whether some lines have not found their rows yet."""
        return self._looking

    @property
    def current(self) -> int:
        """The line that the cursor is on, or would be; -1 where there is none."""
        layout = self.layout_of_lines
        if not layout.line_count:
            return -1
        return layout.neighbour(self.lines.end if self.cursor < 0 else self.cursor, 0)

    @property
    def margin(self) -> Margin:
        """What stands before each line's text."""
        return Margin(numbers=self.numbers, timestamps=self.timestamps, sources=tuple(self.lines.sources))

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines at the end."""
        margin_cells = self.margin.cells
        self.lines.append(lines)
        if margin_cells != self.margin.cells:
            self._lay_out_anew()
        elif not self._looking:
            self.layout_of_lines.look(self.layout_of_lines.unseen)
        self._settle(gone=self.layout_of_lines.forget())

    def show_line(self, number: int, column: int | None = None) -> None:
        """Put the cursor on a line, and where it is not folded, its column on the screen."""
        self.following = False
        self.cursor = number
        row, height = self.layout_of_lines.row_of(number), self.scrollable_content_region.height
        if not self.scroll_offset.y <= row < self.scroll_offset.y + height:
            self._scroll(row - height // 2)
        if column is not None and not self.folded:
            text_cells = self.scrollable_content_region.width - self.margin.cells
            if not self.scroll_offset.x <= column < self.scroll_offset.x + text_cells:
                self.scroll_to(x=max(column - text_cells // 2, 0), animate=False, immediate=True)

    # What keys and the mouse do

    def action_move(self, distance: int) -> None:
        """Move the cursor; from the last line on, follow."""
        layout = self.layout_of_lines
        if not layout.line_count or (self.following and distance > 0):
            return
        start = self._cursor_in_sight()
        target = layout.neighbour(start, distance)
        if target == start and distance > 0 and self.marked_from < 0:
            self.following = True
            return
        self._pause_at(target)
        row, height = layout.row_of(target), self.scrollable_content_region.height
        self._scroll(min(max(self.scroll_offset.y, row - height + 1), row))

    def action_page(self, pages: int) -> None:
        """Move by a screenful; from the last one on, follow."""
        if not self.layout_of_lines.line_count or (self.following and pages > 0):
            return
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if pages > 0 and top >= self.max_scroll_y and self.marked_from < 0:
            self.following = True
            return
        self.following = False
        self._scroll(top + pages * height)
        self.cursor = self._line_in_sight(height - 1 if pages > 0 else 0)

    def action_first(self) -> None:
        """Go to the first line that there is."""
        if self.layout_of_lines.line_count:
            self._pause_at(self.layout_of_lines.neighbour(0, 0))
            self._scroll(0)

    def action_follow(self) -> None:
        """Go to the end and stay there; with a mark, mark up to there."""
        if self.marked_from < 0:
            self.following = True
        elif self.layout_of_lines.line_count:
            self._pause_at(self.layout_of_lines.neighbour(self.lines.end, 0))
            self._scroll(self.max_scroll_y)

    def action_pause(self) -> None:
        """Stay, or go on following."""
        if self.following and self.layout_of_lines.line_count:
            self._pause_at(self.current)
        else:
            self.following = True

    def action_sideways(self, steps: int) -> None:
        """Show more of what is left or right."""
        self.scroll_to(x=self.scroll_offset.x + steps * _SIDEWAYS_CELLS, animate=False, immediate=True)

    def action_mark(self) -> None:
        """Begin to mark lines, or end it."""
        if self.marked_from >= 0 or not self.layout_of_lines.line_count:
            self.marked_from = -1
            return
        self._pause_at(self._cursor_in_sight())
        self.marked_from = self.cursor

    def action_unmark(self) -> None:
        """Mark nothing."""
        self.marked_from = -1

    def action_copy(self) -> None:
        """Hand out the marked lines, or the one under the cursor."""
        if self.current >= 0:
            self.post_message(self.Copied([self.lines[number] for number in self._marked()]))
            self.marked_from = -1

    def action_open(self) -> None:
        """Hand out the line under the cursor."""
        if self.current >= 0:
            self.post_message(self.Opened(self.lines[self.current]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is somebody else's while nothing is marked."""
        return self.marked_from >= 0 if action == "unmark" else True

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor there; drag to mark."""
        if self._touch(event):
            self.marked_from = -1
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark as far as the mouse is dragged."""
        before = self.cursor
        if (
            self.app.mouse_captured is self
            and self._touch(event)
            and self.marked_from < 0
            and self.cursor != before
        ):
            self.marked_from = before

    def on_mouse_up(self) -> None:
        """The mouse is free again."""
        self.release_mouse()

    def on_mouse_scroll_down(self) -> None:
        """The wheel beyond the end follows again."""
        if self.scroll_offset.y >= self.max_scroll_y and self.marked_from < 0:
            self.following = True

    # What changes on the screen when an attribute does

    def watch_following(self, following: bool) -> None:
        if following:
            self.cursor = self.marked_from = -1
            self._settle()
        else:
            self._seen_at_pause = self.lines.end
        self.post_message(self.Changed())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and round(new_value) < self.max_scroll_y and not self._looking:
            self.following = False

    def watch_folded(self) -> None:
        self._lay_out_anew()

    watch_stream = watch_only = watch_folded

    def watch_timestamps(self) -> None:
        if self.folded:
            self._lay_out_anew()
        else:
            self._redraw()
            self._settle()

    watch_numbers = watch_timestamps

    def watch_found(self) -> None:
        self._redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._redraw()

    def on_resize(self) -> None:
        """Fold to the new width; stay at the end while following."""
        if self.folded and self.layout_of_lines.fold_at != self._fold_at():
            self._lay_out_anew()
        else:
            self._settle()

    def on_unmount(self) -> None:
        """Nobody can see the lines any more."""
        self.lines.close()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._plain = self.rich_style  # costly, and the same for every line
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if row >= self.layout_of_lines.row_count:
            return Strip.blank(width, self._plain)
        number, part = self.layout_of_lines.line_at(row)
        drawn = self._drawn(number)
        left = self.scroll_offset.x
        text = drawn.rows[part] if part < len(drawn.rows) else Strip([])
        return Strip.join(
            [
                Strip([Segment(self._mark(number))]),
                drawn.margin if part == 0 else Strip.blank(drawn.margin.cell_length),
                text.crop_extend(left, left + width - drawn.margin.cell_length - 1, None),
            ]
        ).apply_style(self._row_style(number))

    def _drawn(self, number: int) -> Drawn:
        if number not in self._drawn_lines:
            pen = Pen(
                self.app.console, self.margin, self.found, self.layout_of_lines.fold_at, self._component
            )
            self._drawn_lines[number] = pen.draw(number, self.lines[number])
        return self._drawn_lines[number]

    def _component(self, name: str) -> Style:
        return self.get_component_styles(name).partial_rich_style

    def _mark(self, number: int) -> str:
        if number == self.cursor:
            return "›"
        return "│" if self._is_marked(number) else " "

    def _row_style(self, number: int) -> Style:
        if number == self.cursor:
            return self.get_component_rich_style("log--cursor")
        if self._is_marked(number):
            return self.get_component_rich_style("log--marked")
        return self._plain

    def _is_marked(self, number: int) -> bool:
        return self.marked_from >= 0 and (
            self.marked_from <= number <= self.cursor or self.cursor <= number <= self.marked_from
        )

    def _marked(self) -> Sequence[int]:
        if self.marked_from < 0:
            return [self.current]
        first, last = sorted((self.marked_from, self.cursor))
        return self.layout_of_lines.between(max(first, self.lines.dropped), last)

    def _touch(self, event: events.MouseEvent) -> bool:
        row = self.scroll_offset.y + event.y
        if not 0 <= row < self.layout_of_lines.row_count:
            return False
        self._pause_at(self.layout_of_lines.line_at(row)[0])
        return True

    def _pause_at(self, number: int) -> None:
        self.following = False
        self.cursor = number

    def _cursor_in_sight(self) -> int:
        """The cursor's line, or that nearest to it on the screen when somebody scrolled away."""
        row, top = self.layout_of_lines.row_of(self.current), self.scroll_offset.y
        if row < top:
            return self._line_in_sight(0)
        if row >= top + (height := self.scrollable_content_region.height):
            return self._line_in_sight(height - 1)
        return self.current

    def _line_in_sight(self, y: int) -> int:
        row = min(self.scroll_offset.y + y, self.layout_of_lines.row_count - 1)
        return self.layout_of_lines.line_at(row)[0]

    def _scroll(self, row: int) -> None:
        self.scroll_to(y=row, animate=False, immediate=True)

    def _settle(self, *, gone: int = 0) -> None:
        """Make room for what came, and stay where somebody reads, or at the end."""
        width = 0 if self.folded else self.lines.widest + self.margin.cells
        self.virtual_size = Size(width, self.layout_of_lines.row_count)
        self.cursor = max(self.cursor, self.lines.dropped) if self.cursor >= 0 else -1
        if self.following:
            self._scroll(self.max_scroll_y)
        elif gone:
            self._scroll(self.scroll_offset.y - gone)
        if gone:
            self.refresh()
        self.post_message(self.Changed())

    def _redraw(self) -> None:
        self._drawn_lines.clear()
        self.refresh()

    def _fold_at(self) -> int:
        return max(self.scrollable_content_region.width - self.margin.cells, 1)

    def _lay_out_anew(self) -> None:
        if self.is_mounted:
            self._looking = True
            self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        """Find every line its rows, a little at a time; then be where one was."""
        stay = self.cursor if self.cursor >= 0 else self._top()
        self._redraw()
        self.layout_of_lines = layout = LogLayout(
            self.lines,
            only=self.only,
            stream=self.stream,
            fold_at=self._fold_at() if self.folded else 0,
        )
        while layout.unseen:
            layout.look(_AT_ONCE)
            self._settle()
            await asyncio.sleep(0)  # keys first
        self._looking = False
        self._settle()
        if not self.following and layout.line_count:
            self._scroll(layout.row_of(stay))
            self.cursor = layout.neighbour(self.cursor, 0) if self.cursor >= 0 else -1

    def _top(self) -> int:
        return self._line_in_sight(0) if self.layout_of_lines.line_count else 0
