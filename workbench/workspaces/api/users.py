"""Users of the machine on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from workbench.errors import InvalidInput
from workbench.parts import Parts
from workbench.wire.call import Call
from workbench.wire.paging import page
from workbench.wire.times import to_wire
from workbench.workspaces import members, records, users, work
from workbench.workspaces.authorization import require_on_machine
from workbench.workspaces.residents import Afterwards, Residents, lock_out, one_after_another, stop
from workbench.workspaces.roles import Role
from workbench.workspaces.telling import tell_of_member, tell_of_member_gone, tell_of_user
from workbench.workspaces.users import User
from workbench.workspaces.work import Work


def list_(parts: Parts, call: Call) -> Mapping[str, Any]:
    """ListUsers."""
    require_on_machine(call.caller, call.operation.action)
    wanted = page(call.fields, size=100)
    with parts.store.reading() as db:
        found, total = users.search(db, page=wanted, name=call.fields.get("Name", ""))
    return {"Users": [_view(each) for each in found], "TotalCount": total}


def create(parts: Parts, call: Call) -> Mapping[str, Any]:
    """CreateUser: a developer in the default workspace.

    Without a uid, it is that of the person whose Unix account has the name, or one that nobody has.
    """
    require_on_machine(call.caller, call.operation.action)
    name, uid, now = call.fields.get("Name", ""), call.fields.get("UnixUid"), parts.now()
    account = users.account_of(name)
    if account and uid is None:
        users.check_adoption(account)
    with parts.store.transaction() as db:
        if uid is None:
            uid = account.pw_uid if account else users.uid_for(db, name)
        gid = call.fields.get("UnixGid", account.pw_gid if account and account.pw_uid == uid else uid)
        user = users.add(db, name=name, unix_uid=uid, unix_gid=gid, now=now)
        workspace_id = records.default_workspace(db).workspace_id
        members.enrol(db, workspace_id, user.user_id, [Role.DEVELOPER], now=now)
    tell_of_user(parts, user.user_id, "Enabled")
    tell_of_member(parts, workspace_id, user.user_id)
    return _view(user)


def update(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """UpdateUser: let in or shut out. What a user who is shut out runs is stopped or kept, as said."""
    require_on_machine(call.caller, call.operation.action)
    enabled = call.fields.get("Enabled", True)
    with parts.store.transaction() as db:
        user = users.get(db, call.fields["user_id"])
        users.set_enabled(db, user, enabled)
        spread = one_after_another([]) if enabled else _shut_out(parts, db, residents, user, call)
    spread()
    tell_of_user(parts, user.user_id, "Enabled" if enabled else "Disabled")
    return {}


def delete(residents: Sequence[Residents], parts: Parts, call: Call) -> Mapping[str, Any]:
    """DeleteUser. Their files stay; what they run is stopped or kept, as said."""
    require_on_machine(call.caller, call.operation.action)
    with parts.store.transaction() as db:
        user = users.get(db, call.fields["user_id"])
        left = members.roles_by_workspace(db, user.user_id)
        spread = _shut_out(parts, db, residents, user, call)
        users.remove(db, user, now=parts.now())
    spread()
    tell_of_user(parts, user.user_id, "")
    for workspace_id in left:
        tell_of_member_gone(parts, workspace_id, user.user_id)
    return {}


def _shut_out(
    parts: Parts, db: Database, residents: Sequence[Residents], user: User, call: Call
) -> Afterwards:
    """What is kept runs on without them: no link, cookie or token that they have leads in any more."""
    opened = members.roles_by_workspace(db, user.user_id)
    return one_after_another(
        [
            *(
                lock_out(parts, db, residents, workspace_id, user_id=user.user_id, roles=roles)
                for workspace_id, roles in opened.items()
            ),
            stop(parts, db, residents, _what_to_stop(db, user, call)),
        ]
    )


def _what_to_stop(db: Database, user: User, call: Call) -> list[Work]:
    running = work.running(db, user_id=user.user_id)
    match call.fields.get("Sessions", ""):
        case "stop":
            return running
        case "keep":
            return []
        case "":
            work.refuse_while_running(
                f"{user.name} is not shut out",
                running,
                hint="Say whether to stop or keep them: with Sessions, or --sessions of the command.",
            )
            return []
        case other:
            raise InvalidInput(f"Sessions is {other!r}; stop or keep is wanted.")


def _view(user: User) -> dict[str, Any]:
    return {
        "UserId": user.user_id,
        "Name": user.name,
        "UnixUid": user.unix_uid,
        "UnixGid": user.unix_gid,
        "MachineOwner": user.machine_owner,
        "Enabled": user.enabled,
        "GmtCreateTime": to_wire(user.created_at),
    }
