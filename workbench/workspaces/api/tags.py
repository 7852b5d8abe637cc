"""Tags on the wire, of every kind of thing that can have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from workbench.errors import NotFound
from workbench.parts import Parts
from workbench.wire import lists
from workbench.wire.call import Call
from workbench.workspaces import pools, records, tags
from workbench.workspaces.authorization import require, require_on_machine, visible_in
from workbench.workspaces.records import WorkspaceNotFound
from workbench.workspaces.residents import Place, Residents
from workbench.workspaces.tags import Within

_WORKSPACE, _POOL = "workspace", "pool"


def list_(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListTags: how many things have each tag, where the caller may look."""
    with parts.store.reading() as db:
        found = tags.usage(db, within=_within(residents, db, call))
    return {
        "Tags": [
            {"Key": each.key, "Value": each.value, "Kind": each.kind, "Count": each.count} for each in found
        ]
    }


def find(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListTaggedResources: things that have all of the tags."""
    with parts.store.reading() as db:
        found = tags.find(
            db,
            call.fields.get("Tags", {}),
            within=_within(residents, db, call),
            kind=call.fields.get("Kind", ""),
        )
    return {
        "Resources": [
            {
                "Kind": each.kind,
                "ResourceId": each.id,
                "WorkspaceId": each.workspace_id,
                "Tags": dict(each.tags),
            }
            for each in found
        ]
    }


def get(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetResourceTags."""
    with parts.store.reading() as db:
        _permitted(residents, db, call)
        return {"Tags": tags.of(db, call.fields["kind"], call.fields["resource_id"])}


def put(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """TagResource: adds tags, and gives keys that are there already their new value."""
    with parts.store.transaction() as db:
        workspace_id = _permitted(residents, db, call)
        tags.put(
            db,
            call.fields["kind"],
            call.fields["resource_id"],
            workspace_id,
            call.fields.get("Tags", {}),
        )
    return {}


def take_off(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """UntagResource; without keys, all tags."""
    keys = lists.parts(call.fields.get("Keys", ""))
    with parts.store.transaction() as db:
        _permitted(residents, db, call)
        tags.take_off(db, call.fields["kind"], call.fields["resource_id"], keys)
    return {}


def _within(residents: Sequence[Residents], db: Database, call: Call) -> Within | None:
    where = visible_in(db, call.caller, call.operation.action)
    if where is None:
        return None
    return Within(workspaces=list(where), things={each.kind: each.seen(db, where) for each in residents})


def _permitted(residents: Sequence[Residents], db: Database, call: Call) -> str:
    """The workspace that the thing stands in; empty for what belongs to the machine."""
    kind, id, action = call.fields["kind"], call.fields["resource_id"], call.operation.action
    if kind == _POOL:
        pools.get(db, id)
        require_on_machine(call.caller, "UpdatePool" if call.operation.verb != "GET" else "ListPools")
        return ""
    gone = NotFound(f"There is no {kind} {id!r}.", hint="ListTaggedResources shows what has tags.")
    try:
        place = _place(residents, db, kind, id)
        if place is None:
            raise gone
        require(db, call.caller, place.workspace_id, action, place.owner_id, private=place.private)
    except WorkspaceNotFound:
        raise gone from None
    return place.workspace_id


def _place(residents: Sequence[Residents], db: Database, kind: str, id: str) -> Place | None:
    if kind == _WORKSPACE:
        return Place(workspace_id=id, owner_id=records.get(db, id).creator)
    for each in residents:
        if each.kind == kind:
            return each.find(db, id)
    return None
