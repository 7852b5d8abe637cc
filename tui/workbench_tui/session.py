"""What all screens share: whom to ask, what is known already, and what the daemon tells.

Screens read it and listen to its signals. Only the application changes it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from textual.dom import DOMNode
from textual.signal import Signal

from workbench_tui.feed import Change
from workbench_tui.memory import Memory
from workbench_tui.resource import Item, Scope

SEEN_S = 12
"""How long an error is seen."""


@dataclass(frozen=True)
class Connection:
    """Whether the daemon answers; `problem` says why not, or why it lets the user do nothing."""

    alive: bool
    problem: str = ""
    refused: bool = False


class Session:
    """One run of the dashboard.

    Args:
        owner: The application; its end ends the signals.
    """

    def __init__(self, owner: DOMNode, scope: Scope, memory: Memory) -> None:
        self.scope = scope
        self.memory = memory
        self.workspace = ""
        """The workspace's name; empty for all that the user may see."""
        self.connection = Connection(alive=True)
        self.heard_at = time.monotonic()
        self.changed: Signal[Change] = Signal(owner, "changed")
        """The daemon told of a change."""
        self.reconnected: Signal[Connection] = Signal(owner, "reconnected")
        """The daemon answers again, or not any more."""
        self.scoped: Signal[Scope] = Signal(owner, "scoped")
        """Another workspace, or other rights."""
        self._said: dict[str, float] = {}
        self._known: dict[tuple[str, str], Sequence[Item]] = {}

    def is_news(self, text: str) -> bool:
        """Whether this was not said just now: who is shut out is refused by all that is asked at once."""
        now = time.monotonic()
        self._said = {each: at for each, at in self._said.items() if now - at < SEEN_S}
        return self._said.setdefault(text, now) == now

    def remember(self, resource: str, items: Sequence[Item]) -> None:
        """Keep a list, so that it can be shown at once the next time."""
        self._known[resource, self.scope.workspace_id] = items

    def known(self, resource: str) -> Sequence[Item] | None:
        """A list as it was last seen; None when it never was."""
        return self._known.get((resource, self.scope.workspace_id))
