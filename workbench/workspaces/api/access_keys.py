"""Access keys on the wire. A user manages their own; the machine's owner everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.wire.paging import page
from workbench.wire.times import to_wire
from workbench.workspaces import access_keys, users
from workbench.workspaces.access_keys import AccessKey, AccessKeyNotFound
from workbench.workspaces.authorization import MachineOwnerOnly, refuse_to_tokens, require_on_machine


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListAccessKeys: one's own, unless the machine's owner asks for others'."""
    wanted = page(call.fields, size=100)
    user_id = call.fields.get("UserId", "" if call.caller.owner else call.caller.user_id)
    require_on_machine(call.caller, call.operation.action, user_id)
    with parts.store.reading() as db:
        found, total = access_keys.search(db, page=wanted, user_id=user_id)
        return {"AccessKeys": [_view(db, each) for each in found], "TotalCount": total}


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateAccessKey; the answer is the only time the secret is shown."""
    refuse_to_tokens(call.caller, call.operation.action)
    user_id = call.fields.get("UserId", call.caller.user_id)
    require_on_machine(call.caller, call.operation.action, user_id)
    with parts.store.transaction() as db:
        user = users.get(db, user_id)
        pair = access_keys.create(db, parts.vault, user.user_id, now=parts.now())
    return {
        "AccessKeyId": pair.access_key_id,
        "AccessKeySecret": pair.secret,
        "UserId": user.user_id,
        "UserName": user.name,
    }


def update(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateAccessKey: make it work, or stop it from working at once."""
    enabled = call.fields.get("Enabled", True)
    if enabled:
        refuse_to_tokens(call.caller, call.operation.action)
    with parts.store.transaction() as db:
        key = _permitted(db, call)
        access_keys.set_enabled(db, key.access_key_id, enabled)
    return {}


def delete(parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteAccessKey."""
    with parts.store.transaction() as db:
        access_keys.delete(db, _permitted(db, call).access_key_id)
    return {}


def _permitted(db: Database, call: Call) -> AccessKey:
    key = access_keys.get(db, call.fields["access_key_id"])
    try:
        require_on_machine(call.caller, call.operation.action, key.user_id)
    except MachineOwnerOnly:
        raise AccessKeyNotFound(key.access_key_id) from None  # others' keys are private
    return key


def _view(db: Database, key: AccessKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key_id,
        "UserId": key.user_id,
        "UserName": users.get(db, key.user_id).name,
        "Enabled": key.enabled,
        "GmtCreateTime": to_wire(key.created_at),
        "GmtLastUseTime": to_wire(key.last_used_at) if key.last_used_at else "",
    }
