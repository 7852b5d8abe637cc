"""Events: what happened to an object, in words, kept for its owner to read later.

Each says where its object stands and whose it is, so that a list of what somebody may see is read
from an index: a part of a workspace at a time, from the newest backwards by number, never counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

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
    """One thing that happened. `reason` is for programs, `message` for people.

    `owner_id` is whose the object is, empty for what is everybody's in the workspace. `number` is given
    when it is kept, and grows with time.
    """

    kind: str
    id: str
    workspace_id: str
    owner_id: str = ""
    time: datetime
    level: Level
    reason: str
    message: str
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which events are looked for; empty fields do not restrict. `since` and `until` are included.

    `before` and `after` are numbers: where the page before this one ended, or what is known already.
    """

    kind: str = ""
    id: str = ""
    level: Level | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    after: int | None = None


Shelf = tuple[str, str | None]
"""A workspace, and whose events in it: those of one owner, or of all where it is None."""


def add(db: Database, event: Event) -> None:
    """Keep an event, in the transaction that makes the change it tells of."""
    db.execute(
        "INSERT INTO events (kind, id, workspace_id, owner_id, time, level, reason, message)"
        " VALUES (:kind, :id, :workspace_id, :owner_id, :time, :level, :reason, :message)",
        {**vars(event), "time": event.time.isoformat()},
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


def search(db: Database, shelves: Sequence[Shelf] | None, query: Query, *, limit: int) -> list[Event]:
    """Events that fit, newest first: the newest of them, or those that came next `after` a number.

    Args:
        shelves: Where to look; None for everywhere.
    """
    found: dict[int, Event] = {}
    for condition, values in _on(shelves):
        for row in _rows(db, condition, values, query, limit):
            found[row["number"]] = _from_row(row)
    newest_first = sorted(found.values(), key=lambda event: event.number, reverse=True)
    return newest_first[:limit] if query.after is None else newest_first[-limit:]


def _on(shelves: Sequence[Shelf] | None) -> Iterator[tuple[str, dict[str, Any]]]:
    if shelves is None:
        yield "1", {}
        return
    for workspace_id, owner_id in shelves:
        if owner_id is None:
            yield "workspace_id = :workspace_id", {"workspace_id": workspace_id}
        else:
            values = {"workspace_id": workspace_id, "owner_id": owner_id}
            yield "workspace_id = :workspace_id AND owner_id = :owner_id", values


def _rows(
    db: Database, condition: str, values: dict[str, Any], query: Query, limit: int
) -> Iterator[dict[str, Any]]:
    where, values = [condition], {**values, "limit": limit}
    for text, name, value in _conditions(query):
        if value not in (None, ""):
            where.append(text)
            values[name] = value
    order = "DESC" if query.after is None else "ASC"
    rows: Iterator[dict[str, Any]] = db.query(
        f"SELECT * FROM events WHERE {' AND '.join(where)} ORDER BY number {order} LIMIT :limit",  # noqa: S608
        values,
    )
    return rows


def _conditions(query: Query) -> Iterator[tuple[str, str, Any]]:
    for name in ("kind", "id", "level"):
        yield f"{name} = :{name}", name, getattr(query, name)
    yield "number < :before", "before", query.before
    yield "number > :after", "after", query.after
    # Numbers grow with time, so the index on time gives the ends of a range of numbers.
    yield (
        "number >= (SELECT number FROM events WHERE time >= :since ORDER BY time, number LIMIT 1)",
        "since",
        query.since and query.since.isoformat(),
    )
    yield (
        "number <= (SELECT number FROM events WHERE time <= :until ORDER BY time DESC, number DESC LIMIT 1)",
        "until",
        query.until and query.until.isoformat(),
    )


def forget(db: Database, kind: str, id: str) -> None:
    """Drop the events of an object that is gone."""
    db.execute("DELETE FROM events WHERE kind = ? AND id = ?", [kind, id])


def _from_row(row: dict[str, Any]) -> Event:
    return Event(**{**row, "time": datetime.fromisoformat(row["time"]), "level": Level(row["level"])})


@MIGRATIONS()
def create_events(db: Database) -> None:
    db.execute(
        "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,"
        " time TEXT NOT NULL, level TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL)"
    )
    db.execute("CREATE INDEX events_of_an_object ON events (kind, id, number)")


@MIGRATIONS()
def tell_where_each_stands(db: Database) -> None:
    """Those that were kept before are told of by whoever keeps their objects."""
    db.execute("ALTER TABLE events ADD COLUMN workspace_id TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE events ADD COLUMN owner_id TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX events_of_a_workspace ON events (workspace_id, number)")
    db.execute("CREATE INDEX events_of_an_owner ON events (workspace_id, owner_id, number)")
    db.execute("CREATE INDEX events_by_time ON events (time, number)")
