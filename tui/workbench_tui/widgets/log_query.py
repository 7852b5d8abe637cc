"""What is searched for, and where to go: what somebody typed, understood. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

_REGEX = re.compile(r"/(.+)/")
_NUMBER = re.compile(r"\d{1,12}")
_AGO = re.compile(r"-(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCKS = ("%H:%M", "%H:%M:%S")
_MOMENTS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True)
class Query:
    """A condition on a line's text.

    Upper and lower case are the same unless an upper case letter is asked for.
    """

    text: str
    pattern: re.Pattern[str]
    inverse: bool = False

    @classmethod
    def parse(cls, text: str) -> Query | None:
        """Understand `text`, `!text` (lines without it) or `/regular expression/`; nothing for nothing.

        Raises:
            re.error: The regular expression is none.
        """
        inverse = text.startswith("!")
        wanted = text.removeprefix("!")
        if not wanted:
            return None
        regex = _REGEX.fullmatch(wanted)
        flags = re.NOFLAG if any(map(str.isupper, wanted)) else re.IGNORECASE
        return cls(text, re.compile(regex[1] if regex else re.escape(wanted), flags), inverse)

    def matches(self, text: str) -> bool:
        """Whether a line is one of those meant."""
        return bool(self.pattern.search(text)) is not self.inverse


def destination(text: str, *, last: datetime, zone: tzinfo | None = None) -> int | datetime | None:
    """Where `text` leads: a line's number counted from 1, a moment, or nowhere.

    Args:
        text: `1200`, `-5m`, `12:34`, `12:34:56`, or a date with or without a time.
        last: When the last line was written; times of day are of that day, spans count from it.
        zone: Of the times of day; the machine's own by default.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return int(text)
    if ago := _AGO.fullmatch(text):
        return last - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    here = last.astimezone(zone)
    for form in _CLOCKS:
        if clock := _read(text, form):
            return here.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
    for form in _MOMENTS:
        if moment := _read(text, form):
            return moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return None


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 the caller knows the zone
    except ValueError:
        return None
