"""Pools: named parts of the machine, set aside for some workspaces and kinds of work.

Where work goes is decided by `place`, which is pure. A workspace that is linked to pools works
in them alone; one that is not uses what no pool set aside. A pool that is draining lets what
runs in it finish and takes nothing new.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, InvalidInput, LimitReached, NotFound
from workbench.workspaces.quota import Amounts, Kind

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_PARTITIONED = ("cpus", "memory_bytes", "gpus")


class PoolNotFound(NotFound):
    """No pool has this name."""

    code = "PoolNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no pool {name!r}.", hint="`workbench pool list` shows all of them.")


class PoolExists(Conflict):
    """Names of pools are unique, capitals or not."""

    code = "PoolAlreadyExists"


class PoolTooLarge(Conflict):
    """All pools together would be more than the machine has."""

    code = "PoolTooLarge"


class PoolRefuses(LimitReached):
    """No pool takes this work now."""

    code = "PoolRefuses"


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


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Work that looks for its place. `pool` is empty when none was named."""

    workspace_id: str
    kind: Kind
    amounts: Amounts
    pool: str = ""


def place(pools: Mapping[str, Pool], used: Mapping[str, Amounts], installed: Amounts, asked: Asked) -> str:
    """The pool that work goes to; empty for what no pool set aside.

    Args:
        used: By pool, what runs in it; under the empty name what runs outside of all.

    Raises:
        PoolRefuses: Nothing takes it; says why.
        PoolNotFound: The pool that was named is not linked to the workspace.
    """
    linked = [pool for pool in pools.values() if asked.workspace_id in pool.workspaces]
    if asked.pool:
        linked = [pool for pool in linked if pool.name == asked.pool]
        if not linked:
            raise PoolNotFound(asked.pool)
    if not linked:
        free = left(installed, pools.values())
        reason = _in_the_way(free, used[""], asked.amounts) if pools else ""
        if reason:
            raise PoolRefuses(f"What no pool set aside has not enough left: {reason}.")
        return ""
    reasons = []
    for pool in sorted(linked, key=lambda each: each.name):
        reason = _refusal(pool, used[pool.name], asked)
        if not reason:
            return pool.name
        reasons.append(f"{pool.name}: {reason}")
    raise PoolRefuses(
        f"No pool of the workspace takes this now ({'; '.join(reasons)}).",
        hint="`workbench pool list` shows why.",
    )


def left(installed: Amounts, pools: Iterable[Pool]) -> Amounts:
    """What no pool set aside."""
    taken = [pool.amounts for pool in pools]
    return Amounts(
        cpus=installed.cpus - sum(each.cpus for each in taken),
        memory_bytes=installed.memory_bytes - sum(each.memory_bytes for each in taken),
        gpus=installed.gpus - sum(each.gpus for each in taken),
    )


def check(pool: Pool, others: Iterable[Pool], installed: Amounts) -> None:
    """Refuse a pool that cannot be: a bad name, or more than the machine has left beside the others.

    Raises:
        InvalidInput: The name breaks the rules, or an amount is negative.
        PoolTooLarge: Names what there is too little of.
    """
    if not _NAME.fullmatch(pool.name):
        raise InvalidInput(
            f"{pool.name!r} cannot be a pool's name.",
            hint="1 to 63 letters, digits, underscores and hyphens, a letter first.",
        )
    if any(getattr(pool.amounts, each) < 0 for each in _PARTITIONED):
        raise InvalidInput("A pool cannot have less than nothing.")
    reason = _in_the_way(left(installed, others), Amounts(), pool.amounts)
    if reason:
        raise PoolTooLarge(
            f"The machine has not enough for the pool {pool.name} beside the others: {reason}."
        )


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


def _refusal(pool: Pool, used: Amounts, asked: Asked) -> str:
    if pool.draining:
        return "is draining and takes nothing new"
    if pool.kinds and asked.kind not in pool.kinds:
        return f"takes no {asked.kind}"
    return _in_the_way(pool.amounts, used, asked.amounts)


def _in_the_way(limit: Amounts, used: Amounts, wanted: Amounts) -> str:
    for name in _PARTITIONED:
        has, wants = getattr(limit, name) - getattr(used, name), getattr(wanted, name)
        if wants > has and wants > 0:
            unit, what = (
                (2**30, "GiB memory")
                if name == "memory_bytes"
                else (1, {"cpus": "CPUs", "gpus": "GPUs"}[name])
            )
            return f"{max(has, 0) / unit:.4g} {what} left, {wants / unit:.4g} wanted"
    return ""


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
