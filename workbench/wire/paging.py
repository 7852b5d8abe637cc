"""Pages and order of a list, as most of PAI's list operations ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import InvalidInput
from workbench.wire.choices import one_of, within

_LARGEST_PAGE = 1000
_LAST_PAGE = 1_000_000


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted; pages are counted from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """Entries before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True)
class Sorting:
    """What a list is sorted by: a name of ours, not the wire's."""

    column: str
    descending: bool


def page(fields: Mapping[str, Any], *, size: int = 10) -> Page:
    """The page that a request's `PageNumber` and `PageSize` ask for.

    A size is honoured or refused and never cut down: clients take a page that is shorter than
    they asked for as the last one.

    Args:
        fields: The request's fields, converted.
        size: Entries when the request does not say.

    Raises:
        InvalidInput: A number is out of bounds.
    """
    return Page(
        within("PageNumber", fields.get("PageNumber", 1), 1, _LAST_PAGE),
        within("PageSize", fields.get("PageSize", size), 1, _LARGEST_PAGE),
    )


def sorting(
    fields: Mapping[str, Any], columns: Mapping[str, str], *, default: str, order: str = "DESC"
) -> Sorting:
    """The order that a request's `SortBy` (`Sort` in EAS) and `Order` ask for.

    Args:
        fields: The request's fields, converted.
        columns: Column by the wire's name of what may be sorted by.
        default: The wire's name of what is sorted by when the request does not say.
        order: Which way when the request does not say.

    Raises:
        InvalidInput: It cannot be sorted so.
    """
    wanted = fields.get("SortBy") or fields.get("Sort") or default
    by_lower_name = {name.lower(): column for name, column in columns.items()}
    column = by_lower_name.get(wanted.lower())
    if column is None:
        raise InvalidInput(f"SortBy is {wanted!r}; one of {', '.join(sorted(columns))} is wanted.")
    return Sorting(column, descending=descending(fields, default=order))


def descending(fields: Mapping[str, Any], *, default: str = "DESC") -> bool:
    """Whether a request's `Order` asks for the newest or largest first.

    Args:
        default: The order where it does not say.

    Raises:
        InvalidInput: It is no order.
    """
    return one_of("Order", fields.get("Order") or default, ("ASC", "DESC")) == "DESC"
