"""Who may no longer come in has nothing left that lets them in."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from workbench import notebooks
from workbench.notebooks import access, records
from workbench.telemetry import events
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


def test_changed_locks_open_to_no_cookie_token_or_link_of_before(machine):
    machine.store.migrate([events.MIGRATIONS, notebooks.MIGRATIONS])
    routes = []
    parts = replace(machine.parts, gateway=SimpleNamespace(publish=routes.append))
    before = access.with_new_secrets(machine.vault, a_notebook(machine))
    with machine.store.transaction() as db:
        records.insert(db, before)
        ticket = access.issue_ticket(db, before.id, machine.clock())

    notebooks.RESIDENTS.change_locks(parts, before.workspace_id, "")

    was, (now,) = access.route(machine.vault, before), routes
    assert was.jupyter_token == now.jupyter_token
    assert {was.cookie, was.access_token}.isdisjoint({now.cookie, now.access_token})
    with machine.store.transaction() as db, pytest.raises(access.BadTicket):
        access.redeem_ticket(db, before.id, ticket, machine.clock())


def a_notebook(machine):
    return records.Notebook(
        id="dsw-1",
        workspace_id=machine.first.workspace_id,
        user_id=machine.first.user_id,
        name="first",
        created_at=machine.clock(),
        modified_at=machine.clock(),
        image="notebook",
        cpus=1,
        memory_bytes=2**30,
        shm_bytes=2**20,
    )
