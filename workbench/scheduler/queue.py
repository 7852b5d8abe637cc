"""Which work holds which GPU.

An allocation is a row whose key is the GPU's UUID, so no card is held twice, whatever the code
does. Everything here runs inside the caller's transaction: the card and the record of the work
that holds it change together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("scheduler")


@dataclass(frozen=True)
class Granted:
    """The work holds these GPUs, by UUID, until it gives them back."""

    gpus: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """The work holds nothing yet; `reason` says in words what it waits for."""

    reason: str


def ask(db: Database, kind: str, id: str, *, gpus: int, installed: Sequence[str]) -> Granted | Waiting:
    """Give work the GPUs that it wants, or say what it waits for. All or none.

    Args:
        installed: UUIDs of the cards that can be used now.
    """
    held = tuple(row["gpu_uuid"] for row in db.query(
        "SELECT gpu_uuid FROM allocations WHERE kind = ? AND id = ? ORDER BY gpu_uuid", [kind, id]
    ))  # fmt: skip
    if len(held) == gpus:
        return Granted(held)
    give_back(db, kind, id)
    holders = {row["gpu_uuid"]: row["id"] for row in db.query("SELECT gpu_uuid, id FROM allocations")}
    free = [uuid for uuid in installed if uuid not in holders]
    if len(free) < gpus:
        holding = sorted(set(holders.values()))
        return Waiting(
            f"Waits for {gpus} GPU{'s' if gpus > 1 else ''}: {len(free)} free"
            + (f", the others held by {', '.join(holding)}." if holding else ".")
        )
    for uuid in free[:gpus]:
        db.execute("INSERT INTO allocations (gpu_uuid, kind, id) VALUES (?, ?, ?)", [uuid, kind, id])
    return Granted(tuple(free[:gpus]))


def give_back(db: Database, kind: str, id: str) -> bool:
    """Free what the work holds. True when it held something."""
    return db.execute("DELETE FROM allocations WHERE kind = ? AND id = ?", [kind, id]).rowcount > 0


@MIGRATIONS()
def create_allocations(db: Database) -> None:
    db.execute("CREATE TABLE allocations (gpu_uuid TEXT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL)")
    db.execute("CREATE INDEX allocations_of_work ON allocations (kind, id)")
