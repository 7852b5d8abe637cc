"""Permissions on the wire: what the caller may do, and the whole table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import NotFound
from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.workspaces import members
from workbench.workspaces.authorization import NotAllowed, require, require_on_machine
from workbench.workspaces.permissions import BY_SERVICE, InWorkspace, OnMachine, may
from workbench.workspaces.roles import Role

_PREFIXES = {"aiworkspace": "PaiWorkspace", "dsw": "PaiDSW", "workbench": "Workbench"}

_OWN = [
    {"Accessibility": "PUBLIC", "EntityAccessType": "CREATOR"},
    {"Accessibility": "PRIVATE", "EntityAccessType": "CREATOR"},
]
_ANY = [
    {"Accessibility": "PUBLIC", "EntityAccessType": "ANY"},
    {"Accessibility": "PRIVATE", "EntityAccessType": "ANY"},
]


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListPermissions: what the caller may do in a workspace."""
    roles = _roles(parts, call)
    held = [
        {"PermissionCode": code, "PermissionRules": rules}
        for code, action in _codes()
        if (rules := _rules(roles, action))
    ]
    return {"Permissions": held, "TotalCount": len(held)}


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetPermission: whether and how far the caller may do one thing."""
    roles, code = _roles(parts, call), call.fields["permission_code"]
    action = dict(_codes()).get(code)
    if action is None:
        raise NotFound(f"There is no permission {code!r}.", hint="ListPermissions shows yours.")
    rules = _rules(roles, action)
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


def _codes() -> Iterator[tuple[str, str]]:
    """Code and operation of what roles decide."""
    for service, rules in BY_SERVICE.items():
        for action, rule in rules.items():
            if isinstance(rule, InWorkspace):
                yield f"{_PREFIXES[service]}:{action}", action


def _rules(roles: frozenset[Role], action: str) -> list[dict[str, str]]:
    if may(roles, action, own=False):
        return _ANY
    return _OWN if may(roles, action, own=True) else []


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
