"""The table of a resource: live, sorted, filtered, marked.

Rows are changed in place. The cursor stays on its object, not on its line, whatever comes, goes
or is sorted around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from workbench_tui.filtering import Filter, Seen
from workbench_tui.resource import Column, Item, Resource, state_word
from workbench_tui.texts import say
from workbench_tui.tones import Palette, Tone, Word

_MARK = "mark"
_NARROWEST = 8
_ONE_BY_ONE = 50
"""Removing a row costs as much as there are rows; from so many on, all are laid out anew."""


@dataclass(frozen=True)
class Cell:
    """One cell: what is seen, and what it is sorted by. It is drawn only when it is looked at."""

    word: Word
    order: Any
    palette: Palette
    right: bool = False

    def __rich__(self) -> Text:
        drawn = self.palette.text(self.word)
        drawn.justify = "right" if self.right else "left"
        return drawn


class ResourceTable(DataTable[Cell]):
    """Items of one kind, one row each.

    Args:
        only: Titles of the columns to show, where not all.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", id="list.down", show=False),
        Binding("k", "cursor_up", "Up", id="list.up", show=False),
        Binding("g", "scroll_top", "First", id="list.first", show=False),
        Binding("G", "scroll_bottom", "Last", id="list.last", show=False),
    ]

    DEFAULT_CSS = """
    ResourceTable { height: 1fr; background: $background; scrollbar-size: 0 1; }
    ResourceTable > .datatable--header { background: $background; color: $text-muted; text-style: bold; }
    ResourceTable:ansi > .datatable--header { background: ansi_default; color: ansi_default; }
    """

    @dataclass
    class Shown(Message):
        """Other rows are shown than before."""

        table: ResourceTable

        @property
        def control(self) -> ResourceTable:
            return self.table

    def __init__(self, resource: Resource, *, only: Sequence[str] = (), id: str | None = None) -> None:
        super().__init__(cursor_type="row", id=id)
        self.resource = resource
        self.filter = Filter()
        self.sorted_by = ""
        self.descending = False
        self.marked: set[str] = set()
        self.items: Mapping[str, Item] = {}
        self._only = only
        self._fitted = 0

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.items.get(str(self.ordered_rows[self.cursor_row].key.value))

    @property
    def chosen(self) -> list[Item]:
        """The marked items that are shown, or the one under the cursor."""
        shown_marks = self.marked_and_shown
        marked = [self.items[id] for id in self.items if id in shown_marks]
        return marked or [item for item in [self.current] if item]

    @property
    def marked_and_shown(self) -> set[str]:
        """Marks that the filter hides wait for its end: nothing is done to what one does not see."""
        return {id for id in self.marked if id in self.rows}

    def show(self, items: Sequence[Item]) -> None:
        """Show these items, changing only what changed."""
        self.items = {self.resource.id(item): item for item in items}
        self.marked &= self.items.keys()
        self.rearrange()

    def narrow(self, filter: Filter) -> None:  # noqa: A002
        """Show only what the filter lets through."""
        self.filter = filter
        self.rearrange()

    def sort_on(self, title: str, *, descending: bool) -> None:
        """Sort by a column; an empty title leaves the daemon's order."""
        self.sorted_by, self.descending = title, descending
        self._redraw()

    def toggle_mark(self) -> None:
        """Mark the item under the cursor, or take its mark off, and go on to the next."""
        item = self.current
        if item is None:
            return
        self.marked ^= {self.resource.id(item)}
        self.rearrange()
        self.action_cursor_down()

    def toggle_all_marks(self) -> None:
        """Mark all that are shown; none, when all are."""
        shown = {str(key.value) for key in self.rows}
        self.marked = set() if shown <= self.marked else self.marked | shown
        self.rearrange()

    def rearrange(self) -> None:
        """Bring the rows to what should be seen now."""
        if not self._columns_shown:
            return
        wanted = self._wanted()
        under_cursor = self._id_under_cursor
        line = self.cursor_row
        gone = [key for key in self.rows if key.value not in wanted]
        if len(gone) > _ONE_BY_ONE:
            self.clear()
        else:
            for key in gone:
                self.remove_row(key)
        for id, cells in wanted.items():
            if id in self.rows:
                self._change(id, cells)
            else:
                self.add_row(*cells.values(), key=id)
        places = {id: place for place, id in enumerate(wanted)}
        if [row.key.value for row in self.ordered_rows] != list(places):
            self.sort(_MARK, key=lambda cell: places[cell.order])
        self._follow(under_cursor, line)
        self.post_message(self.Shown(self))

    def on_mount(self) -> None:
        """Colours follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._redraw())

    def on_resize(self, event: events.Resize) -> None:
        """Show the columns there is room for; the elastic one takes the rest."""
        if event.size.width != self._fitted:
            self._fitted = event.size.width
            self._redraw()

    @on(DataTable.HeaderSelected)
    def _sort_by_click(self, event: DataTable.HeaderSelected) -> None:
        event.stop()
        title = str(event.column_key.value)
        if title != _MARK:
            self.sort_on(title, descending=title == self.sorted_by and not self.descending)

    @cached_property
    def _palette(self) -> Palette:
        return Palette(self.app.theme_variables)

    @property
    def _columns_shown(self) -> list[Column]:
        if not self._fitted:
            return []
        return [
            column
            for column in self.resource.columns
            if column.from_width <= self._fitted and (not self._only or column.title in self._only)
        ]

    def _redraw(self) -> None:
        under_cursor = self._id_under_cursor
        line = self.cursor_row
        self.__dict__.pop("_palette", None)
        self.clear(columns=True)
        columns = self._columns_shown
        if not columns:
            return
        padding = 2 * self.cell_padding
        fixed = sum(column.width + padding for column in columns) + 1 + padding
        # The place of the scrollbar is kept: it comes and goes with the rows, the columns stay.
        rest = self._fitted - fixed - self.styles.scrollbar_size_vertical
        elastic = next((column for column in columns if not column.width), columns[0])
        self.add_column("", key=_MARK, width=1)
        for column in columns:
            heading = Text(say(column.title), justify="right" if column.right else "left", no_wrap=True)
            if column.title == self.sorted_by:
                heading.append("↓" if self.descending else "↑")
            more = max(rest, 0) if column is elastic else 0
            self.add_column(heading, key=column.title, width=column.width + more or _NARROWEST)
        self.rearrange()
        self._follow(under_cursor, line)

    @property
    def _id_under_cursor(self) -> str | None:
        item = self.current
        return self.resource.id(item) if item else None

    def _wanted(self) -> dict[str, dict[str, Cell]]:
        """Rows by id, in their order, as far as the filter lets them through."""
        columns = self._columns_shown
        ids = list(self.items)
        sorting = next((each for each in self.resource.columns if each.title == self.sorted_by), None)
        if sorting:
            ids.sort(key=lambda id: sorting.read(self.items[id]), reverse=self.descending)
        return {id: self._cells(id, columns) for id in ids if self._passes(self.items[id])}

    def _passes(self, item: Item) -> bool:
        if not self.filter.text:
            return True
        cells = [seen for column in self.resource.columns for seen in _in_both_languages(column, item)]
        return self.filter.lets_through(Seen(cells, self.resource.tags(item)))

    def _cells(self, id: str, columns: Sequence[Column]) -> dict[str, Cell]:
        mark = Word("◉", Tone.ACCENT) if id in self.marked else Word(" ")
        cells = {_MARK: Cell(mark, id, self._palette)}
        for column in columns:
            value = column.read(self.items[id])
            cells[column.title] = Cell(column.show(value), value, self._palette, column.right)
        return cells

    def _change(self, id: str, cells: Mapping[str, Cell]) -> None:
        for (title, cell), present in zip(cells.items(), self.get_row(id), strict=True):
            if present.word != cell.word:
                self.update_cell(id, title, cell)

    def _follow(self, id: str | None, line: int) -> None:
        if id is not None and id in self.rows:
            line = self.get_row_index(id)
        if line != self.cursor_row and self.row_count:
            self.move_cursor(row=min(line, self.row_count - 1), animate=False)


def _in_both_languages(column: Column, item: Item) -> Iterable[tuple[str, str]]:
    """What a cell says and how its column is called, as it is seen and in English, which commands speak."""
    value = column.read(item)
    said = {column.show(value).text}
    if column.show is state_word:
        said.add(value)
    return product({column.title, say(column.title)}, said)
