"""Workspaces, as they are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, NotFound
from workbench.workspaces import rules
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


def default_workspace(db: Database) -> Workspace:
    """The workspace that everyone is in, and that is meant where none is named."""
    row = db.execute("SELECT * FROM workspaces WHERE is_default").fetchone()
    if row is None:
        raise WorkspaceNotFound("default")
    return from_row(row)


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
