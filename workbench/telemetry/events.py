"""Events: what happened to an object, in words, kept for its owner to read later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("events")

_KEPT_OF_ONE_OBJECT = 500


class Level(StrEnum):
    """How much it matters, as PAI's `EventLevel` spells it."""

    NORMAL = "Normal"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. `reason` is for programs, `message` for people."""

    kind: str
    id: str
    time: datetime
    level: Level
    reason: str
    message: str


def add(db: Database, event: Event) -> None:
    """Keep an event, in the transaction that makes the change it tells of."""
    db.execute(
        "INSERT INTO events (kind, id, time, level, reason, message) VALUES (?, ?, ?, ?, ?, ?)",
        [event.kind, event.id, event.time.isoformat(), event.level, event.reason, event.message],
    )
    db.execute(
        "DELETE FROM events WHERE kind = ? AND id = ? AND number <= ("
        " SELECT number FROM events WHERE kind = ? AND id = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        [event.kind, event.id, event.kind, event.id, _KEPT_OF_ONE_OBJECT],
    )


def of(
    db: Database,
    kind: str,
    id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    level: Level | None = None,
    limit: int = _KEPT_OF_ONE_OBJECT,
) -> list[Event]:
    """The newest events of one object, oldest first."""
    rows = db.query(
        "SELECT * FROM events WHERE kind = :kind AND id = :id"
        " AND (:since IS NULL OR time >= :since) AND (:until IS NULL OR time <= :until)"
        " AND (:level IS NULL OR level = :level) ORDER BY number DESC LIMIT :limit",
        {
            "kind": kind,
            "id": id,
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
            "level": level,
            "limit": limit,
        },
    )
    return [_from_row(row) for row in rows][::-1]


def forget(db: Database, kind: str, id: str) -> None:
    """Drop the events of an object that is gone."""
    db.execute("DELETE FROM events WHERE kind = ? AND id = ?", [kind, id])


def _from_row(row: dict[str, str]) -> Event:
    return Event(
        kind=row["kind"],
        id=row["id"],
        time=datetime.fromisoformat(row["time"]),
        level=Level(row["level"]),
        reason=row["reason"],
        message=row["message"],
    )


@MIGRATIONS()
def create_events(db: Database) -> None:
    db.execute(
        "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,"
        " time TEXT NOT NULL, level TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX events_of_an_object ON events (kind, id, number)")
