"""Whoever watches hears of users, members, pools and workspaces what they may know, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.workspaces.conftest import Machine
from workbench.daemon.machine import watch
from workbench.telemetry import Change
from workbench.wire.call import Call, Caller
from workbench.wire.operations import operation
from workbench.workspaces import Role

_END = Change(kind="end", id="end", status="told")
Heard = list[tuple[str, str, str]]


def heard(machine: Machine, callers: list[Caller], act: Callable[[], object]) -> list[Heard]:
    """What each of these is told of what is done meanwhile: kind, id and status."""

    async def follow(caller: Caller, ready: asyncio.Event) -> Heard:
        call = Call(operation=operation("workbench", "Watch"), caller=caller, request_id="r")
        found: Heard = []
        async for line in watch(machine.parts, call).lines:
            if line["Kind"] == "ready":
                ready.set()
            elif line["Kind"] == "end":
                return found
            else:
                found.append((line["Kind"], line["Id"], line["Status"]))
        return found

    async def all_of_them() -> list[Heard]:
        ready = [asyncio.Event() for _ in callers]
        following = [asyncio.create_task(follow(*each)) for each in zip(callers, ready, strict=True)]
        while not all(each.is_set() for each in ready):
            machine.parts.live.tell(Change(kind="ready", id="", status="told"))
            await asyncio.sleep(0.01)
        await asyncio.to_thread(act)
        machine.parts.live.tell(_END)
        return await asyncio.gather(*following)

    return asyncio.run(all_of_them())


def test_the_owner_alone_hears_of_users_and_pools(machine: Machine) -> None:
    member = machine.join(Role.ADMIN, 2001)

    def act() -> None:
        eve = machine.ask(machine.owner, "CreateUser", Name="eve", UnixUid=3001)["UserId"]
        machine.ask(machine.owner, "UpdateUser", user_id=eve, Enabled=False, Sessions="keep")
        machine.ask(machine.owner, "DeleteUser", user_id=eve, Sessions="keep")
        machine.ask(machine.owner, "CreatePool", Name="batch", Cpus=1)
        machine.ask(machine.owner, "UpdatePool", name="batch", Draining=True)
        machine.ask(machine.owner, "DeletePool", name="batch")

    by_owner, by_member = heard(machine, [machine.owner, member], act)

    assert [status for kind, _, status in by_owner if kind == "user"] == ["Enabled", "Disabled", ""]
    assert [status for kind, _, status in by_owner if kind == "pool"] == ["Changed", "Changed", ""]
    assert {kind for kind, _, _ in by_member} == {"member"}


def test_a_member_hears_of_their_own_workspace_only(machine: Machine) -> None:
    member = machine.join(Role.DEVELOPER, 2001)
    other = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="other")["WorkspaceId"]
    stranger = machine.join(Role.DEVELOPER, 2002, other)
    mine = machine.first.workspace_id

    def act() -> None:
        machine.ask(machine.owner, "UpdateWorkspace", workspace_id=mine, Description="new")
        machine.ask(machine.owner, "UpdateWorkspaceQuota", workspace_id=mine, Quota={"Cpus": 4})

    by_owner, by_member, by_stranger = heard(machine, [machine.owner, member, stranger], act)

    assert by_owner == by_member == [("workspace", mine, "Changed")] * 2
    assert by_stranger == []


def test_a_member_hears_of_their_roles_and_of_their_own_end(machine: Machine) -> None:
    member, other = machine.join(Role.DEVELOPER, 2001), machine.join(Role.DEVELOPER, 2002)
    mine = machine.first.workspace_id
    found = machine.ask(machine.owner, "GetMember", workspace_id=mine, UserId=member.user_id)

    def act() -> None:
        for action in ("AddMemberRole", "RemoveMemberRole"):
            machine.ask(
                machine.owner,
                action,
                workspace_id=mine,
                member_id=found["MemberId"],
                role_name="PAI.AlgoOperator",
            )
        machine.ask(machine.owner, "DeleteMembers", workspace_id=mine, MemberIds=found["MemberId"])

    by_member, by_other = heard(machine, [member, other], act)

    roles = [("member", member.user_id, "Changed")] * 2
    assert by_other == [*roles, ("member", member.user_id, "")]
    assert by_member[-1] == ("member", member.user_id, "")


def test_members_hear_that_their_workspace_is_gone(machine: Machine) -> None:
    other = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="other")["WorkspaceId"]
    member, stranger = machine.join(Role.DEVELOPER, 2001, other), machine.join(Role.DEVELOPER, 2002)

    by_owner, by_member, by_stranger = heard(
        machine,
        [machine.owner, member, stranger],
        lambda: machine.ask(machine.owner, "DeleteWorkspace", workspace_id=other),
    )

    assert by_owner == by_member == [("workspace", other, "")]
    assert by_stranger == []
