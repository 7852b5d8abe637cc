"""What somebody tries who is in one workspace and wants something of another, or of somebody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.scheduler.machines import a_request
from workbench import notebooks, scheduler
from workbench.daemon import compute, metrics_api
from workbench.daemon.machine import watch
from workbench.errors import Forbidden, NotFound
from workbench.notebooks import records
from workbench.telemetry import Change, Event, Level, events
from workbench.telemetry.metric_store import MetricStore
from workbench.telemetry.series import Series
from workbench.wire.call import Call
from workbench.wire.operations import operation
from workbench.workspaces import PERMISSIONS, Role, tags
from workbench.workspaces.api import tags as tags_api
from workbench.workspaces.permissions import OPERATORS, InWorkspace

METRICS = metrics_api.routes(None)  # a stranger is turned away before anything measured is looked at
ON_ONE_NOTEBOOK = [
    each for each in (*notebooks.ROUTES, *METRICS) if "{instance_id}" in each.operation.path and not each.open
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


def publish(machine, notebook):
    with machine.store.transaction() as db:
        records.save(db, replace(notebook, accessibility="PUBLIC"))


def listed(machine, caller):
    list_notebooks = next(each for each in notebooks.ROUTES if each.operation.action == "ListInstances")
    call = Call(operation=list_notebooks.operation, caller=caller, request_id="r")
    return [each["InstanceId"] for each in list_notebooks.answer(machine.parts, call)["Instances"]]


def heard(machine, caller, *changes):
    """Ids of the changes that a watcher is told, of these."""
    return [each["Id"] for each in told(machine, caller, *changes)]


def told(machine, caller, *changes):
    """The changes that a watcher is told, of these."""
    parts = replace(machine.parts, live=Told(changes))
    call = Call(operation=operation("workbench", "Watch"), caller=caller, request_id="r")

    async def follow():
        return [each async for each in watch(parts, call).lines]

    return asyncio.run(follow())


class Told:
    """Changes that were told, and then no more."""

    def __init__(self, changes):
        self.changes = changes

    async def follow(self):
        for change in self.changes:
            yield change


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
def test_a_colleagues_public_notebook_is_entered_changed_and_read_only_as_the_table_says(
    machine, victim, route
):
    publish(machine, victim)
    for number, role in enumerate(sorted(set(Role) - PERMISSIONS[route.operation.action].others)):
        colleague = machine.join(role, 2001 + number, victim.workspace_id)
        with pytest.raises(Forbidden):
            ask(machine, route, colleague, victim.id)


@pytest.mark.parametrize("route", BY_ROLE, ids=lambda each: each.operation.action)
def test_a_colleagues_private_notebook_does_not_exist(machine, victim, route):
    for number, role in enumerate(sorted(set(Role) - OPERATORS)):
        colleague = machine.join(role, 2001 + number, victim.workspace_id)
        with pytest.raises(NotFound):
            ask(machine, route, colleague, victim.id)


def test_lists_show_a_private_notebook_to_its_owner_and_to_who_runs_the_workspace(machine, victim):
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    operator = machine.join(Role.OPERATOR, 2002, victim.workspace_id)
    assert (listed(machine, developer), listed(machine, operator)) == ([], [victim.id])

    publish(machine, victim)
    assert listed(machine, developer) == [victim.id]


@pytest.mark.parametrize(
    ("role", "reads"), [(Role.DEVELOPER, False), (Role.OPERATOR, True), (Role.ADMIN, True)]
)
def test_what_a_colleagues_notebook_said_last_and_was_given_is_for_who_may_read_its_log(
    machine, victim, role, reads
):
    said = "It ended with exit code 1. It said last:\nlogging in with s3cret"
    with machine.store.transaction() as db:
        failed = replace(victim, accessibility="PUBLIC", reason=said, environment={"KEY": "s3cret"})
        records.save(db, failed)
    colleague = machine.join(role, 2001, victim.workspace_id)
    change = Change(kind="notebook", id=victim.id, workspace_id=victim.workspace_id, message=said)

    for caller, reads_all in ((colleague, reads), (machine.owner, True)):
        got, (row,) = (
            shown(machine, caller, "GetInstance"),
            shown(machine, caller, "ListInstances")["Instances"],
        )
        assert ["s3cret" in str(each) for each in (got, row)] == [reads_all] * 2
        assert got["EnvironmentVariables"] == ({"KEY": "s3cret"} if reads_all else {})
        assert got["ReasonMessage"] == row["ReasonMessage"] == (said if reads_all else said[:26])
        assert told(machine, caller, change)[0]["Message"] == got["ReasonMessage"]


def shown(machine, caller, action):
    route = next(each for each in notebooks.ROUTES if each.operation.action == action)
    call = Call(
        operation=route.operation, caller=caller, request_id="r", fields={"instance_id": "dsw-victim"}
    )
    return route.answer(machine.parts, call)


def test_tags_of_a_private_notebook_are_not_told_to_colleagues(machine, victim):
    residents = [notebooks.RESIDENTS]
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    with machine.store.transaction() as db:
        tags.put(db, "notebook", victim.id, victim.workspace_id, {"project": "secret"})

    def found(caller):
        call = Call(operation=operation("workbench", "ListTags"), caller=caller, request_id="r")
        return [each["Value"] for each in tags_api.list_(residents, machine.parts, call)["Tags"]]

    assert (found(developer), found(machine.owner)) == ([], ["secret"])
    publish(machine, victim)
    assert found(developer) == ["secret"]


def test_changes_of_a_private_notebook_are_told_to_its_owner_and_to_who_runs_the_workspace(machine, victim):
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    operator = machine.join(Role.OPERATOR, 2002, victim.workspace_id)
    stranger = machine.join(Role.ADMIN, 2003)
    private = Change(
        kind="notebook", id=victim.id, workspace_id=victim.workspace_id, private_to=victim.user_id
    )
    public = replace(private, id="dsw-public", private_to="")

    assert heard(machine, developer, private, public) == ["dsw-public"]
    assert heard(machine, operator, private, public) == [victim.id, "dsw-public"]
    assert heard(machine, stranger, private, public) == []


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_what_happened_to_a_notebook_is_told_to_its_owner_and_to_who_runs_the_workspace(
    machine, victim, public
):
    if public:
        publish(machine, victim)
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    operator = machine.join(Role.OPERATOR, 2002, victim.workspace_id)
    stranger = machine.join(Role.ADMIN, 2003)
    happened(machine, victim.workspace_id, victim.user_id, victim.id)
    happened(machine, victim.workspace_id, developer.user_id, "dsw-own")
    happened(machine, machine.first.workspace_id, stranger.user_id, "dsw-elsewhere")

    def told(caller, **asked):
        return [each["Id"] for each in machine.ask(caller, "ListEvents", **asked)["Events"]]

    assert told(machine.owner) == ["dsw-elsewhere", "dsw-own", victim.id]
    assert told(operator) == ["dsw-own", victim.id]
    assert told(developer) == ["dsw-own"]
    assert told(developer, Id=victim.id) == []
    assert told(developer, Limit=1) == ["dsw-own"]
    assert told(stranger) == ["dsw-elsewhere"]
    with pytest.raises(NotFound):
        told(stranger, WorkspaceId=victim.workspace_id)


def happened(machine, workspace_id, owner_id, id):
    event = Event(
        kind="notebook",
        id=id,
        workspace_id=workspace_id,
        owner_id=owner_id,
        time=machine.clock(),
        level=Level.NORMAL,
        reason="Running",
        message="The notebook is Running.",
    )
    with machine.store.transaction() as db:
        events.add(db, event)


def test_what_a_private_notebook_uses_is_not_told_to_colleagues(machine, victim, tmp_path):
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    operator = machine.join(Role.OPERATOR, 2002, victim.workspace_id)
    stranger = machine.join(Role.ADMIN, 2003)
    now = int(machine.clock().timestamp())
    measured = MetricStore(tmp_path / "metrics.db", cap_bytes=2**30)
    used = Series(
        name="cpus", kind="notebook", id=victim.id, workspace_id=victim.workspace_id, user_id=victim.user_id
    )
    measured.add(now, [(used, 1.0)])
    query = next(
        each
        for each in metrics_api.routes(SimpleNamespace(store=measured))
        if each.operation.action == "QueryMetrics"
    )

    def told(caller):
        call = Call(operation=query.operation, caller=caller, request_id="r", fields={"Metric": "cpus"})
        return [each["Id"] for each in query.answer(machine.parts, call)["Series"]]

    assert (told(operator), told(developer), told(stranger)) == ([victim.id], [], [])
    publish(machine, victim)
    assert (told(developer), told(stranger)) == ([victim.id], [])


def test_who_waits_is_told_by_name_only_to_who_may_know_of_it(machine, victim):
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    operator = machine.join(Role.OPERATOR, 2002, victim.workspace_id)
    machine.store.migrate([scheduler.MIGRATIONS])
    with machine.store.transaction() as db:
        scheduler.ask(
            db, a_request(kind="notebook", id=victim.id, name="secret", workspace_id=victim.workspace_id)
        )

    def names(caller):
        call = Call(operation=operation("workbench", "ListQueue"), caller=caller, request_id="r")
        return [each["Name"] for each in compute.list_queue(machine.parts, call)["Queue"]]

    assert (names(machine.owner), names(operator), names(developer)) == (["secret"], ["secret"], [""])


def test_who_was_shut_out_hears_nothing_more(machine, victim):
    developer = machine.join(Role.DEVELOPER, 2001, victim.workspace_id)
    change = Change(kind="notebook", id=victim.id, workspace_id=victim.workspace_id)
    assert heard(machine, developer, change) == [victim.id]

    machine.ask(machine.owner, "UpdateUser", user_id=developer.user_id, Enabled=False, Sessions="stop")
    assert heard(machine, developer, change) == []


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
