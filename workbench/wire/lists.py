"""Lists that travel as one text, with commas between their parts."""

from __future__ import annotations


def parts(text: str) -> list[str]:
    """The parts of such a list; blanks around them, and parts that are empty, mean nothing."""
    return [part.strip() for part in text.split(",") if part.strip()]
