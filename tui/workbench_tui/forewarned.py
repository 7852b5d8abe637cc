"""What is told at once, wherever the user is: that something of theirs needs them now.

A notebook that runs and has something to say is about to be stopped, or its GPU cannot be relied on;
a GPU that is held stands idle, or its driver reported an error.
"""

from __future__ import annotations

from workbench_tui.feed import Change

_KINDS = frozenset({"notebook", "idle-gpu", "gpu-error"})


class Forewarned:
    """Remembers what was told, so that nothing is told twice in a row."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}

    def hear(self, change: Change) -> bool:
        """Whether a change warns of something, and did not just before."""
        if change.kind not in _KINDS:
            return False
        warning = change.message if change.kind != "notebook" or change.status == "Running" else ""
        before = self._told.pop((change.kind, change.id), "")
        if warning:
            self._told[change.kind, change.id] = warning
        return warning not in ("", before)
