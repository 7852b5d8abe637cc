"""Why a machine cannot be emulated here."""

from __future__ import annotations


class CannotEmulate(Exception):
    """Something that the emulation stands on is missing.

    Args:
        message: What is missing or went wrong.
        hint: What to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
