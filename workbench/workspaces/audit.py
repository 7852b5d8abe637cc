"""The audit log: who did what, from where, and with which outcome.

Append-only, which the database itself enforces: nothing is changed, and nothing deleted
before its time. Lists are read from the newest backwards by number, never counted, so that a
page costs the same however long the log is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput

_CLEARED_AT_ONCE = 20
_LONGEST_RETENTION_DAYS = 3650


class Level(StrEnum):
    """How much it matters: a change; a refusal; somebody unknown, or something broken."""

    NORMAL = "normal"
    WARNING = "warning"
    INCIDENT = "incident"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the log. `number` is given when it is written.

    `operation` is PAI's name of what was asked for, `event` and `resource_type` are ModelArts'.
    `detail` is what was done to the resource, where the operation alone does not say it.
    `status` is HTTP's, `code` the error's, empty for a success. What is not known is empty.
    """

    number: int = 0
    time: datetime
    user_id: str = ""
    user_name: str = ""
    access_key_id: str = ""
    source: str
    operation: str
    event: str
    resource_type: str
    resource_id: str = ""
    detail: str = ""
    workspace_id: str = ""
    level: Level
    status: int
    code: str = ""
    request_id: str


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which lines are looked for; empty fields do not restrict. `since` and `until` are included."""

    since: datetime | None = None
    until: datetime | None = None
    user_id: str = ""
    operation: str = ""
    resource_id: str = ""
    workspace_id: str = ""
    level: Level | None = None


_WRITTEN = tuple(each.name for each in fields(Entry) if each.name != "number")


def write(db: Database, entry: Entry) -> None:
    """Add a line, and clear some of those whose time is over."""
    values = {name: getattr(entry, name) for name in _WRITTEN} | {"time": entry.time.isoformat()}
    db.execute(
        f"INSERT INTO audit ({', '.join(_WRITTEN)}) VALUES ({', '.join(':' + name for name in _WRITTEN)})",  # noqa: S608
        values,
    )
    before = entry.time - timedelta(days=retention_days(db))
    db.execute(
        "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE time < ? ORDER BY time LIMIT ?)",
        [before.isoformat(), _CLEARED_AT_ONCE],
    )


def begin(db: Database, entry: Entry) -> None:
    """Keep a line aside, in the transaction of the change that it is about: its outcome is not known yet."""
    line = {name: getattr(entry, name) for name in _WRITTEN} | {"time": entry.time.isoformat()}
    db.execute(
        "INSERT INTO audit_begun (request_id, line) VALUES (?, ?)", [entry.request_id, json.dumps(line)]
    )


def settle(db: Database, request_id: str) -> None:
    """Forget the line that was kept aside for a request: its own is written."""
    db.execute("DELETE FROM audit_begun WHERE request_id = ?", [request_id])


def begun(db: Database) -> list[Entry]:
    """The lines that were kept aside and whose own were not written, oldest first."""
    lines = [json.loads(row[0]) for row in db.execute("SELECT line FROM audit_begun")]
    return sorted((_from_row(line) for line in lines), key=lambda entry: entry.time)


def search(db: Database, query: Query, *, limit: int, before: int | None = None) -> list[Entry]:
    """The newest lines that fit, newest first.

    Args:
        before: Only lines with a smaller number: where the page before this one ended.
    """
    where, values = ["1"], {"limit": limit}
    for condition, name, value in _conditions(query):
        if value:
            where.append(condition)
            values[name] = value
    if before is not None:
        where.append("number < :before")
        values["before"] = before
    rows = db.query(
        f"SELECT * FROM audit WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT :limit",  # noqa: S608
        values,
    )
    return [_from_row(row) for row in rows]


def never_closed(db: Database, opened: str, closed: str) -> list[Entry]:
    """Lines of one operation that succeeded and were not followed by one of the other.

    Both kinds are few, and this is asked once in a daemon's life.
    """
    rows = db.query(
        "SELECT * FROM audit WHERE operation = :opened AND code = '' AND request_id NOT IN"
        " (SELECT request_id FROM audit WHERE operation = :closed) ORDER BY number",
        {"opened": opened, "closed": closed},
    )
    return [_from_row(row) for row in rows]


def retention_days(db: Database) -> int:
    """Days that a line is kept."""
    days: int = db.execute("SELECT days FROM audit_retention").fetchone()[0]
    return days


def keep_for(db: Database, days: int) -> None:
    """Set how long lines are kept.

    Raises:
        InvalidInput: Less than a day or more than ten years.
    """
    if not 1 <= days <= _LONGEST_RETENTION_DAYS:
        raise InvalidInput(f"The audit log is kept 1 to {_LONGEST_RETENTION_DAYS} days, not {days}.")
    db.execute("UPDATE audit_retention SET days = ?", [days])


def _conditions(query: Query) -> Iterator[tuple[str, str, Any]]:
    for name in ("user_id", "operation", "resource_id", "workspace_id", "level"):
        yield f"{name} = :{name}", name, getattr(query, name)
    # Numbers grow with time, so the index on time gives the ends of a range of numbers.
    yield (
        "number >= (SELECT number FROM audit WHERE time >= :since ORDER BY time, number LIMIT 1)",
        "since",
        query.since and query.since.isoformat(),
    )
    yield (
        "number <= (SELECT number FROM audit WHERE time <= :until ORDER BY time DESC, number DESC LIMIT 1)",
        "until",
        query.until and query.until.isoformat(),
    )


def _from_row(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "time": datetime.fromisoformat(row["time"]), "level": Level(row["level"])})
