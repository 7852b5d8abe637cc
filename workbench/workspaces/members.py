"""Who is in a workspace, and with which roles.

Every function works inside the caller's transaction and changes single roles, never a whole
list: two administrators who change one member at once both have their way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, NotFound
from workbench.wire.paging import Page
from workbench.workspaces import rules, users, work
from workbench.workspaces.roles import Role


class MemberNotFound(NotFound):
    """The workspace has no such member."""

    code = "MemberNotFound"

    def __init__(self, who: str) -> None:
        super().__init__(f"The workspace has no member {who!r}.", hint="`workbench member list` shows all.")


class MemberExists(Conflict):
    """Who is in a workspace is not added to it again."""

    code = "MemberAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is a member already.", hint="Add the roles to that member.")


@dataclass(frozen=True, kw_only=True)
class Member:
    """A user in a workspace."""

    workspace_id: str
    user_id: str
    name: str
    machine_owner: bool
    roles: frozenset[Role]
    created_at: datetime

    @property
    def member_id(self) -> str:
        """How the wire names the member."""
        return f"{self.workspace_id}-{self.user_id}"


def user_ids(db: Database, workspace_id: str) -> list[str]:
    """Who is in a workspace."""
    rows = db.execute("SELECT user_id FROM members WHERE workspace_id = ?", [workspace_id])
    return [user_id for (user_id,) in rows]


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


def get(db: Database, workspace_id: str, *, user_id: str = "", member_id: str = "") -> Member:
    """One member, by either id.

    Raises:
        MemberNotFound: There is none.
    """
    if not user_id:
        of_workspace, _, user_id = member_id.rpartition("-")
        if of_workspace != workspace_id:
            raise MemberNotFound(member_id)
    row = db.execute(
        f"SELECT {_COLUMNS} {_FROM} AND user_id = :user_id",
        {"workspace_id": workspace_id, "user_id": user_id},
    ).fetchone()
    if row is None:
        raise MemberNotFound(member_id or user_id)
    return _from_row(row)


def search(
    db: Database,
    workspace_id: str,
    *,
    page: Page,
    name: str = "",
    user_id: str = "",
    roles: Sequence[Role] = (),
) -> tuple[list[Member], int]:
    """One page of a workspace's members, oldest first, and how many there are in all.

    Args:
        name: Part of the user's name, capitals or not.
        roles: Members who hold one of these; empty for no such limit.
    """
    values = {
        "workspace_id": workspace_id,
        "name": name,
        "user_id": user_id,
        "roles": json.dumps(list(roles)),
    }
    where = ""
    if name:
        where += " AND instr(lower(users.name), lower(:name))"
    if user_id:
        where += " AND user_id = :user_id"
    if roles:
        where += (
            " AND EXISTS (SELECT 1 FROM member_roles AS held WHERE held.workspace_id = members.workspace_id"
            " AND held.user_id = members.user_id AND held.role IN (SELECT value FROM json_each(:roles)))"
        )
    total: int = db.execute(f"SELECT count(*) {_FROM}{where}", values).fetchone()[0]
    rows = db.query(
        f"SELECT {_COLUMNS} {_FROM}{where} ORDER BY members.created_at, user_id LIMIT :limit OFFSET :offset",
        values | {"limit": page.size, "offset": page.offset},
    )
    return [_from_row(row) for row in rows], total


def names_with(db: Database, workspace_ids: Iterable[str], role: Role) -> dict[str, list[str]]:
    """Names of the members who hold a role, by workspace."""
    rows = db.execute(
        "SELECT workspace_id, users.name FROM member_roles JOIN users USING (user_id) WHERE role = ?"
        " AND workspace_id IN (SELECT value FROM json_each(?)) ORDER BY users.name",
        [role, json.dumps(list(workspace_ids))],
    )
    names: dict[str, list[str]] = {}
    for workspace_id, name in rows:
        names.setdefault(workspace_id, []).append(name)
    return names


def enrol(db: Database, workspace_id: str, user_id: str, roles: Iterable[Role], *, now: datetime) -> Member:
    """Make a user a member; whether they may be is decided before.

    Raises:
        UserNotFound: There is no such user.
        MemberExists: They are in it.
    """
    user = users.get(db, user_id)
    added = db.execute(
        "INSERT INTO members (workspace_id, user_id, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [workspace_id, user_id, now.isoformat()],
    )
    if not added.rowcount:
        raise MemberExists(user.name)
    for role in roles:
        _give(db, workspace_id, user_id, role)
    return get(db, workspace_id, user_id=user_id)


def add(
    db: Database,
    authority: frozenset[Role],
    workspace_id: str,
    user_id: str,
    roles: frozenset[Role],
    *,
    now: datetime,
) -> Member:
    """Make a user a member on behalf of somebody with these roles."""
    rules.check_grant(authority, roles)
    return enrol(db, workspace_id, user_id, roles, now=now)


def add_role(db: Database, authority: frozenset[Role], member: Member, role: Role) -> bool:
    """Give a member one more role; False when it was held already."""
    if role in member.roles:
        return False
    rules.check_grant(authority, [role])
    return _give(db, member.workspace_id, member.user_id, role)


def remove_role(db: Database, authority: frozenset[Role], member: Member, role: Role) -> bool:
    """Take a role from a member; False when it was not held."""
    if role not in member.roles:
        return False
    rules.check_taking(authority, member.user_id, member.roles, role)
    db.execute(
        "DELETE FROM member_roles WHERE workspace_id = ? AND user_id = ? AND role = ?",
        [member.workspace_id, member.user_id, role],
    )
    return True


def remove(db: Database, authority: frozenset[Role], member: Member) -> None:
    """Remove a member who runs nothing in the workspace.

    Raises:
        StillRunning: Something of theirs runs, which they could still reach.
    """
    rules.check_removal(authority, member.user_id, member.roles)
    work.refuse_while_running(
        f"{member.name} cannot be removed",
        work.running(db, workspace_id=member.workspace_id, user_id=member.user_id),
    )
    db.execute(
        "DELETE FROM members WHERE workspace_id = ? AND user_id = ?", [member.workspace_id, member.user_id]
    )


_COLUMNS = (
    "members.workspace_id, user_id, users.name, users.machine_owner, members.created_at,"
    " (SELECT group_concat(role) FROM member_roles AS held WHERE held.workspace_id = members.workspace_id"
    " AND held.user_id = members.user_id) AS roles"
)
_FROM = "FROM members JOIN users USING (user_id) WHERE workspace_id = :workspace_id"


def _give(db: Database, workspace_id: str, user_id: str, role: Role) -> bool:
    added = db.execute(
        "INSERT INTO member_roles (workspace_id, user_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [workspace_id, user_id, role],
    )
    return added.rowcount > 0


def _from_row(row: Mapping[str, Any]) -> Member:
    return Member(
        workspace_id=row["workspace_id"],
        user_id=row["user_id"],
        name=row["name"],
        machine_owner=bool(row["machine_owner"]),
        roles=frozenset(Role(role) for role in row["roles"].split(",")),
        created_at=datetime.fromisoformat(row["created_at"]),
    )
