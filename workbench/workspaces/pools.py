"""Pools, as they are kept: named parts of the machine, set aside for some workspaces and kinds
of work. Which work goes to which is decided in `placing.py`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, NotFound
from workbench.workspaces import tags
from workbench.workspaces.quota import Amounts, Kind


class PoolNotFound(NotFound):
    """No pool has this name, or the workspace does not work in it."""

    code = "PoolNotFound"

    def __init__(self, name: str, *, workspace_id: str = "") -> None:
        if workspace_id:
            super().__init__(
                f"There is no pool {name!r} in which workspace {workspace_id} works.",
                hint="The machine's owner can link the two (`workbench pool link`); `workbench pool list`"
                " shows all pools.",
            )
        else:
            super().__init__(f"There is no pool {name!r}.", hint="`workbench pool list` shows all of them.")


class PoolExists(Conflict):
    """Names of pools are unique, capitals or not."""

    code = "PoolAlreadyExists"


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A part of the machine. An empty set of kinds admits every kind of work."""

    name: str
    description: str = ""
    amounts: Amounts
    kinds: frozenset[Kind] = frozenset()
    draining: bool = False
    workspaces: frozenset[str] = field(default_factory=frozenset)
    created_at: datetime | None = None


def every(db: Database) -> dict[str, Pool]:
    """All pools by name."""
    rows = db.query(
        "SELECT *, (SELECT json_group_array(workspace_id) FROM pool_workspaces WHERE pool = name)"
        " AS workspaces FROM pools ORDER BY name"
    )
    return {row["name"]: _from_row(row) for row in rows}


def get(db: Database, name: str) -> Pool:
    """The pool of this name.

    Raises:
        PoolNotFound: There is none.
    """
    pool = every(db).get(name)
    if pool is None:
        raise PoolNotFound(name)
    return pool


def add(db: Database, pool: Pool, *, now: datetime) -> None:
    """Keep a new pool.

    Raises:
        PoolExists: There is one of that name.
        WorkspaceNotFound: It is linked to a workspace that is not there.
    """
    try:
        db.execute(
            "INSERT INTO pools (name, description, cpus, memory_bytes, gpus, kinds, draining, created_at)"
            " VALUES (?, '', 0, 0, 0, '[]', 0, ?)",
            [pool.name, now.isoformat()],
        )
    except sqlite3.IntegrityError as error:
        raise PoolExists(f"There is already a pool named {pool.name!r}.") from error
    save(db, pool)


def save(db: Database, pool: Pool) -> None:
    """Write what changed of a pool. What runs in it goes on."""
    db.execute(
        "UPDATE pools SET description = ?, cpus = ?, memory_bytes = ?, gpus = ?, kinds = ?, draining = ?"
        " WHERE name = ?",
        [
            pool.description,
            pool.amounts.cpus,
            pool.amounts.memory_bytes,
            pool.amounts.gpus,
            json.dumps(sorted(pool.kinds)),
            pool.draining,
            pool.name,
        ],
    )
    db.execute("DELETE FROM pool_workspaces WHERE pool = ?", [pool.name])
    for workspace_id in sorted(pool.workspaces):
        db.execute(
            "INSERT INTO pool_workspaces (pool, workspace_id) VALUES (?, ?)", [pool.name, workspace_id]
        )


def remove(db: Database, name: str) -> None:
    """Forget a pool; whether something runs in it is looked at before."""
    db.execute("DELETE FROM pools WHERE name = ?", [name])
    tags.take_off(db, "pool", name)


def _from_row(row: Mapping[str, Any]) -> Pool:
    return Pool(
        name=row["name"],
        description=row["description"],
        amounts=Amounts(cpus=row["cpus"], memory_bytes=row["memory_bytes"], gpus=row["gpus"]),
        kinds=frozenset(Kind(each) for each in json.loads(row["kinds"])),
        draining=bool(row["draining"]),
        workspaces=frozenset(json.loads(row["workspaces"])),
        created_at=datetime.fromisoformat(row["created_at"]),
    )
