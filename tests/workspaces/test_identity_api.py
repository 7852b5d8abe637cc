import pwd
from dataclasses import replace

import pytest

from workbench.daemon.machine import connection
from workbench.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from workbench.wire.call import Call
from workbench.wire.operations import operation
from workbench.wire.signatures import Request
from workbench.workspaces import Amounts, KeyPair, Kind, Role, Work, begin_work
from workbench.workspaces.authorization import TokenNotEnough

PLAIN = Request("GET", "/api/v1/workspaces", "", {"host": "localhost"})


def runs_something(machine, user):
    work = Work(
        kind=Kind.NOTEBOOK,
        id="dsw-1",
        name="first",
        workspace_id=machine.first.workspace_id,
        user_id=user.user_id,
        cpus=1,
        memory_bytes=1,
    )
    with machine.store.transaction() as db:
        begin_work(db, work, installed=Amounts())


def test_a_new_user_is_a_developer_in_the_default_workspace(machine):
    id = machine.ask(machine.owner, "CreateUser", Name="ada")["UserId"]
    members = machine.ask(machine.owner, "ListMembers", workspace_id=machine.first.workspace_id)

    assert {each["UserId"]: each["Roles"] for each in members["Members"]}[id] == [Role.DEVELOPER]


def test_users_without_a_unix_account_get_a_uid_that_nobody_has(machine):
    uids = [
        machine.ask(machine.owner, "CreateUser", Name=name)["UnixUid"]
        for name in ("no-account-1", "no-account-2")
    ]

    assert len(set(uids)) == 2
    assert min(uids) >= 30_000


def test_a_high_uid_that_somebody_was_given_does_not_push_the_others_up(machine):
    machine.ask(machine.owner, "CreateUser", Name="ada", UnixUid=2**31 - 1)

    assert machine.ask(machine.owner, "CreateUser", Name="no-account")["UnixUid"] < 40_000


def test_a_persons_unix_account_of_the_same_name_is_taken_over(machine, monkeypatch):
    account = pwd.struct_passwd(("ada", "x", 1234, 1235, "", "/home/ada", "/bin/bash"))
    monkeypatch.setattr(pwd, "getpwnam", {"ada": account}.__getitem__)

    user = machine.ask(machine.owner, "CreateUser", Name="ada")
    assert (user["UnixUid"], user["UnixGid"]) == (1234, 1235)


@pytest.mark.parametrize("name", ["root", "daemon", "nobody"])
def test_an_account_that_is_no_persons_is_taken_over_only_where_that_is_said(machine, name):
    with pytest.raises(InvalidInput, match=f"{name} .*UnixUid"):
        machine.ask(machine.owner, "CreateUser", Name=name)

    uid, gid = pwd.getpwnam(name)[2:4]
    if uid:
        user = machine.ask(machine.owner, "CreateUser", Name=name, UnixUid=uid)
        assert (user["UnixUid"], user["UnixGid"]) == (uid, gid)


@pytest.mark.parametrize("number", [0, -7, 2**31, 2**32, 99_999_999_999])
def test_ids_that_are_roots_or_nobodys_are_refused(machine, number):
    for field in ("UnixUid", "UnixGid"):
        with pytest.raises(InvalidInput, match=f"{field} is {number}"):
            machine.ask(machine.owner, "CreateUser", Name="ada", **{"UnixUid": 2001, field: number})


@pytest.mark.parametrize("name", ["", "1a", "a b", "a/../b", "é", "a" * 65, "root\n"])
def test_a_bad_name_is_refused(machine, name):
    with pytest.raises(InvalidInput):
        machine.ask(machine.owner, "CreateUser", Name=name)


def test_names_and_uids_belong_to_one_user_for_ever(machine):
    ada = machine.ask(machine.owner, "CreateUser", Name="ada", UnixUid=2001)
    for name, uid in (("Ada", 2002), ("bob", 2001)):
        with pytest.raises(Conflict):
            machine.ask(machine.owner, "CreateUser", Name=name, UnixUid=uid)

    machine.ask(machine.owner, "DeleteUser", user_id=ada["UserId"])
    with pytest.raises(Conflict):
        machine.ask(machine.owner, "CreateUser", Name="bob", UnixUid=2001)
    assert machine.ask(machine.owner, "CreateUser", Name="ada")["UserId"] == ada["UserId"]


def test_only_the_machines_owner_adds_and_removes_users(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    for action, fields in (
        ("CreateUser", {"Name": "bob"}),
        ("UpdateUser", {"user_id": ada.user_id, "Enabled": False}),
        ("DeleteUser", {"user_id": ada.user_id}),
    ):
        with pytest.raises(Forbidden):
            machine.ask(ada, action, **fields)


def test_the_machines_owner_can_be_neither_disabled_nor_removed(machine):
    with pytest.raises(Conflict):
        machine.ask(machine.owner, "UpdateUser", user_id=machine.first.user_id, Enabled=False)
    with pytest.raises(Conflict):
        machine.ask(machine.owner, "DeleteUser", user_id=machine.first.user_id)


def test_what_a_disabled_user_runs_is_stopped_or_kept_but_never_forgotten(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    runs_something(machine, ada)
    asked = {"user_id": ada.user_id, "Enabled": False}

    with pytest.raises(Conflict, match="dsw-1"):
        machine.ask(machine.owner, "UpdateUser", **asked)
    assert machine.ask(machine.owner, "ListUsers", Name="user2001")["Users"][0]["Enabled"]

    machine.ask(machine.owner, "UpdateUser", **asked, Sessions="keep")
    assert machine.stopped == []
    machine.ask(machine.owner, "UpdateUser", **asked, Sessions="stop")
    assert machine.stopped == ["dsw-1"]


def test_a_removed_user_is_out_everywhere(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    pair = machine.add_key(ada)
    machine.ask(machine.owner, "DeleteUser", user_id=ada.user_id)

    for request, source in ((machine.signed(pair), "10.0.0.9"), (PLAIN, "unix:2001")):
        with pytest.raises(Unauthenticated):
            machine.authenticate(request, source)
    assert machine.ask(machine.owner, "ListMembers", workspace_id="1")["TotalCount"] == 1


def test_who_owns_a_workspace_is_not_removed(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")
    with pytest.raises(Conflict, match="vision"):
        machine.ask(machine.owner, "DeleteUser", user_id=ada.user_id)


def test_keys_are_made_changed_over_and_deleted_by_their_user(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    made = machine.ask(ada, "CreateAccessKey")
    pair = KeyPair(access_key_id=made["AccessKeyId"], secret=made["AccessKeySecret"])
    assert machine.authenticate(machine.signed(pair), "10.0.0.9").user_id == ada.user_id

    listed = machine.ask(ada, "ListAccessKeys")["AccessKeys"]
    assert [each["GmtLastUseTime"] for each in listed] == ["2026-05-04T12:00:00Z"]
    assert made["AccessKeySecret"] not in str(listed)
    machine.ask(ada, "DeleteAccessKey", access_key_id=pair.access_key_id)
    with pytest.raises(Unauthenticated):
        machine.authenticate(machine.signed(pair), "10.0.0.9")


def test_other_users_keys_and_tokens_are_private(machine):
    ada, bob = machine.join(Role.ADMIN, 2001), machine.join(Role.DEVELOPER, 2002)
    key = machine.ask(bob, "CreateAccessKey")["AccessKeyId"]
    token = machine.ask(bob, "CreateToken")["TokenId"]

    with pytest.raises(NotFound):
        machine.ask(ada, "UpdateAccessKey", access_key_id=key, Enabled=False)
    with pytest.raises(NotFound):
        machine.ask(ada, "DeleteToken", token_id=token)
    for action in ("CreateAccessKey", "ListAccessKeys", "CreateToken", "ListTokens"):
        with pytest.raises(Forbidden):
            machine.ask(ada, action, UserId=bob.user_id)
    assert machine.ask(machine.owner, "ListTokens", UserId=bob.user_id)["TotalCount"] == 1


def test_a_token_is_shown_once_and_works_at_once_until_deleted(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    made = machine.ask(ada, "CreateToken", Description="ci", LifeInHours=1.5)
    request = replace(PLAIN, headers={"authorization": f"Bearer {made['Token']}"})

    assert machine.authenticate(request, "10.0.0.9").user_id == ada.user_id
    assert made["Token"] not in str(machine.ask(ada, "ListTokens"))
    machine.ask(ada, "DeleteToken", token_id=made["TokenId"])
    with pytest.raises(Unauthenticated):
        machine.authenticate(request, "10.0.0.9")


@pytest.mark.parametrize("hours", [0, -1, 366 * 24 + 1, 1e308, float("nan")])
def test_a_token_always_ends_within_a_year(machine, hours):
    with pytest.raises(InvalidInput):
        machine.ask(machine.owner, "CreateToken", LifeInHours=hours)


def test_a_user_may_have_many_keys_but_not_any_number(machine):
    for _ in range(19):
        machine.ask(machine.owner, "CreateAccessKey")
    with pytest.raises(Conflict, match="20"):
        machine.ask(machine.owner, "CreateAccessKey")


def test_a_user_may_have_many_tokens_but_not_any_number(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    for hours in (1, *[48] * 99):
        machine.ask(ada, "CreateToken", LifeInHours=hours)
    with pytest.raises(Conflict, match="100 tokens"):
        machine.ask(ada, "CreateToken")

    machine.ask(machine.owner, "CreateToken")
    machine.clock.move(hours=2)
    machine.ask(ada, "CreateToken")
    assert machine.ask(ada, "ListTokens")["TotalCount"] == 100


def test_what_a_token_is_for_is_said_in_short(machine):
    machine.ask(machine.owner, "CreateToken", Description="d" * 256)
    with pytest.raises(InvalidInput, match="257 characters"):
        machine.ask(machine.owner, "CreateToken", Description="d" * 257)


def by_token(machine, caller, **fields):
    """The same user, with a token of theirs."""
    return known_by(machine, machine.ask(caller, "CreateToken", **fields)["Token"])


def known_by(machine, token):
    return machine.authenticate(replace(PLAIN, headers={"authorization": f"Bearer {token}"}), "10.0.0.9")


def test_a_token_is_given_nothing_that_outlasts_it(machine):
    caller = by_token(machine, machine.owner)
    key = machine.ask(machine.owner, "CreateAccessKey")["AccessKeyId"]
    machine.ask(caller, "UpdateAccessKey", access_key_id=key, Enabled=False)

    for action, fields in (
        ("CreateAccessKey", {}),
        ("UpdateAccessKey", {"access_key_id": key}),
    ):
        with pytest.raises(TokenNotEnough, match=f"{action}.*with an access key"):
            machine.ask(caller, action, **fields)
    call = Call(operation=operation("workbench", "GetConnection"), caller=caller, request_id="r")
    with pytest.raises(TokenNotEnough):
        connection(machine.parts, call)
    assert connection(machine.parts, replace(call, caller=machine.owner))["AccessKeySecret"]


def test_a_token_makes_tokens_that_end_with_it(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    caller = by_token(machine, machine.owner, LifeInHours=2)

    with pytest.raises(InvalidInput, match=r"2026-05-04 14:00:00 UTC.*fewer hours"):
        machine.ask(caller, "CreateToken", UserId=ada.user_id, LifeInHours=2.1)
    made = machine.ask(caller, "CreateToken", UserId=ada.user_id)
    assert made["GmtExpireTime"] == "2026-05-04T14:00:00Z"
    assert machine.ask(caller, "CreateToken", LifeInHours=1)["GmtExpireTime"] == "2026-05-04T13:00:00Z"


def test_who_deletes_a_token_that_leaked_is_rid_of_all_that_was_made_with_it(machine):
    caller = by_token(machine, machine.owner)
    child = machine.ask(caller, "CreateToken")["Token"]
    grandchild = machine.ask(known_by(machine, child), "CreateToken")["Token"]
    other = machine.ask(machine.owner, "CreateToken")["Token"]

    machine.ask(machine.owner, "DeleteToken", token_id=caller.token_id)

    for token in (child, grandchild):
        with pytest.raises(Unauthenticated):
            known_by(machine, token)
    assert known_by(machine, other).owner
