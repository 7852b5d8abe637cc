"""Why a machine cannot be emulated."""

from __future__ import annotations


class CannotEmulate(Exception):
    """It does not work, and the message says why.

    Args:
        message: What went wrong.
        hint: What to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())


class NotHere(CannotEmulate):
    """This computer lacks something that the emulation stands on; tests are skipped."""
