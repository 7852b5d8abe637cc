"""Fields of which only some values may be given."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import InvalidInput


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """A value of a closed choice, in the spelling that the choice has; capitals make no difference.

    Raises:
        InvalidInput: It is another one.
    """
    for each in allowed:
        if each.lower() == value.lower():
            return each
    raise InvalidInput(f"{name} is {value!r}; {' or '.join(allowed)} is wanted.")


def within(name: str, value: int, low: int, high: int) -> int:
    """A number within bounds, both included.

    Raises:
        InvalidInput: It is out of them.
    """
    if not low <= value <= high:
        raise InvalidInput(f"{name} is {value}; a number from {low} to {high} is wanted.")
    return value
