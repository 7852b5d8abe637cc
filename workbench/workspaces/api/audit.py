"""The audit log on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.wire.choices import one_of, within
from workbench.wire.times import from_wire, through, to_wire
from workbench.workspaces import audit, members, permissions
from workbench.workspaces.audit import Entry, Level, Query
from workbench.workspaces.authorization import MachineOwnerOnly, require, require_on_machine

_LINES = 100
_MOST_LINES = 1000


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListAuditEntries, newest first; `NextBefore` asks for the page after, 0 when there is none."""
    limit = within("Limit", call.fields.get("Limit", _LINES), 1, _MOST_LINES)
    with parts.store.reading() as db:
        found = audit.search(
            db, _narrowed(db, call, _query(call.fields)), limit=limit, before=call.fields.get("Before")
        )
    return {
        "Entries": [_view(each) for each in found],
        "NextBefore": found[-1].number if len(found) == limit else 0,
    }


def get_retention(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetAuditRetention."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.reading() as db:
        return {"Days": audit.retention_days(db)}


def update_retention(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateAuditRetention."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.transaction() as db:
        audit.keep_for(db, call.fields.get("Days", 0))
    return {}


def _query(fields: Mapping[str, Any]) -> Query:
    level = fields.get("Level")
    return Query(
        since=from_wire(fields["Since"]) if "Since" in fields else None,
        until=through(fields["Until"]) if "Until" in fields else None,
        user_id=fields.get("UserId", ""),
        operation=fields.get("Operation", ""),
        resource_id=fields.get("ResourceId", ""),
        workspace_id=fields.get("WorkspaceId", ""),
        level=Level(one_of("Level", level, tuple(Level))) if level else None,
    )


def _narrowed(db: Database, call: Call, query: Query) -> Query:
    """What the caller may see of it: a workspace's managers see all of it, everybody their own."""
    if call.caller.owner:
        return query
    if query.workspace_id:
        require(db, call.caller, query.workspace_id, call.operation.action)
        roles = members.roles_of(db, query.workspace_id, call.caller.user_id)
        if permissions.may(roles, call.operation.action, own=False):
            return query
    if query.user_id not in ("", call.caller.user_id):
        raise MachineOwnerOnly(call.operation.action)
    return replace(query, user_id=call.caller.user_id)


def _view(entry: Entry) -> dict[str, Any]:
    return {
        "Number": entry.number,
        "Time": to_wire(entry.time, milliseconds=True),
        "UserId": entry.user_id,
        "UserName": entry.user_name,
        "AccessKeyId": entry.access_key_id,
        "Source": entry.source,
        "Operation": entry.operation,
        "Event": entry.event,
        "ResourceType": entry.resource_type,
        "ResourceId": entry.resource_id,
        "Detail": entry.detail,
        "WorkspaceId": entry.workspace_id,
        "Level": entry.level,
        "Status": entry.status,
        "Code": entry.code,
        "RequestId": entry.request_id,
    }
