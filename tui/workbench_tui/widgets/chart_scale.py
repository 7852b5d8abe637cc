"""Round numbers and times beside a chart. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import median

_LEAST = 1e-6
_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS_S = (
    *(30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 5 * _DAY, 7 * _DAY, 10 * _DAY),
)


@dataclass(frozen=True)
class Scale:
    """The axis of values: from 0 to `top`, told in `unit`, which is `per_unit` of the values' own."""

    top: float
    unit: str
    per_unit: float = 1.0

    def label(self, value: float) -> str:
        """A value with its unit: `62%`, `1.5 GiB`."""
        amount = value / self.per_unit
        digits = 0 if amount >= 100 or amount == round(amount) else 1 if amount >= 10 else 2
        number = f"{amount:.{digits}f}"
        number = number.rstrip("0").rstrip(".") if "." in number else number
        return f"{number}{self.unit}" if self.unit in ("%", "") else f"{number} {self.unit}"


def scale(highest: float, unit: str) -> Scale:
    """The axis for values up to this one: shares up to 100%, the rest up to the next round number.

    Args:
        unit: Of the values. Bytes (`B`, `B/s`) are told in the largest unit that fits.
    """
    if unit == "%":
        return Scale(max(100.0, _rounded_up(highest)), unit)
    base, slash, per = unit.partition("/")
    if base != "B":
        return Scale(_rounded_up(highest), unit)
    power = min(int(math.log(max(highest, 1), 1024)), len(_BINARY) - 1)
    per_unit = 1024.0**power
    return Scale(_rounded_up(highest / per_unit) * per_unit, f"{_BINARY[power]}{slash}{per}", per_unit)


def longest_gap(points: Sequence[tuple[float, float]]) -> float:
    """From how many seconds on nothing was measured between two points: thrice the usual distance."""
    if len(points) < 2:
        return 0.0
    return 3 * median(after[0] - before[0] for before, after in itertools.pairwise(points))


def ticks(start: float, end: float, columns: int, zone: tzinfo | None = None) -> Iterator[tuple[int, str]]:
    """Round times between two, as many as have room: the column of each, and its label.

    Args:
        columns: Width of the axis in cells.
        zone: Whose clock; the machine's own by default.
    """
    span = end - start
    room = 8
    step = next((each for each in _STEPS_S if columns * each / span >= room), _STEPS_S[-1])
    form = "%m-%d" if step >= _DAY else "%H:%M:%S" if step < _MINUTE else "%H:%M"
    offset = datetime.fromtimestamp(end, zone).astimezone(zone).utcoffset()
    shift = offset.total_seconds() if offset else 0.0
    moment = math.ceil((start + shift) / step) * step - shift
    while moment <= end:
        yield round((moment - start) / span * (columns - 1)), f"{datetime.fromtimestamp(moment, zone):{form}}"
        moment += step


def _rounded_up(value: float) -> float:
    if value < _LEAST:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(each * power for each in _ROUND if each * power >= value * (1 - 1e-9))
