"""What is wrong with what somebody types into a form. Pure; an empty answer means nothing is.

The daemon checks everything again. Here it is only said earlier.
"""

from __future__ import annotations

import re

from workbench_tui.texts import say

_NOTEBOOK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_MOST = 10**12
"""More GiB, CPUs or minutes than any machine has."""
_SIZE = re.compile(r"\d+(\.\d+)? ?([KMGT]i?B?)?", re.IGNORECASE)
_UNIX_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def notebook_name(text: str) -> str:
    """A notebook's name."""
    if not text or _NOTEBOOK.fullmatch(text):
        return ""
    return say("1 to 63 letters, digits, underscores and hyphens, no hyphen first.")


def user_name(text: str) -> str:
    """A user's name."""
    return "" if _UNIX_USER.fullmatch(text) else say("Small letters, digits, `-` and `_`, a letter first.")


def amount(text: str) -> str:
    """A number that may have a fraction."""
    try:
        number = float(text or 0)
    except ValueError:
        return say("A number is wanted.")
    if number > _MOST:
        return say("No machine has so much.")
    return "" if number >= 0 else say("A number from 0 up is wanted.")


def size(text: str) -> str:
    """A size in GiB, or in a unit that is said."""
    return "" if not text or _SIZE.fullmatch(text) else say("A size such as 8 or 512Mi is wanted.")


def whole(text: str) -> str:
    """A whole number."""
    if text and not text.isdecimal():
        return say("A whole number is wanted.")
    return say("No machine has so much.") if len(text) > len(str(_MOST)) else ""


def priority(text: str) -> str:
    """How important something is."""
    return "" if text in ("", *"123456789") else say("A whole number from 1 to 9 is wanted.")


def mounts(text: str) -> str:
    """Mounts, each as URI=PATH, with spaces between."""
    for each in text.split():
        uri, _, path = each.partition("=")
        if "://" not in uri or not path.startswith("/"):
            return say("{mount} is not like nas://workspace/data=/mnt/data.", mount=each)
    return ""
