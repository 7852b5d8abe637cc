"""Who may no longer come in has nothing left that lets them in."""

from __future__ import annotations

from workbench.workspaces import Role


def test_a_user_who_is_shut_out_is_locked_out_of_their_own_things(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False, Sessions="keep")

    assert machine.locked == [(machine.first.workspace_id, ada.user_id)]


def test_an_administrator_who_is_shut_out_is_locked_out_of_everything_there(machine):
    ada = machine.join(Role.ADMIN, 2001)
    machine.ask(machine.owner, "DeleteUser", user_id=ada.user_id)

    assert machine.locked == [(machine.first.workspace_id, "")]


def test_a_member_who_leaves_or_loses_the_role_is_locked_out(machine):
    ada = machine.join(Role.ADMIN, 2001)
    id = machine.first.workspace_id
    member = {"workspace_id": id, "member_id": f"{id}-{ada.user_id}"}
    machine.ask(machine.owner, "AddMemberRole", **member, role_name=Role.GUEST)
    assert machine.locked == []
    machine.ask(machine.owner, "RemoveMemberRole", **member, role_name=Role.ADMIN)
    assert machine.locked == [(machine.first.workspace_id, "")]

    machine.ask(
        machine.owner,
        "DeleteMembers",
        workspace_id=machine.first.workspace_id,
        MemberIds=member["member_id"],
    )
    assert machine.locked[1:] == [(machine.first.workspace_id, ada.user_id)]
