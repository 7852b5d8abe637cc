"""Which rows a filter lets through. Pure.

Terms stand apart by spaces and all must hold. A term is text that some cell contains, or whose
letters stand in a cell in this order; `!term` is the opposite; `state:run` looks at the state
only, `tag:team` and `tag:team=a` at the tags, `name:`, and any other column's title, at that column.
Behind what is no title a colon is a colon: `02:37` is a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FUZZY_FROM = 3
"""Fewer letters stand in this order nearly everywhere."""
_WIDE_COLON = "\uff1a"
"""What Chinese keyboards write."""


@dataclass(frozen=True)
class Seen:
    """What a filter looks at: a row's cells by the title of their column, and its tags.

    A column may have titles in two languages, and a cell what it says in both.
    """

    cells: Sequence[tuple[str, str]]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class _Term:
    text: str
    column: str = ""
    rest: str = ""
    """What stands behind the column and the colon."""
    inverse: bool = False

    def holds(self, row: Seen) -> bool:
        return self._found(row) is not self.inverse

    def _found(self, row: Seen) -> bool:
        if self.column == "tag":
            return _tagged(self.rest, row.tags)
        column = [cell for title, cell in row.cells if self.column and title.lower() == self.column]
        if column:
            return any(self.rest in cell.lower() for cell in column)
        return any(self.text in cell.lower() or _fuzzy(self.text, cell.lower()) for _, cell in row.cells)


class Filter:
    """A filter as a user types it."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._terms = [_term(word) for word in self.text.lower().split() if word != "!"]

    def lets_through(self, row: Seen) -> bool:
        """Whether a row is shown."""
        return all(term.holds(row) for term in self._terms)


def _term(word: str) -> _Term:
    text = word.removeprefix("!")
    column, colon, rest = text.replace(_WIDE_COLON, ":").partition(":")
    return _Term(text, column if colon else "", rest, inverse=word.startswith("!"))


def _tagged(text: str, tags: Mapping[str, str]) -> bool:
    key, equals, value = text.partition("=")
    if equals:
        return any(key == each.lower() and value == tags[each].lower() for each in tags)
    return any(key in each.lower() for each in tags)


def _fuzzy(text: str, cell: str) -> bool:
    if len(text) < _FUZZY_FROM or " " in cell:
        return False
    letters = iter(cell)
    return all(letter in letters for letter in text)
