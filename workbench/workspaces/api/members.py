"""Members on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput
from workbench.parts import Parts
from workbench.wire import lists
from workbench.wire.call import Call
from workbench.wire.paging import page
from workbench.wire.times import to_wire
from workbench.workspaces import members
from workbench.workspaces.authorization import require
from workbench.workspaces.members import Member
from workbench.workspaces.permissions import MAKERS
from workbench.workspaces.residents import Residents, lock_out, one_after_another
from workbench.workspaces.roles import Role, parse_role, parse_roles
from workbench.workspaces.telling import tell_of_member, tell_of_member_gone

_MAIN_ACCOUNT, _SUB_ACCOUNT = "1", "5"
"""PAI's kinds of accounts: whose all of it is, and the users that it has."""


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListMembers."""
    wanted = page(call.fields, size=20)
    roles = parse_roles(lists.parts(call.fields.get("Roles", "")))
    with parts.store.reading() as db:
        found, total = members.search(
            db,
            _permitted(db, call),
            page=wanted,
            name=call.fields.get("MemberName", ""),
            user_id=call.fields.get("UserId", ""),
            roles=sorted(roles),
        )
    return {
        "Members": [{**_view(each), "AccountName": each.name} for each in found],
        "TotalCount": total,
    }


def get(parts: Parts, call: Call) -> Mapping[str, Any]:
    """GetMember."""
    user_id, member_id = call.fields.get("UserId", ""), call.fields.get("MemberId", "")
    if bool(user_id) == bool(member_id):
        raise InvalidInput("Either UserId or MemberId is wanted.")
    with parts.store.reading() as db:
        return _view(members.get(db, _permitted(db, call), user_id=user_id, member_id=member_id))


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateMember: all that are asked for, or none."""
    wanted = call.fields.get("Members", [])
    if not wanted:
        raise InvalidInput("Members is empty.")
    with parts.store.transaction() as db:
        workspace_id, authority, now = _permitted(db, call), _authority(db, call), parts.now()
        added = [
            members.add(
                db,
                authority,
                workspace_id,
                each.get("UserId", ""),
                parse_roles(each.get("Roles", [])),
                now=now,
            )
            for each in wanted
        ]
    for member in added:
        tell_of_member(parts, workspace_id, member.user_id)
    return {"Members": [_brief(each) for each in added]}


def delete(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteMembers: all that are named, or none."""
    ids = set(lists.parts(call.fields.get("MemberIds", "")))
    if not ids:
        raise InvalidInput("MemberIds is empty.")
    with parts.store.transaction() as db:
        workspace_id, authority = _permitted(db, call), _authority(db, call)
        gone = [members.get(db, workspace_id, member_id=each) for each in sorted(ids)]
        for member in gone:
            members.remove(db, authority, member)
        spread = one_after_another(
            [
                lock_out(parts, db, residents, workspace_id, user_id=each.user_id, roles=each.roles)
                for each in gone
            ]
        )
    spread()
    for member in gone:
        tell_of_member_gone(parts, workspace_id, member.user_id)
    return {}


def add_role(parts: Parts, call: Call) -> Mapping[str, Any]:
    """AddMemberRole. A role that is held already changes nothing, and the answer says so."""
    with parts.store.transaction() as db:
        member, role = _named(db, call)
        added = members.add_role(db, _authority(db, call), member, role)
    if added:
        tell_of_member(parts, member.workspace_id, member.user_id)
        return {}
    return {"Code": "RoleAlreadyHeld", "Message": f"{member.name} holds {role} already; nothing changed."}


def remove_role(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """RemoveMemberRole. A role that is not held changes nothing, and the answer says so."""
    with parts.store.transaction() as db:
        member, role = _named(db, call)
        if not members.remove_role(db, _authority(db, call), member, role):
            return {"Code": "RoleNotHeld", "Message": f"{member.name} does not hold {role}; nothing changed."}
        shut_out = residents if role in MAKERS else ()
        spread = lock_out(
            parts, db, shut_out, member.workspace_id, user_id=member.user_id, roles=member.roles
        )
    spread()
    tell_of_member(parts, member.workspace_id, member.user_id)
    return {}


def _permitted(db: Database, call: Call) -> str:
    workspace_id: str = call.fields["workspace_id"]
    require(db, call.caller, workspace_id, call.operation.action)
    return workspace_id


def _authority(db: Database, call: Call) -> frozenset[Role]:
    """The caller's roles here; the machine's owner has the workspace owner's."""
    if call.caller.owner:
        return frozenset({Role.OWNER})
    return members.roles_of(db, call.fields["workspace_id"], call.caller.user_id)


def _named(db: Database, call: Call) -> tuple[Member, Role]:
    workspace_id = _permitted(db, call)
    member = members.get(db, workspace_id, member_id=call.fields["member_id"])
    return member, parse_role(call.fields["role_name"])


def _brief(member: Member) -> dict[str, Any]:
    return {
        "MemberId": member.member_id,
        "UserId": member.user_id,
        "DisplayName": member.name,
        "Roles": sorted(member.roles),
    }


def _view(member: Member) -> dict[str, Any]:
    return {
        **_brief(member),
        "MemberName": member.name,
        "AccountType": _MAIN_ACCOUNT if member.machine_owner else _SUB_ACCOUNT,
        "GmtCreateTime": to_wire(member.created_at, milliseconds=True),
    }
