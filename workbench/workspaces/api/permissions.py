"""Permissions on the wire: what the caller may do, and the whole table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import NotFound
from workbench.parts import Parts
from workbench.wire.call import Call, Caller
from workbench.workspaces import members
from workbench.workspaces.authorization import MachineOwnerOnly, NotAllowed, require, require_on_machine
from workbench.workspaces.permissions import BY_SERVICE, OPERATORS, InWorkspace, OnMachine, may
from workbench.workspaces.roles import Role

_PREFIXES = {"aiworkspace": "PaiWorkspace", "dsw": "PaiDSW", "workbench": "Workbench"}

_ANY, _CREATOR = "ANY", "CREATOR"


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListPermissions: what the caller may do in a workspace, and on the machine."""
    roles = _roles(parts, call)
    held = [
        {"PermissionCode": code, "PermissionRules": rules}
        for code, (service, action) in _codes().items()
        if (rules := _rules(call.caller, roles, service, action))
    ]
    return {"Permissions": held, "TotalCount": len(held)}


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetPermission: whether and how far the caller may do one thing."""
    roles, code = _roles(parts, call), call.fields["permission_code"]
    if code not in _codes():
        raise NotFound(f"There is no permission {code!r}.", hint="ListPermissions shows yours.")
    service, action = _codes()[code]
    rules = _rules(call.caller, roles, service, action)
    if not rules and isinstance(BY_SERVICE[service][action], OnMachine):
        raise MachineOwnerOnly(action)
    if not rules:
        raise NotAllowed(action, own=True)
    return {"PermissionCode": code, "PermissionRules": rules}


def list_roles(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListRoles: the roles, and the whole table of permissions."""
    require_on_machine(call.caller, call.operation.action)
    return {"Roles": list(Role), "Permissions": list(_table())}


def _roles(parts: Parts, call: Call) -> frozenset[Role]:
    workspace_id = call.fields["workspace_id"]
    with parts.store.reading() as db:
        require(db, call.caller, workspace_id, call.operation.action)
        if call.caller.owner:
            return frozenset(Role)
        return members.roles_of(db, workspace_id, call.caller.user_id)


def _codes() -> dict[str, tuple[str, str]]:
    """By code, the service and the operation."""
    return {
        f"{_PREFIXES[service]}:{action}": (service, action)
        for service, rules in BY_SERVICE.items()
        for action in rules
    }


def _rules(caller: Caller, roles: frozenset[Role], service: str, action: str) -> list[dict[str, str]]:
    """How far it reaches: what is public, and what is private to its creator."""
    if caller.owner or may(roles, action, own=False):
        there_for_others = caller.owner or roles & OPERATORS or not _can_be_private(service, action)
        return _reach(_ANY, _ANY if there_for_others else _CREATOR)
    return _reach(_CREATOR, _CREATOR) if may(roles, action, own=True) else []


def _reach(public: str, private: str) -> list[dict[str, str]]:
    return [
        {"Accessibility": "PUBLIC", "EntityAccessType": public},
        {"Accessibility": "PRIVATE", "EntityAccessType": private},
    ]


def _can_be_private(service: str, action: str) -> bool:
    """Whether it is about things that can be private to a member; what is the workspace's never is."""
    return service != "aiworkspace" and isinstance(BY_SERVICE[service][action], InWorkspace)


def _table() -> Iterator[dict[str, Any]]:
    for service, rules in BY_SERVICE.items():
        for action, rule in rules.items():
            match rule:
                case InWorkspace(own, others):
                    who = {"Own": sorted(own), "Others": sorted(others), "Scope": "workspace"}
                case OnMachine(own_too, others_too):
                    who = {"Own": [], "Others": [], "Scope": _scope(own_too, others_too)}
            yield {"Service": service, "Operation": action, **who}


def _scope(own: bool, others: bool) -> str:
    if others:
        return "every user"
    return "oneself" if own else "machine owner"
