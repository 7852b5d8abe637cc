"""Workspaces on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput
from workbench.parts import Parts
from workbench.wire import lists
from workbench.wire.answers import declared
from workbench.wire.call import Call
from workbench.wire.choices import one_of
from workbench.wire.paging import page, sorting
from workbench.wire.times import to_wire
from workbench.workspaces import disk_usage, members, networks, records, users, work
from workbench.workspaces.auditor import note_what_follows
from workbench.workspaces.authorization import MachineOwnerOnly, require, require_on_machine
from workbench.workspaces.quota import Kind
from workbench.workspaces.records import Workspace, WorkspaceNotFound
from workbench.workspaces.residents import Residents, one_after_another
from workbench.workspaces.roles import Role
from workbench.workspaces.telling import tell_of_workspace, tell_of_workspace_gone

_ORDERS = {"GmtCreateTime": "created_at", "GmtModifiedTime": "modified_at", "WorkspaceName": "name"}
_ENV_TYPES = ["prod"]
_ENABLED = "ENABLED"
_STATUSES = (_ENABLED, "INITIALIZING", "FAILURE", "DISABLED", "FROZEN", "UPDATING")
_DELETION = {Kind.NOTEBOOK: "DeleteInstance", Kind.JOB: "DeleteJob", Kind.SERVICE: "DeleteService"}


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListWorkspaces: those that the caller is in, and of them those that another user is in too."""
    wanted = page(call.fields, size=20)
    order = sorting(call.fields, _ORDERS, default="GmtCreateTime", order="ASC")
    status = one_of("Status", call.fields.get("Status", _ENABLED), _STATUSES)
    if status != _ENABLED or call.fields.get("ResourceGroupId"):  # none is in another state, or in a group
        return {"Workspaces": [], "TotalCount": 0, "ResourceLimits": {}}
    seen_by = "" if call.caller.owner else call.caller.user_id
    with parts.store.reading() as db:
        found, total = records.search(
            db,
            page=wanted,
            sorting=order,
            members={seen_by, call.fields.get("UserId", "")} - {""},
            name=call.fields.get("WorkspaceName", ""),
            ids=lists.parts(call.fields.get("WorkspaceIds", "")),
        )
        admins = members.names_with(db, [each.workspace_id for each in found], Role.ADMIN)
    return {
        "Workspaces": [_view(each, admins.get(each.workspace_id, [])) for each in found],
        "TotalCount": total,
        "ResourceLimits": {},
    }


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetWorkspace."""
    with parts.store.reading() as db:
        workspace = _permitted(db, call)
        return _with_owner(db, workspace)


def get_default(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetDefaultWorkspace, for who is in it."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.reading() as db:
        workspace = records.default_workspace(db)
        require(db, call.caller, workspace.workspace_id, "GetWorkspace")
        return {**declared(call.operation, _with_owner(db, workspace)), "Conditions": []}


def set_default(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateDefaultWorkspace."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.transaction() as db:
        records.make_default(db, call.fields.get("WorkspaceId", ""))
        workspace = records.default_workspace(db)
    tell_of_workspace(parts, workspace.workspace_id)
    return {}


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateWorkspace; who makes it owns it."""
    require_on_machine(call.caller, call.operation.action)
    _refuse_what_is_not_kept(call.fields)
    now = parts.now()
    with parts.store.transaction() as db:
        workspace = records.create(
            db,
            name=call.fields.get("WorkspaceName", ""),
            creator=call.caller.user_id,
            now=now,
            display_name=call.fields.get("DisplayName", ""),
            description=call.fields.get("Description", ""),
        )
        members.enrol(db, workspace.workspace_id, call.caller.user_id, [Role.OWNER], now=now)
    tell_of_workspace(parts, workspace.workspace_id)
    return {"WorkspaceId": workspace.workspace_id}


def update(parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateWorkspace."""
    with parts.store.transaction() as db:
        workspace = _permitted(db, call)
        records.update(
            db,
            workspace.workspace_id,
            now=parts.now(),
            display_name=call.fields.get("DisplayName"),
            description=call.fields.get("Description"),
        )
    tell_of_workspace(parts, workspace.workspace_id)
    return {}


def delete(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteWorkspace, with everything in it that does not run, each of which goes on record; the files
    stay until they are purged."""
    with parts.store.transaction() as db:
        workspace = _permitted(db, call)
        work.refuse_while_running(
            f"The workspace {workspace.name} cannot be deleted",
            work.running(db, workspace_id=workspace.workspace_id),
        )
        _note_what_goes(db, residents, workspace, call, parts.now())
        seen_by = members.user_ids(db, workspace.workspace_id)
        records.remove(db, workspace, now=parts.now())
        spread = one_after_another([each.remove_all(parts, db, workspace.workspace_id) for each in residents])
    spread()
    parts.queue.wake(networks.KIND, networks.name_of(workspace.workspace_id))
    tell_of_workspace_gone(parts, workspace.workspace_id, seen_by)
    return {}


def list_deleted(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListDeletedWorkspaces: whose files are still there. One's own; the machine's owner sees all."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.reading() as db:
        deleted = records.deleted(db, creator="" if call.caller.owner else call.caller.user_id)
        taken = {each.workspace_id: disk_usage.bytes_of(db, each.workspace_id) for each in deleted}
    return {
        "Workspaces": [
            {
                "WorkspaceId": each.workspace_id,
                "WorkspaceName": each.name,
                "Creator": each.creator,
                "GmtDeleteTime": to_wire(each.deleted_at, milliseconds=True),
                "DiskBytes": taken[each.workspace_id],
            }
            for each in deleted
        ]
    }


def purge(parts: Parts, call: Call) -> Mapping[str, Any]:
    """PurgeWorkspace: the files of a deleted workspace go, for who owned it and the machine's owner."""
    workspace_id = call.fields["workspace_id"]
    with parts.store.reading() as db:
        deleted = records.get_deleted(db, workspace_id)
    try:
        require_on_machine(call.caller, call.operation.action, deleted.creator)
    except MachineOwnerOnly:
        raise WorkspaceNotFound(workspace_id) from None
    # Files first: whatever interrupts this, the workspace is still listed and can be purged again.
    parts.storage.directories.remove_workspace(workspace_id)
    with parts.store.transaction() as db:
        disk_usage.forget(db, workspace_id)
        records.forget(db, workspace_id)
    return {}


def _refuse_what_is_not_kept(fields: Mapping[str, Any]) -> None:
    """A workspace here is of PAI's simple mode, and in no group of resources."""
    if (fields.get("EnvTypes") or _ENV_TYPES) != _ENV_TYPES:
        raise InvalidInput(
            f"EnvTypes is {fields['EnvTypes']}, and a workspace has one environment here.",
            hint=f"Give {_ENV_TYPES}, or make two workspaces.",
        )
    if fields.get("ResourceGroupId"):
        raise InvalidInput(
            f"ResourceGroupId is {fields['ResourceGroupId']!r}, and there are no resource groups here.",
            hint="Leave it out; a pool sets a part of the machine aside for a workspace.",
        )


def _note_what_goes(
    db: Database, residents: Sequence[Residents], workspace: Workspace, call: Call, now: datetime
) -> None:
    for kind in residents:
        for id in kind.seen(db, {workspace.workspace_id: None}):
            note_what_follows(
                db,
                call,
                operation=_DELETION[Kind(kind.kind)],
                resource_id=id,
                workspace_id=workspace.workspace_id,
                reason_code="WorkspaceDeleted",
                now=now,
            )


def _permitted(db: Database, call: Call) -> Workspace:
    workspace_id = call.fields["workspace_id"]
    require(db, call.caller, workspace_id, call.operation.action)
    return records.get(db, workspace_id)


def _view(workspace: Workspace, admins: Sequence[str]) -> dict[str, Any]:
    return {
        "WorkspaceId": workspace.workspace_id,
        "WorkspaceName": workspace.name,
        "DisplayName": workspace.display_name,
        "Description": workspace.description,
        "Creator": workspace.creator,
        "IsDefault": workspace.is_default,
        "Status": _ENABLED,
        "EnvTypes": _ENV_TYPES,
        "AdminNames": list(admins),
        "GmtCreateTime": to_wire(workspace.created_at, milliseconds=True),
        "GmtModifiedTime": to_wire(workspace.modified_at, milliseconds=True),
    }


def _with_owner(db: Database, workspace: Workspace) -> dict[str, Any]:
    owner = users.get(db, workspace.creator)
    admins = members.names_with(db, [workspace.workspace_id], Role.ADMIN)
    return {
        **_view(workspace, admins.get(workspace.workspace_id, [])),
        "Owner": {"UserId": owner.user_id, "UserName": owner.name, "UserKp": owner.user_id},
    }
