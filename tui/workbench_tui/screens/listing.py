"""The list of any resource: live, sorted, filtered, marked, with everything that can be done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import getters, on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import DataTable, Input, Static

from workbench.errors import WorkbenchError
from workbench_tui.asking import Asking
from workbench_tui.feed import Change
from workbench_tui.filtering import Filter
from workbench_tui.resource import Item, Resource, Rows
from workbench_tui.screens.acting import ActingScreen
from workbench_tui.session import Session
from workbench_tui.texts import say
from workbench_tui.widgets.table import ResourceTable
from workbench_tui.widgets.text_field import TextField

_TOGETHER_S = 0.3
"""Changes within so long are shown together."""
_SLOWER = 4
"""On a slow link, at most this share of the time is spent on asking."""


class ListScreen(ActingScreen):
    """Every item of one kind, one row each."""

    CSS_PATH = "listing.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (10, "-roomy")]  # noqa: RUF012
    AUTO_FOCUS = "ResourceTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "inspect", "Details", show=False),
        Binding("d", "inspect", "Details", id="list.details", tooltip="All that is known of it."),
        Binding("l", "logs", "Logs", id="list.logs", tooltip="Its log, as it is written."),
        Binding("c", "copy", "Copy", id="list.copy", tooltip="Copy its id.", show=False),
        Binding(
            "slash",
            "filter",
            "Filter",
            id="list.filter",
            tooltip="text, !text, state:run, tag:key=value",
            key_display="/",
            priority=True,  # what is typed right behind it must not reach the list
        ),
        Binding("o", "sort", "Sort", id="list.sort", tooltip="Sort by the next column."),
        Binding("O", "reverse", "Reverse", id="list.reverse", tooltip="Turn the order round.", show=False),
        Binding(
            "space", "mark", "Mark", id="list.mark", tooltip="Mark it for an action on several.", show=False
        ),
        Binding("asterisk", "mark_all", "Mark all", id="list.mark-all", key_display="*", show=False),
        Binding("r", "refresh", "Refresh", id="list.refresh", show=False),
    ]

    table = getters.query_one(ResourceTable)

    @dataclass
    class Loaded(Message):
        """The daemon answered."""

        items: Sequence[Item]
        took_s: float

    def __init__(self, session: Session, resource: Resource) -> None:
        super().__init__(session, resource, say(resource.title))
        self._soon: Timer | None = None
        self._took_s = 0.0
        self._left_out = 0
        self._loaded = False
        self._asking = Asking()

    def content(self) -> Iterable[Widget]:
        with Vertical(id="frame"):
            field = TextField(
                id="filter", placeholder=say("text, !text, state:run, tag:key=value"), disabled=True
            )
            field.cursor_blink = False
            yield field
            yield ResourceTable(self.resource)
            yield Static(say(self.resource.empty), id="empty", markup=False)

    def on_mount(self) -> None:
        """Show what is known at once, then ask."""
        memory = self.session.memory
        self.table.narrow(Filter(memory.get(f"filter.{self.resource.name}")))
        self.query_one("#filter", Input).value = self.table.filter.text
        column, _, direction = memory.get(f"sort.{self.resource.name}").partition(" ")
        wanted = column.replace("_", " ")
        known = any(wanted == each.title for each in self.resource.columns)  # not after every update
        self.table.sort_on(wanted if known else "", descending=known and direction == "down")
        self.table.show(self.session.known(self.resource.name) or ())
        self.table.focus()
        self.session.changed.subscribe(self, self._changed)
        self.set_interval(self.resource.look_again_s, self._look_again)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what this kind of thing does not have."""
        if action == "logs" and self.resource.logs is None:
            return False
        if action == "filter" and isinstance(self.focused, Input):
            return False  # a slash in a text
        return super().check_action(action, parameters)

    @property
    def chosen(self) -> Sequence[Item]:
        return self.table.chosen if self.is_mounted else ()

    def refresh_data(self) -> None:
        """Ask for the list."""
        self._load()

    @work(group="load")
    async def _load(self) -> None:
        await self._asking.ask(self._ask)

    async def _ask(self) -> None:
        begun, scope = time.monotonic(), self.session.scope
        try:
            items = await self.resource.load(scope)
        except WorkbenchError as error:
            self.post_message(self.Failed(error))
        else:
            if scope == self.session.scope:  # otherwise it is being asked for anew
                self.post_message(self.Loaded(items, time.monotonic() - begun))

    @on(Loaded)
    def _show(self, event: Loaded) -> None:
        self._took_s = event.took_s
        self.session.remember(self.resource.name, event.items)
        self._left_out = event.items.total - len(event.items) if isinstance(event.items, Rows) else 0
        self._loaded = True
        self.table.show(event.items)
        self.refresh_keys()

    @on(ResourceTable.Shown)
    def _describe_rows(self) -> None:
        table = self.table
        shown, all_items = table.row_count, len(table.items)
        frame = self.query_one("#frame")
        count = f"{shown}/{all_items}" if shown != all_items else f"{all_items}"
        if not self._loaded and not all_items:
            count = "…"
        if self._left_out:
            count = say("{shown}, without {count} more", shown=count, count=f"{self._left_out:,}")
        marks = f" · ◉ {len(shown_marks)}" if (shown_marks := table.marked_and_shown) else ""
        title = f"{say(self.resource.title)} {count}{marks}"
        order = f"{say(table.sorted_by)} {'↓' if table.descending else '↑'}" if table.sorted_by else ""
        narrowed = f"/{table.filter.text}" if table.filter.text else ""
        subtitle = "  ".join(each for each in (narrowed, order) if each)
        if (frame.border_title, frame.border_subtitle) != (title, subtitle):
            frame.border_title, frame.border_subtitle = title, subtitle
        self._tell_if_empty()

    def _tell_if_empty(self) -> None:
        empty = self._loaded and not self.table.row_count
        if empty:
            why = "No row passes the filter; Esc takes it back." if self.table.items else self.resource.empty
            self.query_one("#empty", Static).update(self.with_own_key(say(why)))
        self.set_class(empty, "-empty")

    @on(DataTable.RowHighlighted)
    def _another_row(self) -> None:
        self.refresh_keys()

    @on(DataTable.RowSelected)
    def _enter(self) -> None:
        self.action_inspect()

    def action_inspect(self, page: str = "") -> None:
        """Open the page of the item under the cursor."""
        if item := self.table.current:
            self.post_message(self.Inspect(self.resource.name, item, page))

    def action_logs(self) -> None:
        """Open its log."""
        self.action_inspect("logs")

    def action_copy(self) -> None:
        """Copy the id through the terminal, which works over SSH too."""
        if item := self.table.current:
            self.app.copy_to_clipboard(self.resource.id(item))
            self.notify(say("Copied: {text}", text=self.resource.id(item)), markup=False)

    def action_mark(self) -> None:
        """Mark the row, or take its mark off."""
        self.table.toggle_mark()
        self.refresh_keys()

    def action_mark_all(self) -> None:
        """Mark all rows, or none."""
        self.table.toggle_all_marks()
        self.refresh_keys()

    def action_refresh(self) -> None:
        """Ask now, and what the user may do too."""
        self.refresh_data()
        self.post_message(self.Doubt())

    def action_sort(self) -> None:
        """Sort by the next column, after the last one by none."""
        titles = ["", *(column.title for column in self.resource.columns)]
        place = titles.index(self.table.sorted_by)
        self._sort(titles[(place + 1) % len(titles)], descending=False)

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._sort(
            self.table.sorted_by or self.resource.columns[0].title, descending=not self.table.descending
        )

    def action_filter(self) -> None:
        """Type a filter; rows follow each letter."""
        self.add_class("-filtering")
        field = self.query_one("#filter")
        field.disabled, field.display = False, True
        self.set_focus(field)

    def action_back(self) -> None:
        """Take back the filter, then the marks, then leave."""
        if self.has_class("-filtering") or self.table.filter.text:
            self.query_one("#filter", Input).value = ""
            self._close_filter()
        elif self.table.marked:
            self.table.marked.clear()
            self.table.rearrange()
        else:
            super().action_back()

    @on(Input.Changed, "#filter")
    def _narrow(self, event: Input.Changed) -> None:
        self.table.narrow(Filter(event.value))
        self.session.memory.put(f"filter.{self.resource.name}", self.table.filter.text)

    @on(Input.Submitted, "#filter")
    def _close_filter(self) -> None:
        self.remove_class("-filtering")
        field = self.query_one("#filter")
        field.disabled, field.display = True, False
        self.table.focus()

    def _sort(self, title: str, *, descending: bool) -> None:
        self.table.sort_on(title, descending=descending)
        direction = "down" if descending else "up"
        self.session.memory.put(f"sort.{self.resource.name}", f"{title.replace(' ', '_')} {direction}")

    def _changed(self, change: Change) -> None:
        if change.kind in self.resource.follows and self.is_current and self._soon is None:
            self._soon = self.set_timer(max(_TOGETHER_S, self._took_s * _SLOWER), self._after_changes)

    def _after_changes(self) -> None:
        self._soon = None
        self.refresh_data()

    def _look_again(self) -> None:
        if self.is_current and self.session.connection.alive:
            self.refresh_data()
