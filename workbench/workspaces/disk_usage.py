"""What the files of each workspace took on disk when they were last counted, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was counted, when, and when it is to be counted again."""

    disk_bytes: int
    counted_at: datetime
    due_at: datetime


def of(db: Database, workspace_id: str) -> Counted | None:
    """What a workspace's files took; None where they were never counted."""
    row = db.execute("SELECT * FROM disk_usage WHERE workspace_id = ?", [workspace_id]).fetchone()
    if row is None:
        return None
    return Counted(
        disk_bytes=row["disk_bytes"],
        counted_at=datetime.fromisoformat(row["counted_at"]),
        due_at=datetime.fromisoformat(row["due_at"]),
    )


def bytes_of(db: Database, workspace_id: str) -> int:
    """What a workspace's files took when they were last counted, in bytes; 0 before the first time."""
    counted = of(db, workspace_id)
    return counted.disk_bytes if counted else 0


def forget(db: Database, workspace_id: str) -> None:
    """Drop what was counted of a workspace whose files are gone."""
    db.execute("DELETE FROM disk_usage WHERE workspace_id = ?", [workspace_id])


def save(db: Database, workspace_id: str, counted: Counted) -> None:
    """Keep what was counted."""
    db.execute(
        "INSERT OR REPLACE INTO disk_usage (workspace_id, disk_bytes, counted_at, due_at)"
        " VALUES (?, ?, ?, ?)",
        [workspace_id, counted.disk_bytes, counted.counted_at.isoformat(), counted.due_at.isoformat()],
    )
