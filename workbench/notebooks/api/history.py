"""What a notebook went through: its events in words, and the sessions that its life is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.errors import InvalidInput
from workbench.notebooks import records, rules
from workbench.notebooks.api.instances import permitted
from workbench.notebooks.records import Period, Status
from workbench.notebooks.session import KIND
from workbench.parts import Parts, Route
from workbench.telemetry import Level, events
from workbench.wire.call import Call
from workbench.wire.choices import one_of, within
from workbench.wire.operations import operation
from workbench.wire.paging import descending
from workbench.wire.times import from_wire, through, to_wire

_MOST_AT_ONCE = 10_000
_LAST_SESSION = 1_000_000

Range = tuple[datetime | None, datetime | None]
"""From when to when, both included; None for no such end."""


def list_events(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetInstanceEvents: a line of text an event, oldest first."""
    fields = call.fields
    since, until = _range(fields)
    level = fields.get("EventLevel", "")
    with parts.store.reading() as db:
        notebook = permitted(db, call)
        found = events.of(
            db,
            KIND,
            notebook.id,
            since=since,
            until=until,
            level=Level(one_of("EventLevel", level, tuple(Level))) if level else None,
            limit=within("MaxEventsNum", fields.get("MaxEventsNum", 500), 1, _MOST_AT_ONCE),
        )
    lines = [f"{to_wire(each.time)} {each.level} {each.reason}: {each.message}" for each in found]
    return {"InstanceId": notebook.id, "Events": lines}


def lifecycle(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetLifecycle: its sessions, each with the statuses that it went through, newest first unless asked
    otherwise.

    `SessionNumber` sessions are passed over, then `Limit` answered. A range of time is for the sessions
    that were in it for a while, which are answered whole.
    """
    fields, wanted = call.fields, _range(call.fields)
    limit = within("Limit", fields.get("Limit", 100), 1, _MOST_AT_ONCE)
    offset = within("SessionNumber", fields.get("SessionNumber", 0), 0, _LAST_SESSION)
    direction = -1 if descending(fields) else 1
    with parts.store.reading() as db:
        notebook = permitted(db, call)
        sessions = rules.sessions(records.history(db, notebook.id))
    found = [each for each in sessions if _overlap(wanted, _lasted(each))]
    rows = [[_view(period) for period in each][::direction] for each in found][::direction]
    return {"Lifecycle": rows[offset : offset + limit], "TotalCount": len(rows)}


def _view(period: Period) -> dict[str, Any]:
    return {
        "Status": period.status.value,
        "ReasonCode": period.reason_code,
        "ReasonMessage": period.reason,
        "GmtCreateTime": to_wire(period.begun_at),
        "GmtEndTime": to_wire(period.ended_at) if period.ended_at else "",
    }


def _range(fields: Mapping[str, Any]) -> Range:
    since = from_wire(fields["StartTime"]) if "StartTime" in fields else None
    until = through(fields["EndTime"]) if "EndTime" in fields else None
    if since and until and until < since:
        raise InvalidInput(f"EndTime is {fields['EndTime']}, before StartTime, {fields['StartTime']}.")
    return since, until


def _lasted(session: Sequence[Period]) -> Range:
    at_rest = [each.begun_at for each in session if each.status in (Status.STOPPED, Status.FAILED)]
    return session[0].begun_at, at_rest[0] if at_rest else session[-1].ended_at


def _overlap(one: Range, other: Range) -> bool:
    (begins, ends), (also_begins, also_ends) = one, other
    return not (ends and also_begins and also_begins > ends) and not (
        begins and also_ends and also_ends < begins
    )


ROUTES = (
    Route(operation("dsw", "GetInstanceEvents"), list_events),
    Route(operation("dsw", "GetLifecycle"), lifecycle),
)
