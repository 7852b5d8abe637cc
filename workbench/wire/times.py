"""How PAI spells a moment: UTC, ISO 8601, `2026-01-02T03:04:05Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from workbench.errors import InvalidInput

_FRACTION = re.compile(r"[.,](\d+)")


def to_wire(moment: datetime, *, milliseconds: bool = False) -> str:
    """Spell a moment.

    Args:
        moment: Aware; in any zone.
        milliseconds: As the service aiworkspace spells it, `2026-01-02T03:04:05.000Z`.
    """
    precision = "milliseconds" if milliseconds else "seconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def from_wire(text: str) -> datetime:
    """Read a moment, with or without fractions of a second.

    Raises:
        InvalidInput: It is no such time, or does not say its zone.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # said below, in the words that fit both
    raise InvalidInput(f"{text!r} is not a time; one like 2026-01-02T03:04:05Z is wanted.")


def through(text: str) -> datetime:
    """Read the end of a range: the last moment of the second that it names, or of the part of one.

    Answers cut a moment's rest off, so that what is told to be of this second may be later in it.

    Raises:
        InvalidInput: As `from_wire`.
    """
    moment = from_wire(text)
    fraction = _FRACTION.search(text)
    digits = min(len(fraction[1]), 6) if fraction else 0
    return moment + timedelta(microseconds=10 ** (6 - digits) - 1)
