"""Sizes of memory and files as texts, read and shown alike wherever people meet them.

A plain number counts GiB. `Mi` and `Gi` count in powers of 1024, `M` and `G` in powers of 1000, each
with or without a `B` behind it.
"""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*", re.ASCII)
_GIB = 2**30
_UNITS = {
    f"{letter}{power}{byte}": base**exponent
    for exponent, letter in enumerate("kmgt", start=1)
    for power, base in (("i", 1024), ("", 1000))
    for byte in ("", "b")
}
_SHOWN_IN = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}


def read(text: str) -> int:
    """A size in bytes.

    Raises:
        ValueError: It is none; in words that go on after a colon or a semicolon.
    """
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError("a size such as 4 (GiB), 4Gi, 4096Mi or 4GB is wanted")
    number, unit = float(found[1]), found[2].lower()
    if unit and unit not in _UNITS:
        raise ValueError(f"{found[2]} is not a unit, use Mi, Gi, MB or GB")
    return int(number * (_UNITS[unit] if unit else _GIB))


def show(size: float) -> str:
    """A size in bytes for a reader: in GiB, or where that would be almost nothing, in less."""
    unit = next((name for name, one in _SHOWN_IN.items() if abs(size) >= one / 100), "GiB")
    number = size / _SHOWN_IN[unit]
    return f"{number:.0f} {unit}" if abs(number) >= 1000 else f"{number:.4g} {unit}"
