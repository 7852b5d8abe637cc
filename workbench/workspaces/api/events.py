"""What happened in a workspace, on the wire: the events of everything in it that the caller may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.telemetry import Event, Level, events
from workbench.telemetry.events import Query
from workbench.wire.call import Call
from workbench.wire.choices import one_of, within
from workbench.wire.times import from_wire, through, to_wire
from workbench.workspaces.authorization import reach
from workbench.workspaces.residents import Residents

_LINES = 100
_MOST_LINES = 1000


def list_(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListEvents, newest first; `NextBefore` asks for the page after, 0 when there is none."""
    limit = within("Limit", call.fields.get("Limit", _LINES), 1, _MOST_LINES)
    query = _query(call.fields)
    with parts.store.reading() as db:
        shelves = reach(db, call.caller, call.fields.get("WorkspaceId", ""), call.operation.action)
        found = events.search(db, shelves, query, limit=limit)
        names = _names(db, residents, found)
    return {
        "Events": [_view(each, names[each.kind, each.id]) for each in found],
        "NextBefore": found[-1].number if len(found) == limit and query.after is None else 0,
    }


def _query(fields: Mapping[str, Any]) -> Query:
    level = fields.get("Level", "")
    return Query(
        kind=fields.get("Kind", ""),
        id=fields.get("Id", ""),
        level=Level(one_of("Level", level, tuple(Level))) if level else None,
        since=from_wire(fields["Since"]) if "Since" in fields else None,
        until=through(fields["Until"]) if "Until" in fields else None,
        before=fields.get("Before"),
        after=fields.get("After"),
    )


def _names(
    db: Database, residents: Sequence[Residents], found: Sequence[Event]
) -> Mapping[tuple[str, str], str]:
    """What each object is called now; its id once it is gone, or where it has no name."""
    by_kind = {each.kind: each for each in residents}
    names = {}
    for kind, id in {(each.kind, each.id) for each in found}:
        place = by_kind[kind].find(db, id) if kind in by_kind else None
        names[kind, id] = (place.name if place else "") or id
    return names


def _view(event: Event, name: str) -> dict[str, Any]:
    return {
        "Number": event.number,
        "Time": to_wire(event.time, milliseconds=True),
        "Kind": event.kind,
        "Id": event.id,
        "Name": name,
        "WorkspaceId": event.workspace_id,
        "Level": event.level,
        "Reason": event.reason,
        "Message": event.message,
    }
