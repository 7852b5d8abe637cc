"""The page of one item: its facts, log, charts, events and configuration, as far as it has them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane

from workbench.errors import NotFound, WorkbenchError
from workbench_tui import values
from workbench_tui.asking import Asking
from workbench_tui.feed import Change
from workbench_tui.resource import Item, Resource, Scope, state_word
from workbench_tui.screens.acting import ActingScreen
from workbench_tui.screens.chart_page import ChartPage
from workbench_tui.screens.log_page import LogPage
from workbench_tui.session import Session
from workbench_tui.texts import say
from workbench_tui.tones import Palette, Tone, Word
from workbench_tui.widgets.log_rows import LogRows
from workbench_tui.widgets.pages import Pages

_TOGETHER_S = 0.3
_ENVELOPE = ("RequestId", "Success", "Code", "Message", "HttpStatusCode")
"""What an answer says of itself rather than of the item."""

Facts = Sequence[tuple[str, Sequence[tuple[str, Word]]]]


class DetailScreen(ActingScreen):
    """All that is known of one item.

    Args:
        page: The page to begin with.
    """

    CSS_PATH = "detail.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (180, "-huge")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left_square_bracket", "turn(-1)", "Page before", id="page.before", key_display="[", show=False
        ),
        Binding(
            "right_square_bracket",
            "turn(1)",
            "Next page",
            id="page.next",
            key_display="]",
            tooltip="The page after.",
        ),
        Binding("l", "page('logs')", "Logs", id="page.logs", show=False),
        Binding("d", "page('facts')", "Details", id="page.facts", show=False),
        Binding("m", "page('metrics')", "Metrics", id="page.metrics", show=False),
        Binding("c", "copy", "Copy", id="page.copy", tooltip="Copy its id."),
        Binding("j", "scroll(1)", "Down", id="page.down", show=False),
        Binding("k", "scroll(-1)", "Up", id="page.up", show=False),
    ]

    @dataclass
    class Loaded(Message):
        """The daemon answered."""

        item: Item

    @dataclass
    class Happened(Message):
        """What happened to it, or why that is not told."""

        events: Sequence[Item]
        refusal: str = ""

    def __init__(self, session: Session, resource: Resource, item: Item, page: str = "") -> None:
        super().__init__(session, resource, resource.label(item))
        self.item = item
        self._events: Sequence[Item] | None = None
        self._refusal = ""
        self._first_page = page
        self._soon: Timer | None = None
        self._asking = Asking()

    def content(self) -> Iterable[Widget]:
        with Pages(initial=self._first_page or "facts"):
            with TabPane(say("Facts"), id="facts"), VerticalScroll(id="scroll"):
                yield Vertical(id="groups")
            if self.resource.logs:
                with TabPane(say("Logs"), id="logs"):
                    yield LogPage(self.session, self.resource, self.item)
            if self.resource.charts:
                with TabPane(say("Metrics"), id="metrics"):
                    yield ChartPage(self.session, self.resource, self.item)
            if self.resource.events:
                with TabPane(say("Events"), id="events"), VerticalScroll():
                    yield Static(id="events-text")
            with TabPane(say("Configuration"), id="configuration"), VerticalScroll():
                yield Static(id="configuration-text")

    def on_mount(self) -> None:
        """Show what the list knew at once, then ask."""
        self.session.changed.subscribe(self, self._changed)
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._draw())
        self.set_interval(self.resource.look_again_s, self._look_again)
        self._draw()
        self.query_one("#scroll").focus()

    @property
    def reads_log(self) -> bool:
        return isinstance(self.focused, LogRows)

    @property
    def chosen(self) -> Sequence[Item]:
        return [self.item]

    def refresh_data(self) -> None:
        """Ask for the item and what happened to it."""
        self._load()

    def action_turn(self, step: int) -> None:
        """Another page."""
        tabs = self.query_one(Pages)
        pages = [pane.id or "" for pane in tabs.query(TabPane)]
        self.action_page(pages[(pages.index(tabs.active) + step) % len(pages)])

    def action_page(self, page: str) -> None:
        """Go to a page, if there is such a one."""
        tabs = self.query_one(Pages)
        if tabs.query(f"TabPane#{page}"):
            tabs.active = page

    def action_scroll(self, lines: int) -> None:
        """Scroll the page."""
        for each in self.query_one(Pages).active_pane.query(VerticalScroll):  # type: ignore[union-attr]
            each.scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        """Copy the id through the terminal, which works over SSH too."""
        text = self.resource.id(self.item)
        self.app.copy_to_clipboard(text)
        self.notify(say("Copied: {text}", text=text), markup=False)

    @work(group="load")
    async def _load(self) -> None:
        await self._asking.ask(self._ask)

    async def _ask(self) -> None:
        scope, id = self.session.scope, self.resource.id(self.item)
        try:
            item = await self.resource.get(scope, id) if self.resource.get else await self._find(id)
        except WorkbenchError as error:
            self.post_message(self.Failed(error))
            return
        self.post_message(self.Loaded(item))
        if self.resource.events:
            await self._ask_for_events(self.resource.events, item)

    async def _ask_for_events(
        self, events: Callable[[Scope, Item], Awaitable[Sequence[Item]]], item: Item
    ) -> None:
        """Whoever may see it may not always see what happened to it."""
        try:
            self.post_message(self.Happened(await events(self.session.scope, item)))
        except WorkbenchError as error:
            if error.code != "DaemonAway":
                self.post_message(self.Happened((), refusal=str(error)))

    async def _find(self, id: str) -> Item:
        items = await self.resource.load(self.session.scope)
        for item in items:
            if self.resource.id(item) == id:
                return item
        raise NotFound(say("It is gone."))

    @on(Loaded)
    def _show(self, event: Loaded) -> None:
        self.item = event.item
        for page in self.query(LogPage):
            page.follow()
        self._draw()
        self.refresh_keys()

    @on(Happened)
    def _show_events(self, event: Happened) -> None:
        self._events, self._refusal = event.events, event.refusal
        self._draw_events()

    @on(TabbedContent.TabActivated)
    def _turned(self, event: TabbedContent.TabActivated) -> None:
        if event.pane.id != self.query_one(Pages).active:
            return  # one has turned on meanwhile
        for each in event.pane.query("LogRows, Charts, VerticalScroll"):
            each.focus()
            return

    @on(ActingScreen.Failed)
    def _gone(self, event: ActingScreen.Failed) -> None:
        if event.error.status == NotFound.status and self.is_current:
            self.action_back()

    def _draw(self) -> None:
        palette = Palette(self.app.theme_variables)
        groups = self.query_one("#groups")
        facts = [(title, rows) for title, rows in self._facts() if rows]
        boxes = {str(box.name): box for box in groups.query(Static)}
        for title, rows in facts:
            box = boxes.pop(title, None)
            if box is None:
                box = Static(classes="group", name=title)
                box.border_title = say(title)
                groups.mount(box)
            box.update(_rows(rows, palette))
        for left_over in boxes.values():
            left_over.remove()
        self._draw_events()
        own = {name: value for name, value in self.item.items() if name not in _ENVELOPE}
        self.query_one("#configuration-text", Static).update(_json(own, palette))

    def _draw_events(self) -> None:
        palette = Palette(self.app.theme_variables)
        for place in self.query("#events-text").results(Static):
            if self._refusal:
                place.update(Text(self._refusal, palette.style(Tone.WARNING), overflow="fold"))
            elif self._events is not None:
                place.update(_event_lines(self._events, palette))

    def _facts(self) -> Facts:
        if self.resource.facts:
            return self.resource.facts(self.item)
        rows = [(column.title, column.show(column.read(self.item))) for column in self.resource.columns]
        return [(self.resource.title, rows)]

    def _changed(self, change: Change) -> None:
        """What is found in its list only depends on whatever changes the list."""
        mine = change.id == self.resource.id(self.item)
        listed = self.resource.get is None and change.kind in self.resource.follows
        if (mine or listed) and self.is_current and self._soon is None:
            self._soon = self.set_timer(_TOGETHER_S, self._after_changes)

    def _after_changes(self) -> None:
        self._soon = None
        self.refresh_data()

    def _look_again(self) -> None:
        if self.is_current and self.session.connection.alive:
            self.refresh_data()


def _json(content: Item, palette: Palette) -> Text:
    text = Text(json.dumps(content, ensure_ascii=False, indent=2), overflow="fold")
    text.highlight_regex(r'(?<=: )"[^"\n]*"|(?<= )"[^"\n]*"(?!:)', palette.style(Tone.GOOD))
    text.highlight_regex(r'"[^"\n]*"(?=:)', palette.style(Tone.ACCENT))
    return text


def _rows(rows: Sequence[tuple[str, Word]], palette: Palette) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style=palette.style(Tone.QUIET))
    table.add_column(overflow="fold")
    for title, word in rows:
        if word.text:
            table.add_row(say(title), Text(word.text, palette.style(word.tone)))
    return table


def _event_lines(events: Sequence[Item], palette: Palette) -> Table | Text:
    if not events:
        return Text(say("Nothing happened yet."), palette.style(Tone.QUIET))
    table = Table.grid(padding=(0, 2, 0, 0))
    for event in reversed(events):
        table.add_row(
            palette.text(Word(values.clock(event["Time"]), Tone.QUIET)),
            palette.text(state_word(event["Level"])),
            Text(event["Message"], overflow="fold"),
        )
    return table
