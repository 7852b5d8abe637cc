import threading

import pytest

from workbench.errors import Conflict, Forbidden, InvalidInput, NotFound
from workbench.wire.paging import Page
from workbench.workspaces import Kind, Role, Work, begin_work, members, roles_of
from workbench.workspaces.quota import Amounts


@pytest.fixture
def team(machine):
    """Ada's workspace; Bob may be added to it."""
    ada, bob = machine.join(Role.DEVELOPER, 2001), machine.join(Role.DEVELOPER, 2002)
    return machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"], ada, bob


def add(machine, caller, workspace_id, user, *roles):
    wanted = [{"UserId": user.user_id, "Roles": list(roles)}]
    return machine.ask(caller, "CreateMember", workspace_id=workspace_id, Members=wanted)["Members"][0]


def test_a_member_gets_roles_and_loses_them(machine, team):
    id, ada, bob = team
    member = add(machine, ada, id, bob, Role.GUEST)
    named = {"workspace_id": id, "member_id": member["MemberId"]}

    assert machine.ask(ada, "AddMemberRole", **named, role_name=Role.OPERATOR) == {}
    assert machine.ask(ada, "RemoveMemberRole", **named, role_name=Role.GUEST) == {}
    assert machine.ask(bob, "GetMember", workspace_id=id, UserId=bob.user_id)["Roles"] == [Role.OPERATOR]


def test_a_role_that_is_held_already_changes_nothing_and_says_so(machine, team):
    id, ada, bob = team
    member = add(machine, ada, id, bob, Role.GUEST)

    answer = machine.ask(
        ada, "AddMemberRole", workspace_id=id, member_id=member["MemberId"], role_name=Role.GUEST
    )
    assert answer["Code"] == "RoleAlreadyHeld"


def test_a_member_keeps_at_least_one_role(machine, team):
    id, ada, bob = team
    member = add(machine, ada, id, bob, Role.GUEST)
    with pytest.raises(Conflict, match="remove the member"):
        machine.ask(
            ada, "RemoveMemberRole", workspace_id=id, member_id=member["MemberId"], role_name=Role.GUEST
        )


def test_the_owner_can_be_neither_removed_nor_stripped_nor_doubled(machine, team):
    id, ada, bob = team
    add(machine, ada, id, bob, Role.ADMIN)
    owner = f"{id}-{ada.user_id}"
    for caller in (ada, bob, machine.owner):
        with pytest.raises(Conflict):
            machine.ask(caller, "DeleteMembers", workspace_id=id, MemberIds=owner)
        with pytest.raises(Conflict):
            machine.ask(caller, "RemoveMemberRole", workspace_id=id, member_id=owner, role_name=Role.OWNER)
        with pytest.raises(Conflict):
            machine.ask(
                caller,
                "AddMemberRole",
                workspace_id=id,
                member_id=f"{id}-{bob.user_id}",
                role_name=Role.OWNER,
            )


def test_only_the_owner_makes_and_unmakes_administrators(machine, team):
    id, ada, bob = team
    add(machine, ada, id, bob, Role.ADMIN)
    cleo, dan = machine.join(Role.GUEST, 2003), machine.join(Role.GUEST, 2004)
    add(machine, bob, id, cleo, Role.GUEST)

    with pytest.raises(Forbidden):
        add(machine, bob, id, dan, Role.ADMIN)
    with pytest.raises(Forbidden):
        machine.ask(
            bob, "AddMemberRole", workspace_id=id, member_id=f"{id}-{cleo.user_id}", role_name=Role.ADMIN
        )
    with pytest.raises(Forbidden):
        machine.ask(bob, "DeleteMembers", workspace_id=id, MemberIds=f"{id}-{bob.user_id}")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.OWNER, Role.ADMIN}))
def test_others_manage_no_members(machine, team, role):
    id, ada, bob = team
    add(machine, ada, id, bob, role)
    cleo = machine.join(Role.GUEST, 2003)
    with pytest.raises(Forbidden, match=Role.ADMIN):
        add(machine, bob, id, cleo, Role.GUEST)


def test_a_batch_is_done_as_a_whole_or_not_at_all(machine, team):
    id, ada, bob = team
    wanted = [{"UserId": bob.user_id, "Roles": [Role.GUEST]}, {"UserId": "999", "Roles": [Role.GUEST]}]
    with pytest.raises(NotFound, match="999"):
        machine.ask(ada, "CreateMember", workspace_id=id, Members=wanted)
    assert machine.ask(ada, "ListMembers", workspace_id=id)["TotalCount"] == 1

    add(machine, ada, id, bob, Role.GUEST)
    both = f"{id}-{bob.user_id},{id}-{ada.user_id}"
    with pytest.raises(Conflict):
        machine.ask(ada, "DeleteMembers", workspace_id=id, MemberIds=both)
    assert machine.ask(ada, "ListMembers", workspace_id=id)["TotalCount"] == 2


def test_a_member_of_another_workspace_cannot_be_named_here(machine, team):
    id, ada, bob = team
    elsewhere = f"{machine.first.workspace_id}-{bob.user_id}"
    with pytest.raises(NotFound):
        machine.ask(ada, "DeleteMembers", workspace_id=id, MemberIds=elsewhere)
    with pytest.raises(NotFound):
        machine.ask(ada, "AddMemberRole", workspace_id=id, member_id=elsewhere, role_name=Role.GUEST)


def test_who_runs_something_is_not_removed_before_it_ends(machine, team):
    id, ada, bob = team
    add(machine, ada, id, bob, Role.DEVELOPER)
    with machine.store.transaction() as db:
        begin_work(
            db,
            Work(
                kind=Kind.NOTEBOOK,
                id="dsw-1",
                name="first",
                workspace_id=id,
                user_id=bob.user_id,
                cpus=1,
                memory_bytes=1,
            ),
            installed=Amounts(),
        )
    with pytest.raises(Conflict, match="dsw-1"):
        machine.ask(ada, "DeleteMembers", workspace_id=id, MemberIds=f"{id}-{bob.user_id}")


def test_unknown_roles_and_none_are_refused(machine, team):
    id, ada, bob = team
    for roles in (["PAI.Emperor"], []):
        with pytest.raises(InvalidInput, match=Role.GUEST):
            add(machine, ada, id, bob, *roles)
    with pytest.raises(Conflict, match="member already"):
        add(machine, ada, id, ada, Role.GUEST)


def test_two_administrators_who_change_one_member_at_once_both_have_their_way(machine, team):
    id, _, bob = team
    with machine.store.transaction() as db:
        member = members.enrol(db, id, bob.user_id, [Role.GUEST], now=machine.clock())

    def give(role):
        machine.ask(
            machine.owner, "AddMemberRole", workspace_id=id, member_id=member.member_id, role_name=role
        )

    threads = [threading.Thread(target=give, args=[role]) for role in (Role.OPERATOR, Role.LABELLING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with machine.store.reading() as db:
        assert roles_of(db, id, bob.user_id) == {Role.GUEST, Role.OPERATOR, Role.LABELLING}


def test_ten_thousand_members_are_listed_by_page_name_and_role(machine, team):
    id, ada, _ = team
    now = machine.clock().isoformat()
    with machine.store.transaction() as db:
        for number in range(10_000):
            who = f"x{number}"
            db.execute(
                "INSERT INTO users (user_id, name, unix_uid, unix_gid, machine_owner, enabled, created_at)"
                " VALUES (?, ?, ?, 1, 0, 1, ?)",
                [who, f"name{number}", 100_000 + number, now],
            )
            db.execute("INSERT INTO members VALUES (?, ?, ?)", [id, who, now])
            db.execute("INSERT INTO member_roles VALUES (?, ?, ?)", [id, who, Role.GUEST])
    with machine.store.reading() as db:
        page, total = members.search(db, id, page=Page(100, 100))
        named, _ = members.search(db, id, page=Page(1, 10), name="NAME9999")
        owners, _ = members.search(db, id, page=Page(1, 10), roles=[Role.OWNER])

    assert (len(page), total) == (100, 10_001)
    assert [each.name for each in named] == ["name9999"]
    assert [each.user_id for each in owners] == [ada.user_id]
