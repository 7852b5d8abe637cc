"""The table, walked as a whole: every operation, every role, one's own object and another's."""

from pathlib import Path

import pytest

from scripts.permissions_page import page
from workbench import notebooks
from workbench.daemon import compute, metrics_api
from workbench.daemon import machine as daemon_machine
from workbench.errors import Forbidden, NotFound
from workbench.wire.call import Caller
from workbench.wire.operations import operation
from workbench.workspaces import PERMISSIONS, Role, may, require, require_on_machine
from workbench.workspaces.permissions import BY_SERVICE, OPERATORS, InWorkspace, OnMachine

ROLE_DECIDES = {name: rule for name, rule in PERMISSIONS.items() if isinstance(rule, InWorkspace)}
NO_WORKSPACE = {name: rule for name, rule in PERMISSIONS.items() if isinstance(rule, OnMachine)}
SOMEBODY_ELSE = "4711"


def is_allowed(ask, *args):
    try:
        ask(*args)
    except Forbidden as refused:
        assert refused.status == 403
        return False
    return True


@pytest.fixture
def caller(machine, role):
    if role is Role.OWNER:
        return Caller(user_id=machine.first.user_id, name="without the machine owner's rights")
    return machine.join(role, 2001)


@pytest.mark.parametrize("role", Role)
def test_every_operation_allows_each_role_what_the_table_says(machine, role, caller):
    with machine.store.reading() as db:
        for action, rule in ROLE_DECIDES.items():
            for whose, allowed in ((caller.user_id, rule.own), (SOMEBODY_ELSE, rule.others)):
                asked = (db, caller, machine.first.workspace_id, action, whose)
                assert is_allowed(require, *asked) == (role in allowed), (action, whose)


@pytest.mark.parametrize("role", Role)
def test_what_is_private_is_there_for_its_owner_and_for_who_runs_the_workspace(machine, role, caller):
    def ask_private(*args):
        with machine.store.reading() as db:
            require(db, caller, machine.first.workspace_id, *args, private=True)

    for action, rule in ROLE_DECIDES.items():
        assert is_allowed(ask_private, action, caller.user_id) == (role in rule.own), action
        if role in OPERATORS:
            assert is_allowed(ask_private, action, SOMEBODY_ELSE) == (role in rule.others), action
        else:
            with pytest.raises(NotFound):
                ask_private(action, SOMEBODY_ELSE)


def test_no_operation_in_a_workspace_is_open_to_who_is_not_in_it(machine):
    stranger = Caller(user_id=machine.add_user("eve", 2001).user_id, name="eve")
    with machine.store.reading() as db:
        for action in ROLE_DECIDES:
            with pytest.raises(NotFound):
                require(db, stranger, machine.first.workspace_id, action, stranger.user_id)


def test_operations_without_a_workspace_know_oneself_others_and_the_machines_owner(machine):
    user = Caller(user_id="7", name="ada")
    for action, rule in NO_WORKSPACE.items():
        assert is_allowed(require_on_machine, user, action, "7") == rule.own, action
        assert is_allowed(require_on_machine, user, action, SOMEBODY_ELSE) == rule.others, action
        assert is_allowed(require_on_machine, machine.owner, action, SOMEBODY_ELSE), action


def test_what_one_may_do_to_others_things_one_may_do_to_ones_own():
    for action, rule in PERMISSIONS.items():
        assert not rule.others or rule.own, action
        if isinstance(rule, InWorkspace):
            assert rule.others <= rule.own, action


def test_a_guest_only_reads():
    for service, rules in BY_SERVICE.items():
        for action in rules.keys() & ROLE_DECIDES.keys():
            if may(frozenset({Role.GUEST}), action, own=False):
                assert operation(service, action).verb == "GET", action


def test_every_operation_that_is_offered_has_a_row_and_no_other_has(machine):
    routes = (
        *machine.routes,
        *notebooks.ROUTES,
        *compute.ROUTES,
        *daemon_machine.routes(machine.parts, lambda sessions: None),
        *metrics_api.routes(None),
    )

    assert {route.operation.action for route in routes} == PERMISSIONS.keys()


def test_the_roles_table_that_is_printed_is_the_table(machine):
    table = machine.ask(machine.owner, "ListRoles")["Permissions"]

    assert {each["Operation"] for each in table} == PERMISSIONS.keys()
    shown = next(each for each in table if each["Operation"] == "DeleteInstance")
    assert shown["Scope"] == "workspace"
    assert Role.DEVELOPER in shown["Own"]
    assert Role.DEVELOPER not in shown["Others"]


PUBLIC_AND_PRIVATE = [("PUBLIC", "ANY"), ("PRIVATE", "ANY")]
PUBLIC_ALONE = [("PUBLIC", "ANY"), ("PRIVATE", "CREATOR")]
OWN = [("PUBLIC", "CREATOR"), ("PRIVATE", "CREATOR")]


def told(machine, caller):
    """By code, how far the caller hears that it reaches."""
    answer = machine.ask(caller, "ListPermissions", workspace_id=machine.first.workspace_id)
    return {
        each["PermissionCode"]: [
            (rule["Accessibility"], rule["EntityAccessType"]) for rule in each["PermissionRules"]
        ]
        for each in answer["Permissions"]
    }


def test_a_member_hears_what_they_may_do(machine):
    developer, id = machine.join(Role.DEVELOPER, 2001), machine.first.workspace_id
    codes = told(machine, developer)

    assert codes["PaiDSW:DeleteInstance"] == OWN
    assert codes["PaiDSW:GetInstance"] == PUBLIC_ALONE, "a colleague's private notebook is not there"
    assert codes["PaiWorkspace:ListMembers"] == codes["PaiDSW:ListEcsSpecs"] == PUBLIC_AND_PRIVATE
    assert codes["Workbench:CreateToken"] == OWN
    assert not codes.keys() & {"PaiWorkspace:CreateMember", "Workbench:CreateUser", "PaiDSW:StopInstances"}
    for refused in ("PaiWorkspace:CreateMember", "Workbench:CreateUser"):
        with pytest.raises(Forbidden):
            machine.ask(developer, "GetPermission", workspace_id=id, permission_code=refused)
    with pytest.raises(NotFound):
        machine.ask(developer, "GetPermission", workspace_id=id, permission_code="PaiDSW:StopInstances")


def test_who_runs_a_workspace_hears_that_what_is_private_is_there_for_them(machine):
    assert told(machine, machine.join(Role.OPERATOR, 2001))["PaiDSW:StopInstance"] == PUBLIC_AND_PRIVATE
    assert told(machine, machine.owner)["Workbench:CreateUser"] == PUBLIC_AND_PRIVATE


def test_the_page_of_permissions_is_the_table():
    written = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()

    assert written == page(), "write it anew: .venv/bin/python -m scripts.permissions_page"
