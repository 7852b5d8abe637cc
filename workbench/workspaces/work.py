"""What runs now: where, for whom, and how much it may use.

A capability calls `begin` in the transaction that makes something run, and `end` in the one that
ends it; both may be repeated. This is what quotas count, what a deletion of a
workspace is refused for, and what a disabled user's sessions are found by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict
from workbench.scheduler import Overcommit
from workbench.workspaces import disk_usage, placing, pools, quota, records, users
from workbench.workspaces.quota import Amounts, Kind
from workbench.workspaces.refusals import UserDisabled


class StillRunning(Conflict):
    """Something runs that has to end first."""

    code = "StillRunning"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One thing that runs. `pool` is empty for what no pool was set aside for."""

    kind: Kind
    id: str
    name: str
    workspace_id: str
    user_id: str
    cpus: float
    memory_bytes: int
    gpus: float = 0
    pool: str = ""

    @property
    def amounts(self) -> Amounts:
        """What it takes of a quota."""
        return Amounts(
            cpus=self.cpus,
            memory_bytes=self.memory_bytes,
            gpus=self.gpus,
            notebooks=int(self.kind is Kind.NOTEBOOK),
            jobs=int(self.kind is Kind.JOB),
            services=int(self.kind is Kind.SERVICE),
        )


def begin(db: Database, wanted: Work, *, installed: Amounts, overcommit: Overcommit = placing.ONCE) -> Work:
    """Count this as running from now on; what it held before is replaced. What takes no more than
    before stays where it is, whatever became of its pool and of the quota meanwhile.

    Args:
        wanted: With the pool that was asked for; with an empty one, a pool is found for it.
        installed: What the machine has.
        overcommit: How many times over its CPUs and memory are promised.

    Returns:
        The work with the pool that it runs in, still empty for what no pool was set aside for.

    Raises:
        OverQuota: The workspace has not that much left; nothing changed.
        PoolRefuses: The pool does not take this work now; nothing changed.
        WorkspaceNotFound: The workspace was deleted meanwhile.
        UserDisabled: The user was shut out meanwhile.
    """
    everything = running(db)
    before = next((each for each in everything if (each.kind, each.id) == (wanted.kind, wanted.id)), None)
    if before is None:
        _check_beginning(db, wanted)
    if before and wanted.amounts.within(before.amounts) and wanted.pool in ("", before.pool):
        taken = replace(wanted, pool=before.pool)
    else:
        others = [each for each in everything if each != before]
        taken = replace(wanted, pool=_admitted_to(db, wanted, others, installed, overcommit))
    db.execute(
        "INSERT OR REPLACE INTO work (kind, id, name, workspace_id, user_id, pool, cpus, memory_bytes, gpus)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            wanted.kind,
            wanted.id,
            wanted.name,
            wanted.workspace_id,
            wanted.user_id,
            taken.pool,
            wanted.cpus,
            wanted.memory_bytes,
            wanted.gpus,
        ],
    )
    return taken


def end(db: Database, kind: Kind, id: str) -> None:
    """Count this as running no more."""
    db.execute("DELETE FROM work WHERE kind = ? AND id = ?", [kind, id])


def running(db: Database, *, workspace_id: str = "", user_id: str = "", pool: str = "") -> list[Work]:
    """What runs, of one workspace, user or pool where they are given."""
    where, values = ["1"], []
    for column, value in (("workspace_id", workspace_id), ("user_id", user_id), ("pool", pool)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    rows = db.query(f"SELECT * FROM work WHERE {' AND '.join(where)} ORDER BY kind, name", values)  # noqa: S608
    return [_from_row(row) for row in rows]


def used(db: Database, workspace_id: str, works: Sequence[Work]) -> Amounts:
    """What these take of their workspace's quota, with its files as they were last counted."""
    return replace(total(works), disk_bytes=disk_usage.bytes_of(db, workspace_id))


def total(works: Sequence[Work]) -> Amounts:
    """What several take together."""
    each = [work.amounts for work in works]
    return Amounts(
        cpus=round(sum(one.cpus for one in each), 6),
        memory_bytes=sum(one.memory_bytes for one in each),
        gpus=round(sum(one.gpus for one in each), 6),
        notebooks=sum(one.notebooks for one in each),
        jobs=sum(one.jobs for one in each),
        services=sum(one.services for one in each),
    )


def refuse_while_running(what: str, works: Sequence[Work], *, hint: str = "Stop them first.") -> None:
    """Refuse with the list of what stands in the way.

    Raises:
        StillRunning: Something does run.
    """
    if works:
        names = ", ".join(f"{each.kind} {each.name} ({each.id})" for each in works)
        raise StillRunning(f"{what} while these run: {names}.", hint=hint)


def _admitted_to(
    db: Database, wanted: Work, others: Sequence[Work], installed: Amounts, overcommit: Overcommit
) -> str:
    """The pool for work that the quota admits."""
    neighbours = [each for each in others if each.workspace_id == wanted.workspace_id]
    used_here = used(db, wanted.workspace_id, neighbours)
    quota.admit(quota.of(db, wanted.workspace_id), used_here, wanted.amounts)
    known = pools.every(db)
    in_pools = {name: total([each for each in others if each.pool == name]) for name in ("", *known)}
    asked = placing.Asked(
        workspace_id=wanted.workspace_id, kind=wanted.kind, amounts=wanted.amounts, pool=wanted.pool
    )
    return placing.place(known, in_pools, installed, asked, overcommit)


def _check_beginning(db: Database, wanted: Work) -> None:
    """Nothing new begins in a workspace that is gone, or for a user who was shut out."""
    records.get(db, wanted.workspace_id)
    user = users.known(db, wanted.user_id)
    if not user.enabled:
        raise UserDisabled(user.name)


def _from_row(row: Mapping[str, Any]) -> Work:
    return Work(
        kind=Kind(row["kind"]),
        id=row["id"],
        name=row["name"],
        workspace_id=row["workspace_id"],
        user_id=row["user_id"],
        cpus=row["cpus"],
        memory_bytes=row["memory_bytes"],
        gpus=row["gpus"],
        pool=row["pool"],
    )
