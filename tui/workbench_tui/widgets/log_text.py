"""What a log line looks like on the screen. Pure.

A program that writes for a terminal colours its lines, draws progress over itself with carriage
returns, and may write any byte. Colours are kept, of what was drawn over the last stays, and
nothing else reaches the user's terminal.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from rich.ansi import AnsiDecoder
from rich.cells import cell_len
from rich.text import Text

_TAB = 8
_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")
_ESCAPE = "\x1b"


def shown(text: str) -> Text:
    """The line with its colours, as one row without tabs or control characters."""
    text = text.rstrip("\r").rsplit("\r", 1)[-1]
    row = AnsiDecoder().decode_line(text) if _ESCAPE in text else Text(text)
    if "\t" in row.plain:
        row.expand_tabs(_TAB)
    if _UNSEEN.search(row.plain):
        row.plain = _UNSEEN.sub("\ufffd", row.plain)  # a character for a character: colours stay in place
    row.no_wrap = True
    row.end = ""
    return row


def plain(text: str) -> str:
    """The line as one reads, searches and copies it."""
    return text if text.isascii() and text.isprintable() else shown(text).plain


def width(text: str) -> int:
    """How many cells the line takes; negative where some characters take two."""
    if text.isascii() and text.isprintable():
        return len(text)
    line = plain(text)
    size = cell_len(line)
    return size if size == len(line) else -size


def rows(line_width: int, available: int) -> int:
    """How many rows a line of this `width` takes when folded; at most, where characters take two."""
    if line_width >= 0:
        return max(-(-line_width // available), 1)
    return -(line_width // max(available - 1, 1))  # each row may miss its last cell


def fold(row: Text, available: int) -> list[Text]:
    """Cut a row into rows of at most so many cells, never through a wide character."""
    if cell_len(row.plain) == len(row.plain):
        return list(row.divide(range(available, len(row), available)))
    cuts, used = [], 0
    for index, character in enumerate(row.plain):
        size = cell_len(character)
        if used + size > available:
            cuts.append(index)
            used = 0
        used += size
    return list(row.divide(cuts))


@lru_cache(maxsize=4)
def pretty(text: str) -> str:
    """The line laid out for reading: JSON indented, wherever in the line it begins.

    Anything else comes back as it was.
    """
    line = plain(text)
    for start in (match.start() for match in re.finditer(r"[{\[]", line)):
        try:
            value = json.loads(line[start:])
        except ValueError:
            continue
        if value:
            laid_out = json.dumps(value, indent=2, ensure_ascii=False)
            return f"{line[:start].rstrip()}\n{laid_out}".lstrip("\n")
    return line
