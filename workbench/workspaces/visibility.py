"""Which workspaces' objects a caller finds in a list."""

from __future__ import annotations

from collections.abc import Mapping

from sqlite_utils import Database

from workbench.wire.call import Caller
from workbench.workspaces import members, permissions


def visible_in(db: Database, caller: Caller, operation: str) -> Mapping[str, str | None] | None:
    """Where a list operation may look.

    Returns:
        By workspace id, the user whose objects are shown there, or None where everybody's are.
        None in place of all that: everything on this machine.
    """
    if caller.owner:
        return None
    visible: dict[str, str | None] = {}
    for workspace_id in members.workspaces_of(db, caller.user_id):
        roles = members.roles_of(db, workspace_id, caller.user_id)
        if permissions.may(roles, operation, own=False):
            visible[workspace_id] = None
        elif permissions.may(roles, operation, own=True):
            visible[workspace_id] = caller.user_id
    return visible
