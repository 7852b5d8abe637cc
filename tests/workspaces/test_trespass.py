"""What somebody tries who is in one workspace and wants something of another, or of somebody else."""

from __future__ import annotations

import pytest

from workbench import notebooks
from workbench.errors import Forbidden, NotFound
from workbench.notebooks import records
from workbench.telemetry import events
from workbench.wire.call import Call
from workbench.workspaces import PERMISSIONS, Role
from workbench.workspaces.permissions import InWorkspace

ON_ONE_NOTEBOOK = [
    each for each in notebooks.ROUTES if "{instance_id}" in each.operation.path and not each.open
]
BY_ROLE = [each for each in ON_ONE_NOTEBOOK if isinstance(PERMISSIONS[each.operation.action], InWorkspace)]


@pytest.fixture
def victim(machine):
    """A notebook of the machine's owner, in a workspace of their own."""
    machine.store.migrate([events.MIGRATIONS, notebooks.MIGRATIONS])
    id = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="private")["WorkspaceId"]
    found = records.Notebook(
        id="dsw-victim",
        workspace_id=id,
        user_id=machine.first.user_id,
        name="victim",
        created_at=machine.clock(),
        modified_at=machine.clock(),
        image="notebook",
        cpus=1,
        memory_bytes=2**30,
        shm_bytes=2**20,
    )
    with machine.store.transaction() as db:
        records.insert(db, found)
    return found


def ask(machine, route, caller, id):
    fields = {
        "instance_id": id,
        "DueTime": "2026-05-05T00:00:00Z",
        "LabelKeys": "k",
        "MaxIdleTimeInMinutes": 5,
    }
    return route.answer(
        machine.parts, Call(operation=route.operation, caller=caller, request_id="r", fields=fields)
    )


@pytest.mark.parametrize("route", ON_ONE_NOTEBOOK, ids=lambda each: each.operation.action)
def test_another_workspaces_notebook_does_not_exist(machine, victim, route):
    stranger = machine.join(Role.ADMIN, 2001)
    with pytest.raises(NotFound) as private:
        ask(machine, route, stranger, victim.id)
    with pytest.raises(NotFound) as absent:
        ask(machine, route, stranger, "dsw-absent")

    assert str(private.value).replace("victim", "absent") == str(absent.value)
    assert private.value.code == absent.value.code


@pytest.mark.parametrize("route", BY_ROLE, ids=lambda each: each.operation.action)
def test_a_colleagues_notebook_is_entered_changed_and_read_only_as_the_table_says(machine, victim, route):
    for number, role in enumerate(sorted(set(Role) - PERMISSIONS[route.operation.action].others)):
        colleague = machine.join(role, 2001 + number, victim.workspace_id)
        with pytest.raises(Forbidden):
            ask(machine, route, colleague, victim.id)


def test_lists_show_nothing_of_workspaces_that_one_is_not_in(machine, victim):
    stranger = machine.join(Role.ADMIN, 2001)
    list_notebooks = next(each for each in notebooks.ROUTES if each.operation.action == "ListInstances")
    for fields in (
        {},
        {"WorkspaceId": victim.workspace_id},
        {"CreateUserId": victim.user_id},
        {"InstanceId": victim.id},
    ):
        call = Call(operation=list_notebooks.operation, caller=stranger, request_id="r", fields=fields)
        assert list_notebooks.answer(machine.parts, call)["TotalCount"] == 0
