"""Requests, what was given away, cards and recent use, as rows of the tables in `schema`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlite_utils import Database

from workbench.scheduler import faults
from workbench.scheduler.cards import OnRecord
from workbench.scheduler.fairness import Member, Use
from workbench.scheduler.requests import Grant, Held, Key, Need, Request, Share, Slice, Whole

_CARDS = {"whole": Whole, "share": Share, "slice": Slice}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A request, and how far it is.

    `position` is 0 before a pass has looked at it. `leaves_by` is set while it has its place and was
    asked to leave, with `reason` saying for whom; `preempted` says for whom it left, while it waits
    again.
    """

    request: Request
    placed_at: datetime | None = None
    leaves_by: datetime | None = None
    position: int = 0
    reason: str = ""
    preempted: str = ""
    lost: str = ""

    @property
    def why_it_waits(self) -> str:
        """The reason, and before it whom it left for."""
        if not self.preempted:
            return self.reason
        return f"Preempted by {self.preempted}; it starts again by itself. {self.reason}".strip()


def find(db: Database, key: Key) -> Entry | None:
    """The request of some work, None where it has none."""
    for row in db.query("SELECT * FROM requests WHERE kind = ? AND id = ?", list(key)):
        return _entry(row)
    return None


def entries(db: Database, *, placed: bool) -> list[Entry]:
    """All requests that have their place, or all that wait, by position."""
    condition = "IS NOT NULL" if placed else "IS NULL"
    return [
        _entry(row)
        for row in db.query(
            f"SELECT * FROM requests WHERE placed_at {condition} ORDER BY position, asked_at"  # noqa: S608
        )
    ]


def held(db: Database) -> list[Held]:
    """Everything that has its place."""
    grants: dict[Key, list[Mapping[str, Any]]] = {}
    for row in db.query("SELECT * FROM allocations ORDER BY kind, id, pod, number"):
        grants.setdefault((row["kind"], row["id"]), []).append(row)
    return [
        Held(
            request=each.request,
            grants=_grants(each.request, grants.get(each.request.key, ())),
            placed_at=each.placed_at,
            leaves_by=each.leaves_by,
        )
        for each in entries(db, placed=True)
        if each.placed_at
    ]


def grants_of(db: Database, request: Request) -> tuple[Grant, ...]:
    """What the pods of a placed request were given."""
    rows = db.query(
        "SELECT * FROM allocations WHERE kind = ? AND id = ? ORDER BY pod, number", [request.kind, request.id]
    )
    return _grants(request, list(rows))


@dataclass(frozen=True)
class Holder:
    """Work that has a card or an instance; with `memory_bytes` only so much of it."""

    kind: str
    id: str
    name: str
    owner: str
    workspace_id: str
    user_id: str
    memory_bytes: int
    since: datetime


def holders(db: Database) -> dict[str, list[Holder]]:
    """Who has which card, by UUID."""
    rows = db.query(
        "SELECT a.gpu_uuid, a.memory_bytes, r.* FROM allocations a JOIN requests r USING (kind, id)"
        " ORDER BY r.placed_at"
    )
    found: dict[str, list[Holder]] = {}
    for row in rows:
        found.setdefault(row["gpu_uuid"], []).append(
            Holder(
                kind=row["kind"],
                id=row["id"],
                name=row["name"],
                owner=row["owner"],
                workspace_id=row["workspace_id"],
                user_id=row["user_id"],
                memory_bytes=row["memory_bytes"],
                since=datetime.fromisoformat(row["placed_at"]),
            )
        )
    return found


def put(db: Database, request: Request) -> None:
    """Keep a request that waits; one of the same work is replaced."""
    db.execute(
        "INSERT OR REPLACE INTO requests (kind, id, name, owner, workspace_id, user_id, asked_at, pods,"
        " priority, preemptible, lasts_s, private, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*request.key, *_described(request)],
    )


def describe(db: Database, request: Request) -> None:
    """Change what is said of a request; what it holds stays, its turn is to be found anew."""
    db.execute(
        "UPDATE requests SET name = ?, owner = ?, workspace_id = ?, user_id = ?, asked_at = ?, pods = ?,"
        " priority = ?, preemptible = ?, lasts_s = ?, private = ?, ends_at = ?, position = 0"
        " WHERE kind = ? AND id = ?",
        [*_described(request), *request.key],
    )


def name(db: Database, key: Key, name: str, *, private: bool) -> None:
    """Change what work is called and who may know of it, wherever it stands."""
    db.execute("UPDATE requests SET name = ?, private = ? WHERE kind = ? AND id = ?", [name, private, *key])


def remove(db: Database, key: Key) -> None:
    """Forget a request."""
    db.execute("DELETE FROM requests WHERE kind = ? AND id = ?", list(key))


def put_back(db: Database, key: Key) -> None:
    """Let work that had its place wait again, its turn counted from when it first asked."""
    db.execute(
        "UPDATE requests SET placed_at = NULL, leaves_by = NULL, position = 0, reason = '', lost = '',"
        " preempted = CASE WHEN leaves_by IS NULL THEN '' ELSE reason END WHERE kind = ? AND id = ?",
        list(key),
    )


def allocate(db: Database, request: Request, grants: Sequence[Grant], now: datetime) -> None:
    """Give a request its place.

    Raises:
        sqlite3.IntegrityError: A card is held already; a mistake in our own code.
    """
    for pod, grant in enumerate(grants):
        for number, uuid in enumerate(grant.uuids):
            db.execute(
                "INSERT INTO allocations (gpu_uuid, kind, id, pod, number, memory_bytes)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [uuid, *request.key, pod, number, grant.memory_bytes],
            )
    db.execute(
        "UPDATE requests SET placed_at = ?, position = 0, reason = '', preempted = '', leaves_for = ''"
        " WHERE kind = ? AND id = ?",
        [now.isoformat(), *request.key],
    )


def free(db: Database, key: Key, now: datetime) -> None:
    """Take everything from some work. Its cards are noted, to be looked at before they are given away."""
    db.execute(
        "UPDATE cards SET freed_at = ?"
        " WHERE uuid IN (SELECT gpu_uuid FROM allocations WHERE kind = ? AND id = ?)",
        [now.isoformat(), *key],
    )
    db.execute("DELETE FROM allocations WHERE kind = ? AND id = ?", list(key))


def keep_waiting(db: Database, waiting: Iterable[tuple[int, str, str, str]]) -> None:
    """Write position, reason, kind and id of what waits."""
    db.conn.executemany("UPDATE requests SET position = ?, reason = ? WHERE kind = ? AND id = ?", waiting)


def ask_to_leave(db: Database, key: Key, leaves_by: datetime, *, by: Key, words: str) -> None:
    """Note that work has to leave, and for whom."""
    db.execute(
        "UPDATE requests SET leaves_by = ?, reason = ?, leaves_for = ? WHERE kind = ? AND id = ?",
        [leaves_by.isoformat(), words, " ".join(by), *key],
    )


def made_way_for(db: Database) -> frozenset[Key]:
    """The work that others leave or left for, and that has no place yet."""
    rows = db.query("SELECT DISTINCT leaves_for FROM requests WHERE leaves_for != ''")
    found = [row["leaves_for"].split(" ", 1) for row in rows]
    return frozenset((kind, id) for kind, id in found)


def nobody_leaves_for(db: Database, key: Key) -> list[Key]:
    """Some work has its place, or wants none any more: who has not left for it yet can stay.

    Returns:
        Those who stay.
    """
    # The condition is said twice, so that the index of the few that have one is used.
    rows = db.query(
        "SELECT kind, id FROM requests WHERE leaves_for = ? AND leaves_for != '' AND leaves_by IS NOT NULL",
        [" ".join(key)],
    )
    staying = [(row["kind"], row["id"]) for row in rows]
    db.execute(
        "UPDATE requests SET leaves_for = '', leaves_by = NULL,"
        " reason = CASE WHEN leaves_by IS NULL THEN reason ELSE '' END"
        " WHERE leaves_for = ? AND leaves_for != ''",
        [" ".join(key)],
    )
    return staying


def note_lost(db: Database, key: Key, lost: str) -> None:
    """Note what is wrong with the cards of some work; empty for nothing any more."""
    db.execute("UPDATE requests SET lost = ? WHERE kind = ? AND id = ?", [lost, *key])


def know_cards(db: Database, cards: Mapping[str, int]) -> None:
    """Note the cards and instances there are, with their memory, which is what the database checks by."""
    db.conn.executemany(
        "INSERT INTO cards (uuid, memory_bytes) VALUES (?, ?)"
        " ON CONFLICT (uuid) DO UPDATE SET memory_bytes = excluded.memory_bytes"
        " WHERE memory_bytes != excluded.memory_bytes",
        cards.items(),
    )


def on_record(db: Database) -> dict[str, OnRecord]:
    """What is known of each card."""
    rows = db.query(
        "SELECT cards.*, coalesce(sum(a.memory_bytes), 0) AS granted_bytes,"
        " coalesce(max(a.memory_bytes = 0), 0) AS whole"
        " FROM cards LEFT JOIN allocations a ON a.gpu_uuid = cards.uuid GROUP BY cards.uuid"
    )
    found = {
        row["uuid"]: OnRecord(
            cordoned=row["cordoned"],
            freed_at=_time(row["freed_at"]),
            whole=bool(row["whole"]),
            granted_bytes=row["granted_bytes"],
        )
        for row in rows
    }
    for uuid, fault in faults.known(db).items():
        found[uuid] = replace(found.get(uuid, OnRecord()), fault=fault)
    return found


def settle(db: Database, uuids: Iterable[str]) -> None:
    """These cards were seen to be free again."""
    db.conn.executemany("UPDATE cards SET freed_at = NULL WHERE uuid = ?", [(uuid,) for uuid in uuids])


def cordon(db: Database, uuid: str, memory_bytes: int, reason: str) -> None:
    """Give no new work to a card; an empty reason lifts it."""
    know_cards(db, {uuid: memory_bytes})
    db.execute("UPDATE cards SET cordoned = ? WHERE uuid = ?", [reason, uuid])


def used(db: Database) -> dict[Member, Use]:
    """Recent use by member."""
    return {
        (row["workspace_id"], row["user_id"]): Use(row["amount_s"], datetime.fromisoformat(row["at"]))
        for row in db.query("SELECT * FROM recent_use")
    }


def write_used(db: Database, uses: Mapping[Member, Use]) -> None:
    """Write recent use; what has dwindled to nothing is dropped."""
    db.conn.executemany(
        "INSERT OR REPLACE INTO recent_use (workspace_id, user_id, amount_s, at) VALUES (?, ?, ?, ?)",
        [(*member, use.amount_s, use.at.isoformat()) for member, use in uses.items()],
    )
    db.execute("DELETE FROM recent_use WHERE amount_s < 1 AND at < (SELECT max(at) FROM recent_use)")


def _described(request: Request) -> list[Any]:
    return [
        request.name,
        request.owner,
        request.workspace_id,
        request.user_id,
        request.asked_at.isoformat(),
        pods_to_text(request.pods),
        request.priority,
        request.preemptible,
        None if request.lasts is None else request.lasts.total_seconds(),
        request.private,
        request.ends_at and request.ends_at.isoformat(),
    ]


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        request=Request(
            kind=row["kind"],
            id=row["id"],
            name=row["name"],
            owner=row["owner"],
            workspace_id=row["workspace_id"],
            user_id=row["user_id"],
            asked_at=datetime.fromisoformat(row["asked_at"]),
            pods=pods_from_text(row["pods"]),
            priority=row["priority"],
            preemptible=bool(row["preemptible"]),
            lasts=None if row["lasts_s"] is None else timedelta(seconds=row["lasts_s"]),
            private=bool(row["private"]),
            ends_at=_time(row["ends_at"]),
        ),
        placed_at=_time(row["placed_at"]),
        leaves_by=_time(row["leaves_by"]),
        position=row["position"],
        reason=row["reason"],
        preempted=row["preempted"],
        lost=row["lost"],
    )


def _grants(request: Request, rows: Sequence[Mapping[str, Any]]) -> tuple[Grant, ...]:
    grants = []
    for pod in range(len(request.pods)):
        own = [row for row in rows if row["pod"] == pod]
        grants.append(Grant(tuple(row["gpu_uuid"] for row in own), own[0]["memory_bytes"] if own else 0))
    return tuple(grants)


def pods_to_text(pods: Sequence[Need]) -> str:
    """Pods as they are kept."""
    kinds = {class_: name for name, class_ in _CARDS.items()}
    return json.dumps(
        [
            {
                "cpus": need.cpus,
                "memory_bytes": need.memory_bytes,
                **({kinds[type(need.cards)]: asdict(need.cards)} if need.cards else {}),
            }
            for need in pods
        ]
    )


@lru_cache(maxsize=4096)
def pods_from_text(text: str) -> tuple[Need, ...]:
    """Pods from what is kept of them; a long queue has few sizes."""
    return tuple(
        Need(
            each["cpus"],
            each["memory_bytes"],
            next((class_(**each[name]) for name, class_ in _CARDS.items() if name in each), None),
        )
        for each in json.loads(text)
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
