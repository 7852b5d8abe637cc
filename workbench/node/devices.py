"""Which cards a process can see, looked at from outside of its container."""

from __future__ import annotations

import re
from pathlib import Path

_CARD = re.compile(r"nvidia(\d+)")


def visible_cards(pid: int) -> frozenset[int] | None:
    """The minor numbers of the cards whose device files a process finds in its /dev.

    None where that cannot be told: it ended, or we may not look.
    """
    try:
        names = [each.name for each in Path(f"/proc/{pid}/root/dev").iterdir()]
    except OSError:
        return None
    return frozenset(int(match[1]) for name in names if (match := _CARD.fullmatch(name)))
