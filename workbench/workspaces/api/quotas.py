"""A workspace's quota on the wire, with what is used of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.workspaces import quota, records, work
from workbench.workspaces.authorization import require, require_on_machine
from workbench.workspaces.quota import Amounts, Quota
from workbench.workspaces.telling import tell_of_workspace

_NAMES = {
    "cpus": "Cpus",
    "memory_bytes": "MemoryBytes",
    "gpus": "Gpus",
    "notebooks": "Notebooks",
    "jobs": "Jobs",
    "services": "Services",
    "disk_bytes": "DiskBytes",
}


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetWorkspaceQuota: what may be used and what is; what has no limit is not there."""
    workspace_id = call.fields["workspace_id"]
    with parts.store.reading() as db:
        require(db, call.caller, workspace_id, call.operation.action)
        limits = quota.of(db, workspace_id)
        used = work.used(db, workspace_id, work.running(db, workspace_id=workspace_id))
    return {"Quota": _view(limits), "Used": _view(used)}


def update(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateWorkspaceQuota: the whole of it; what is not given has no limit."""
    require_on_machine(call.caller, call.operation.action)
    wanted = call.fields.get("Quota", {})
    limits = Quota(**{name: wanted[wire] for name, wire in _NAMES.items() if wire in wanted})
    with parts.store.transaction() as db:
        workspace = records.get(db, call.fields["workspace_id"])
        quota.save(db, workspace.workspace_id, limits)
    tell_of_workspace(parts, workspace.workspace_id)
    return {}


def _view(amounts: Quota | Amounts) -> dict[str, Any]:
    shown = {_NAMES[each.name]: getattr(amounts, each.name) for each in fields(amounts)}
    return {name: value for name, value in shown.items() if value is not None}
