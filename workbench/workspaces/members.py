"""Who is in a workspace, and with which roles.

Every function works inside the caller's transaction and changes single roles, never a whole
list: two administrators who change one member at once both have their way.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from workbench.workspaces.roles import Role


def roles_of(db: Database, workspace_id: str, user_id: str) -> frozenset[Role]:
    """The roles that a user holds in a workspace; none means not a member."""
    rows = db.execute(
        "SELECT role FROM member_roles WHERE workspace_id = ? AND user_id = ?", [workspace_id, user_id]
    )
    return frozenset(Role(row[0]) for row in rows)


def roles_by_workspace(db: Database, user_id: str) -> dict[str, frozenset[Role]]:
    """The roles that a user holds, by the workspaces that they are in."""
    rows = db.execute("SELECT workspace_id, role FROM member_roles WHERE user_id = ?", [user_id])
    held: dict[str, frozenset[Role]] = {}
    for workspace_id, role in rows:
        held[workspace_id] = held.get(workspace_id, frozenset()) | {Role(role)}
    return held


def enrol(db: Database, workspace_id: str, user_id: str, roles: Iterable[Role], *, now: datetime) -> None:
    """Make a user a member with these roles, added to those held already."""
    db.execute(
        "INSERT INTO members (workspace_id, user_id, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [workspace_id, user_id, now.isoformat()],
    )
    for role in sorted(roles):
        db.execute(
            "INSERT INTO member_roles (workspace_id, user_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [workspace_id, user_id, role],
        )
