"""Workspaces, as they are kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, NotFound
from workbench.wire.paging import Page, Sorting
from workbench.workspaces import rules, tags
from workbench.workspaces.schema import next_id


class WorkspaceNotFound(NotFound):
    """There is no such workspace, or the caller is not in it: both look the same from outside."""

    code = "WorkspaceNotFound"

    def __init__(self, workspace_id: str) -> None:
        super().__init__(
            f"There is no workspace {workspace_id!r} that you are a member of.",
            hint="`workbench workspace list` shows yours.",
        )


class WorkspaceNameTaken(Conflict):
    """Names of workspaces are unique, capitals or not."""

    code = "WorkspaceNameAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a workspace named {name!r}.", hint="Choose another name.")


class DefaultStays(Conflict):
    """There is always a default workspace."""

    code = "DefaultWorkspaceStays"

    def __init__(self) -> None:
        super().__init__(
            "The default workspace cannot be deleted.", hint="Make another workspace the default first."
        )


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One workspace. `creator` is the owner's user id."""

    workspace_id: str
    name: str
    display_name: str
    description: str
    creator: str
    is_default: bool
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """A workspace that is gone, while its files are not."""

    workspace_id: str
    name: str
    creator: str
    deleted_at: datetime


def create(
    db: Database,
    *,
    name: str,
    creator: str,
    now: datetime,
    display_name: str = "",
    description: str = "",
    is_default: bool = False,
) -> Workspace:
    """Keep a new workspace; its owner becomes a member in `members.py`.

    Raises:
        BadWorkspaceName: The name breaks the rules.
        WorkspaceNameTaken: Another workspace has it.
    """
    rules.check_workspace_name(name)
    rules.check_texts(display_name, description)
    workspace = Workspace(
        workspace_id=next_id(db, "workspace"),
        name=name,
        display_name=display_name or name,
        description=description,
        creator=creator,
        is_default=is_default,
        created_at=now,
        modified_at=now,
    )
    try:
        db.execute(
            "INSERT INTO workspaces (workspace_id, name, display_name, description, creator, is_default,"
            " created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                workspace.workspace_id,
                name,
                workspace.display_name,
                description,
                creator,
                is_default,
                now.isoformat(),
                now.isoformat(),
            ],
        )
    except sqlite3.IntegrityError as error:
        raise WorkspaceNameTaken(name) from error
    return workspace


def get(db: Database, workspace_id: str) -> Workspace:
    """The workspace with this id.

    Raises:
        WorkspaceNotFound: There is none.
    """
    row = db.execute("SELECT * FROM workspaces WHERE workspace_id = ?", [workspace_id]).fetchone()
    if row is None:
        raise WorkspaceNotFound(workspace_id)
    return from_row(row)


def name_of(db: Database, workspace_id: str) -> str:
    """What the workspace is called, or was before it was deleted; empty where nobody knows."""
    row = db.execute(
        "SELECT name FROM workspaces WHERE workspace_id = :id"
        " UNION ALL SELECT name FROM deleted_workspaces WHERE workspace_id = :id",
        {"id": workspace_id},
    ).fetchone()
    return row["name"] if row else ""


def default_workspace(db: Database) -> Workspace:
    """The workspace that everyone is in, and that is meant where none is named."""
    row = db.execute("SELECT * FROM workspaces WHERE is_default").fetchone()
    if row is None:
        raise WorkspaceNotFound("default")
    return from_row(row)


def search(
    db: Database,
    *,
    page: Page,
    sorting: Sorting,
    members: Set[str] = frozenset(),
    name: str = "",
    ids: Sequence[str] = (),
) -> tuple[list[Workspace], int]:
    """One page of workspaces, and how many there are in all.

    Args:
        members: Ids of users who are all in them.
        name: Part of the name, capitals or not.
        ids: Only these; empty for no such limit.
    """
    named = {f"member{number}": member for number, member in enumerate(sorted(members))}
    conditions = {
        **{_HAS_MEMBER.format(name=each): each for each in named},
        "instr(lower(name), lower(:name))": name,
        "workspace_id IN (SELECT value FROM json_each(:ids))": ids,
    }
    where = " AND ".join(["1", *(condition for condition, wanted in conditions.items() if wanted)])
    values = {**named, "name": name, "ids": json.dumps(list(ids))}
    direction = "DESC" if sorting.descending else "ASC"
    order = f"{sorting.column} {direction}, workspace_id {direction}"
    alone = len(members) == 1 and not name and not ids
    counted = "members WHERE user_id = :member0" if alone else f"workspaces WHERE {where}"
    total: int = db.execute(f"SELECT count(*) FROM {counted}", values).fetchone()[0]  # noqa: S608
    rows = db.query(
        f"SELECT * FROM workspaces WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset",  # noqa: S608
        values | {"limit": page.size, "offset": page.offset},
    )
    return [from_row(row) for row in rows], total


# Asked of one workspace after the other in the list's order, so that a page costs the same however
# many workspaces the member is in; with IN, all of them would be fetched and sorted first.
_HAS_MEMBER = (
    "EXISTS (SELECT 1 FROM members WHERE members.user_id = :{name}"
    " AND members.workspace_id = workspaces.workspace_id)"
)


def ids(db: Database) -> list[str]:
    """The ids of all workspaces."""
    return [row[0] for row in db.execute("SELECT workspace_id FROM workspaces ORDER BY workspace_id")]


def update(
    db: Database, workspace_id: str, *, now: datetime, display_name: str | None, description: str | None
) -> None:
    """Change the texts of a workspace; None leaves one as it is."""
    rules.check_texts(display_name or "", description or "")
    db.execute(
        "UPDATE workspaces SET display_name = coalesce(?, display_name),"
        " description = coalesce(?, description), modified_at = ? WHERE workspace_id = ?",
        [display_name, description, now.isoformat(), workspace_id],
    )


def make_default(db: Database, workspace_id: str) -> None:
    """Make this the one workspace that is meant where none is named."""
    get(db, workspace_id)
    db.execute("UPDATE workspaces SET is_default = 0 WHERE is_default")
    db.execute("UPDATE workspaces SET is_default = 1 WHERE workspace_id = ?", [workspace_id])


def remove(db: Database, workspace: Workspace, *, now: datetime) -> None:
    """Forget a workspace with its members; its files stay, and what it was is kept for their purge.

    Raises:
        DefaultStays: It is the default workspace.
    """
    if workspace.is_default:
        raise DefaultStays
    db.execute(
        "INSERT INTO deleted_workspaces (workspace_id, name, creator, deleted_at) VALUES (?, ?, ?, ?)",
        [workspace.workspace_id, workspace.name, workspace.creator, now.isoformat()],
    )
    db.execute("DELETE FROM workspaces WHERE workspace_id = ?", [workspace.workspace_id])
    tags.take_off(db, "workspace", workspace.workspace_id)


def get_deleted(db: Database, workspace_id: str) -> Deleted:
    """The deleted workspace with this id.

    Raises:
        WorkspaceNotFound: There is none, or its files are gone too.
    """
    for row in db.query("SELECT * FROM deleted_workspaces WHERE workspace_id = ?", [workspace_id]):
        return _deleted_from_row(row)
    raise WorkspaceNotFound(workspace_id)


def forget(db: Database, workspace_id: str) -> None:
    """Forget a deleted workspace whose files are gone."""
    db.execute("DELETE FROM deleted_workspaces WHERE workspace_id = ?", [workspace_id])


def deleted(db: Database, *, creator: str = "") -> list[Deleted]:
    """Workspaces that are gone while their files are not, newest first, of one user if given."""
    rows = db.query(
        "SELECT * FROM deleted_workspaces WHERE :creator = '' OR creator = :creator ORDER BY deleted_at DESC",
        {"creator": creator},
    )
    return [_deleted_from_row(row) for row in rows]


def _deleted_from_row(row: Mapping[str, Any]) -> Deleted:
    return Deleted(**{**row, "deleted_at": datetime.fromisoformat(row["deleted_at"])})


def from_row(row: Mapping[str, Any]) -> Workspace:
    """A workspace from a row of its table."""
    return Workspace(
        workspace_id=row["workspace_id"],
        name=row["name"],
        display_name=row["display_name"],
        description=row["description"],
        creator=row["creator"],
        is_default=bool(row["is_default"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        modified_at=datetime.fromisoformat(row["modified_at"]),
    )
