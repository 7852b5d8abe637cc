"""How much a workspace may use at once.

`admit` is pure: a quota, what is used, what is wanted, and nothing or an error out. Bytes on
disk are counted now and then and not at each write, so they are a soft limit: too many refuse
new work, they stop nobody's writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput, LimitReached
from workbench.wire import sizes


class OverQuota(LimitReached):
    """The workspace's quota does not leave room for this now."""

    code = "QuotaExceeded"


class Kind(StrEnum):
    """The kinds of work, which a quota counts apart."""

    NOTEBOOK = "notebook"
    JOB = "job"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What is used or wanted. A part of a GPU counts as a fraction of one. The last four count things
    and bytes of all the workspace's files."""

    cpus: float = 0
    memory_bytes: int = 0
    gpus: float = 0
    notebooks: int = 0
    jobs: int = 0
    services: int = 0
    disk_bytes: int = 0

    def within(self, other: Amounts) -> bool:
        """Whether it is no more of anything."""
        return all(getattr(self, each.name) <= getattr(other, each.name) for each in fields(self))


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most of each that a workspace may use at once; None is no limit."""

    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: float | None = None
    notebooks: int | None = None
    jobs: int | None = None
    services: int | None = None
    disk_bytes: int | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and value < 0:
                raise InvalidInput(f"The quota of {_LABELS[each.name]} is {value:g}; it cannot be negative.")


_LABELS = {
    "cpus": "CPUs",
    "memory_bytes": "memory",
    "gpus": "GPUs",
    "notebooks": "running notebooks",
    "jobs": "running jobs",
    "services": "running services",
    "disk_bytes": "disk space",
}


_PARTS = " A share of a GPU counts as its part of the card's memory."


def admit(quota: Quota, used: Amounts, wanted: Amounts) -> None:
    """Refuse what would go beyond the quota; what takes none of a thing is never refused for it.

    Raises:
        OverQuota: Names the first limit in the way, what is used of it and what was wanted.
    """
    for each in fields(quota):
        limit, has, wants = (getattr(of, each.name) for of in (quota, used, wanted))
        if limit is not None and wants > 0 and round(has + wants, 6) > limit:
            raise OverQuota(
                f"The workspace's quota of {_LABELS[each.name]} is {_shown(each.name, limit)}:"
                f" {_shown(each.name, has)} in use, {_shown(each.name, wants)} wanted.",
                hint="Stop something, ask for less, or ask the machine's owner for more."
                + _PARTS * (each.name == "gpus" and not float(wants).is_integer()),
            )
    if quota.disk_bytes is not None and used.disk_bytes > quota.disk_bytes:
        raise OverQuota(
            f"The workspace's files take {_shown('disk_bytes', used.disk_bytes)}, its quota is"
            f" {_shown('disk_bytes', quota.disk_bytes)}.",
            hint="Delete files that are no longer needed.",
        )


def of(db: Database, workspace_id: str) -> Quota:
    """A workspace's quota; without limits where none was set."""
    row = db.execute("SELECT * FROM quotas WHERE workspace_id = ?", [workspace_id]).fetchone()
    return _from_row(row) if row else Quota()


def save(db: Database, workspace_id: str, quota: Quota) -> None:
    """Set a workspace's quota. What runs goes on even if it is beyond."""
    db.execute(
        "INSERT OR REPLACE INTO quotas (workspace_id, cpus, memory_bytes, gpus, notebooks, jobs, services,"
        " disk_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [workspace_id, *(getattr(quota, each.name) for each in fields(quota))],
    )


def _from_row(row: Mapping[str, Any]) -> Quota:
    return Quota(**{each.name: row[each.name] for each in fields(Quota)})


def _shown(name: str, value: float) -> str:
    return sizes.show(value) if name.endswith("_bytes") else f"{round(value, 3):g}"
