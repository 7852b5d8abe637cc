"""What of other people's work a caller may know of, wherever it is shown among things that all may
see: who holds a GPU, who waits for one, whose pod runs.

That there is something everybody sees, for everybody waits for it. What it is called and whose it is
only those see who would find it in a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlite_utils import Database

from workbench.wire.call import Caller
from workbench.workspaces.authorization import visible_in
from workbench.workspaces.residents import Residents

Knows = Callable[[str, str, str], bool]
"""Whether the caller may know of this object, by its id and those of its workspace and its user."""

_LISTED_BY = "ListInstances"


def knows(db: Database, caller: Caller, residents: Iterable[Residents]) -> Knows:
    """What this caller may know of, as things are now. What is gone is known to who had it, and to who
    manages or operates its workspace."""
    visible = visible_in(db, caller, _LISTED_BY)
    if visible is None:
        return lambda id, workspace_id, user_id: True
    seen = frozenset(id for each in residents for id in each.seen(db, visible))

    def known(id: str, workspace_id: str, user_id: str) -> bool:
        return workspace_id in visible and (visible[workspace_id] in (None, user_id) or id in seen)

    return known
