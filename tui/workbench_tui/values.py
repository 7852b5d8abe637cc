"""How values are written: sizes, shares, ages. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(amount: float) -> str:
    """Bytes for people: `1.5 GiB`; three digits at least."""
    for unit in _UNITS:
        if abs(amount) < 1024 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def share(part: float, whole: float) -> str:
    """A percentage; empty where there is no whole."""
    return f"{100 * part / whole:.0f}%" if whole else ""


def number(value: float) -> str:
    """A number without needless digits."""
    return f"{round(value, 2):g}"


def duration(seconds: float) -> str:
    """A time span in its largest two units: `3d4h`, `5m`, `12s`."""
    left = max(0, int(seconds))
    days, left = divmod(left, 86400)
    hours, left = divmod(left, 3600)
    minutes, seconds_left = divmod(left, 60)
    if days:
        return f"{days}d{hours}h" if hours and days < 10 else f"{days}d"
    if hours:
        return f"{hours}h{minutes}m" if minutes and hours < 10 else f"{hours}h"
    if minutes:
        return f"{minutes}m{seconds_left}s" if seconds_left and minutes < 10 else f"{minutes}m"
    return f"{seconds_left}s"


def moment(text: str) -> datetime | None:
    """A time as the wire spells it; None where there is none."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def age(text: str, now: datetime) -> str:
    """How long ago a time on the wire was; empty where there is none."""
    then = moment(text)
    return duration((now - then).total_seconds()) if then else ""


def clock(text: str) -> str:
    """A time on the wire as the user's clock shows it, with the date."""
    then = moment(text)
    return then.astimezone().strftime("%Y-%m-%d %H:%M:%S") if then else ""
