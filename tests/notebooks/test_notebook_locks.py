"""Who is shut out has nothing left that lets them in, even if the daemon dies right after it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlite_utils import Database

from tests.notebooks.machine import Machine
from workbench.gateway import GatewayFilesUnwritable
from workbench.notebooks import access, records
from workbench.notebooks.records import Status, Wanted
from workbench.store import Store
from workbench.wire.call import Caller
from workbench.workspaces import Role

Ask = Callable[[Machine, Caller], object]


class PowerCut(BaseException):
    """Nothing that stands behind it happens any more."""


class LosesPower(Store):
    """A database whose machine is cut off as soon as something is written."""

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        with super().transaction() as db:
            yield db
        raise PowerCut


def until_the_cut(machine: Machine, action: str, **given: object) -> None:
    """Ask for something, of a daemon that dies once it is on record, and start another."""
    whole = machine.parts
    machine.parts = replace(whole, store=LosesPower(whole.store.path))
    with pytest.raises(PowerCut):
        machine.ask(machine.owner, action, **given)
    machine.parts = whole
    machine.start_again()


def member(machine: Machine, who: Caller) -> str:
    return f"{machine.workspace_id}-{who.user_id}"


def take_out(machine: Machine, who: Caller) -> None:
    workspace = {"workspace_id": machine.workspace_id}
    until_the_cut(machine, "DeleteMembers", **workspace, MemberIds=member(machine, who))


def take_the_role(machine: Machine, who: Caller) -> None:
    named = {"workspace_id": machine.workspace_id, "member_id": member(machine, who)}
    machine.ask(machine.owner, "AddMemberRole", **named, role_name=Role.GUEST)
    until_the_cut(machine, "RemoveMemberRole", **named, role_name=Role.ADMIN)


def disable(machine: Machine, who: Caller) -> None:
    until_the_cut(machine, "UpdateUser", user_id=who.user_id, Enabled=False)


def remove(machine: Machine, who: Caller) -> None:
    until_the_cut(machine, "DeleteUser", user_id=who.user_id)


@pytest.mark.parametrize("shut_out", [take_out, take_the_role, disable, remove])
def test_an_administrator_who_is_shut_out_has_no_way_in_after_a_power_cut(
    machine: Machine, shut_out: Ask
) -> None:
    bob = machine.join("bob", 2002, Role.ADMIN)
    machine.keep(status=Status.RUNNING, address="172.18.0.2")
    ticket = machine.ask(bob, "CreateNotebookTicket", instance_id="dsw-1")["Url"].partition("ticket=")[2]
    before = machine.route()

    shut_out(machine, bob)

    now = machine.route()
    assert now.jupyter_token == before.jupyter_token
    assert {now.cookie, now.access_token}.isdisjoint({before.cookie, before.access_token})
    with pytest.raises(access.BadTicket):
        machine.answer(bob, "EnterNotebook", instance_id="dsw-1", ticket=ticket)


def test_a_developer_who_is_shut_out_leaves_others_notebooks_open_to_others(machine: Machine) -> None:
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    machine.keep(id="dsw-1", name="hers", user_id=ada.user_id)
    machine.keep(id="dsw-2", name="another's")
    hers, anothers = machine.route("dsw-1"), machine.route("dsw-2")

    disable(machine, ada)

    assert machine.route("dsw-1").cookie != hers.cookie
    assert machine.route("dsw-2").cookie == anothers.cookie


def test_what_a_disabled_user_runs_is_stopped_even_after_a_power_cut(machine: Machine) -> None:
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    machine.count_as_running(machine.keep(user_id=ada.user_id, status=Status.RUNNING))

    until_the_cut(machine, "UpdateUser", user_id=ada.user_id, Enabled=False, Sessions="stop")

    assert machine.record().wanted is Wanted.STOPPED


def test_who_is_shut_out_is_so_though_something_of_theirs_is_being_deleted_or_gone(machine: Machine) -> None:
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    kept = [
        machine.keep(id=f"dsw-{each}", name=f"n{each}", user_id=ada.user_id, status=Status.RUNNING)
        for each in range(4)
    ]
    for each in kept:
        machine.count_as_running(each)
    machine.ask(ada, "DeleteInstance", instance_id="dsw-1")
    with machine.parts.store.transaction() as db:
        records.forget(db, "dsw-2")
    before = machine.route("dsw-3")

    machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False, Sessions="stop")

    wanted = [machine.record(f"dsw-{each}").wanted for each in (0, 1, 3)]
    assert wanted == [Wanted.STOPPED, Wanted.DELETED, Wanted.STOPPED]
    assert machine.route("dsw-3").cookie != before.cookie


def test_a_drained_pool_is_emptied_though_something_in_it_is_being_deleted(machine: Machine) -> None:
    machine.ask(machine.owner, "CreatePool", Name="small", Cpus=0.5, MemoryBytes=2**30, WorkspaceIds=["1"])
    for each in ("dsw-1", "dsw-2"):
        notebook = machine.keep(id=each, name=each, status=Status.RUNNING, cpus=0.1, memory_bytes=2**20)
        machine.count_as_running(notebook, pool="small")
    machine.ask(machine.owner, "DeleteInstance", instance_id="dsw-1")

    machine.ask(machine.owner, "UpdatePool", name="small", Draining=True, Force=True)

    assert machine.record("dsw-2").wanted is Wanted.STOPPED


def test_a_deleted_workspaces_notebooks_go_with_it_even_after_a_power_cut(machine: Machine) -> None:
    workspace_id = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    machine.keep(workspace_id=workspace_id, wanted=Wanted.STOPPED, status=Status.STOPPED)

    until_the_cut(machine, "DeleteWorkspace", workspace_id=workspace_id)

    assert machine.record().wanted is Wanted.DELETED
    (listed,) = machine.ask(machine.owner, "ListInstances")["Instances"]
    assert (listed["WorkspaceId"], listed["WorkspaceName"]) == (workspace_id, "vision")


def test_a_full_disk_keeps_no_other_lock_from_being_changed(machine: Machine) -> None:
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    kept = ["dsw-1", "dsw-2"]
    before = {
        each: machine.keep(id=each, name=each, user_id=ada.user_id) and machine.route(each) for each in kept
    }
    machine.fill_the_disk()

    with pytest.raises(GatewayFilesUnwritable):
        machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False)

    assert all(machine.route(each).cookie != before[each].cookie for each in kept)
