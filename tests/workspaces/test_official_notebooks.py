"""Notebooks through PAI's own client, over HTTP, down to the database; no container is started."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alibabacloud_pai_dsw20220101 import models as dsw
from darabonba.exceptions import DaraException

from tests.e2e.official_client import CheckingClient
from tests.workspaces.served import config, served
from workbench import notebooks
from workbench.errors import Conflict
from workbench.notebooks import records, rules
from workbench.notebooks.records import Status
from workbench.scheduler import MIGRATIONS as SCHEDULER
from workbench.telemetry import events
from workbench.workqueue import WorkQueue
from workbench.workspaces import Kind, Role, end_work, routes

SMALL = dsw.CreateInstanceRequestRequestedResource(cpu="0.5", memory="0.25")


@pytest.fixture
def client_of(machine):
    """The official client with somebody's key, at a machine that keeps notebooks and starts none."""
    machine.store.migrate([events.MIGRATIONS, SCHEDULER, notebooks.MIGRATIONS])
    machine.parts = replace(machine.parts, queue=WorkQueue(workers=1, resync_s=60))
    machine.routes = (*routes([notebooks.RESIDENTS]), *notebooks.ROUTES)
    with served(machine) as port:
        yield lambda key: CheckingClient(config(port, key))


@pytest.fixture
def client(machine, client_of):
    """The machine's owner."""
    return client_of(machine.first.key)


def create(client, name, **fields):
    request = dsw.CreateInstanceRequest(**{"instance_name": name, "requested_resource": SMALL, **fields})
    return client.create_instance(request).body.instance_id


def get(client, id):
    return client.get_instance(id, dsw.GetInstanceRequest()).body


def listed(client, **filters):
    found = client.list_instances(dsw.ListInstancesRequest(**filters)).body.instances
    return [each.instance_name for each in found]


def refusal(call, *args):
    with pytest.raises(DaraException) as refused:
        call(*args)
    return refused.value


def at_rest(machine, id):
    """Write that it stopped, as the daemon does once its container is gone."""
    with machine.store.transaction() as db:
        stopping = records.save(db, rules.stop(records.get(db, id), machine.clock()))
        records.save(db, rules.settled(stopping, machine.clock()))
        end_work(db, Kind.NOTEBOOK, id)


def go_on(machine, id, *statuses):
    """Write that it came to these, a second after each other."""
    for status in statuses:
        machine.clock.move(seconds=1)
        with machine.store.transaction() as db:
            records.save(db, rules.become(records.get(db, id), status, machine.clock()))


@pytest.fixture
def pools(machine):
    """Two pools of the default workspace, of which a notebook that names none gets the first."""
    for name in ("alpha", "beta"):
        machine.ask(
            machine.owner,
            "CreatePool",
            Name=name,
            Cpus=2,
            MemoryBytes=2**31,
            WorkspaceIds=[machine.first.workspace_id],
        )


def test_a_notebook_runs_in_the_pool_that_it_asks_for_whenever_it_is_started(machine, client, pools):
    wanted, any_ = create(client, "wanted", resource_id="beta"), create(client, "any")
    assert (get(client, wanted).resource_id, get(client, wanted).resource_name) == ("beta", "beta")
    assert get(client, any_).resource_id == "alpha"
    assert listed(client, resource_id="beta") == ["wanted"]

    at_rest(machine, wanted)
    assert listed(client, resource_id="beta") == ["wanted"]
    machine.ask(machine.owner, "UpdatePool", name="beta", Draining=True)
    assert "beta: is draining" in refusal(client.start_instance, wanted).message
    machine.ask(machine.owner, "UpdatePool", name="beta", Draining=False)
    client.start_instance(wanted)
    assert get(client, wanted).resource_id == "beta"


def test_what_runs_is_renamed_where_it_is_whatever_became_of_its_pool_and_quota(machine, client, pools):
    id, workspace_id = create(client, "first", resource_id="beta"), machine.first.workspace_id
    machine.ask(machine.owner, "UpdatePool", name="beta", Draining=True)
    machine.ask(machine.owner, "UpdateWorkspaceQuota", workspace_id=workspace_id, Quota={"Notebooks": 0})

    client.update_instance(id, dsw.UpdateInstanceRequest(instance_name="second"))
    assert get(client, id).resource_id == "beta"
    assert (
        machine.ask(machine.owner, "GetWorkspaceQuota", workspace_id=workspace_id)["Used"]["Notebooks"] == 1
    )
    with pytest.raises(Conflict, match="notebook second"):
        machine.ask(machine.owner, "DeletePool", name="beta")
    smaller = dsw.UpdateInstanceRequestRequestedResource(cpu="0.1")
    client.update_instance(id, dsw.UpdateInstanceRequest(requested_resource=smaller))
    assert get(client, id).requested_resource.cpu == "0.1"
    larger = dsw.UpdateInstanceRequestRequestedResource(cpu="1")
    error = refusal(client.update_instance, id, dsw.UpdateInstanceRequest(requested_resource=larger))
    assert error.code == "QuotaExceeded"


def test_what_failed_is_mended_although_there_is_no_room_to_start_it(machine, client):
    id, workspace_id = create(client, "first"), machine.first.workspace_id
    go_on(machine, id, Status.STARTING, Status.FAILED)
    with machine.store.transaction() as db:
        end_work(db, Kind.NOTEBOOK, id)
    machine.ask(machine.owner, "UpdateWorkspaceQuota", workspace_id=workspace_id, Quota={"Notebooks": 0})

    client.update_instance(id, dsw.UpdateInstanceRequest(environment_variables={"A": "1"}))

    assert get(client, id).environment_variables == {"A": "1"}
    assert refusal(client.start_instance, id).code == "QuotaExceeded"


def test_a_pool_that_is_not_there_for_a_workspace_is_refused_and_nothing_is_kept(client, pools):
    error = refusal(lambda: create(client, "lost", resource_id="gamma"))

    assert (error.code, error.status_code) == ("PoolNotFound", 404)
    assert listed(client) == []


def test_a_notebook_is_its_makers_and_no_field_says_otherwise(machine, client_of, client):
    ada = machine.join(Role.DEVELOPER, 2001)
    theirs = client_of(machine.add_key(ada))
    id = create(theirs, "mine", user_id=ada.user_id)

    for attempt in (
        lambda: create(client, "gift", user_id=ada.user_id),
        lambda: client.update_instance(id, dsw.UpdateInstanceRequest(user_id=machine.first.user_id)),
    ):
        error = refusal(attempt)
        assert error.code == "InvalidParameter"
        assert "belongs to who creates it" in error.message
    assert get(client, id).user_id == ada.user_id
    assert listed(client) == ["mine"]


@pytest.mark.parametrize(
    ("fields", "instead"),
    [
        ({"image_auth": "dXNlcjpwYXNz"}, "docker login"),
        ({"access_restriction_rules": {"a": "b"}}, "Accessibility"),
        (
            {"cloud_disks": [dsw.CreateInstanceRequestCloudDisks(capacity="30Gi", sub_type="rootfs")]},
            "Datasets",
        ),
        ({"dynamic_mount": dsw.DynamicMount(enable=True)}, "Datasets"),
        ({"oversold_type": "AcceptQuotaOverSold"}, "ForbiddenQuotaOverSold"),
    ],
)
def test_what_its_maker_would_miss_is_refused_with_what_to_do(client, fields, instead):
    error = refusal(lambda: create(client, "first", **fields))

    assert (error.status_code, error.code) == (400, "InvalidParameter")
    assert instead in error.message
    assert listed(client) == []


def test_what_means_nothing_on_one_machine_hinders_nobody(client):
    create(
        client,
        "first",
        user_vpc=dsw.CreateInstanceRequestUserVpc(vpc_id="vpc-1"),
        driver="535.54.03",
        workspace_source="/mnt/data",
        dynamic_mount=dsw.DynamicMount(enable=False),
        oversold_type="ForbiddenQuotaOverSold",
    )

    assert listed(client) == ["first"]


def test_variables_of_an_update_are_texts_whatever_their_type_was(client):
    id = create(client, "first", environment_variables={"KEPT": "no"})

    def update(**variables):
        client.update_instance(id, dsw.UpdateInstanceRequest(environment_variables=variables))

    update(EPOCHS=3, RATE=0.5, SHUFFLE=True, NAME="x")
    assert get(client, id).environment_variables == {
        "EPOCHS": "3",
        "RATE": "0.5",
        "SHUFFLE": "true",
        "NAME": "x",
    }
    for value in (None, {"a": "b"}, ["a"]):
        assert "The value of BAD is" in refusal(lambda value=value: update(BAD=value)).message


@pytest.fixture
def lived(machine, client):
    """A notebook that ran, was stopped, failed at its next start, was stopped and now runs again."""
    id = create(client, "lived")
    go_on(machine, id, Status.STARTING, Status.RUNNING, Status.RECOVERING, Status.STARTING, Status.RUNNING)
    at_rest(machine, id)
    machine.clock.move(seconds=10)
    client.start_instance(id)
    go_on(machine, id, Status.FAILED)
    client.stop_instance(id, dsw.StopInstanceRequest())
    machine.clock.move(seconds=10)
    client.start_instance(id)
    go_on(machine, id, Status.RUNNING)
    return id


def sessions(client, id, **asked):
    answer = client.get_lifecycle(id, dsw.GetLifecycleRequest(**asked)).body
    return [[each.status for each in one] for one in answer.lifecycle], answer.total_count


FIRST = ["Creating", "Starting", "Running", "Recovering", "Starting", "Running", "Stopping", "Stopped"]
SECOND = ["Starting", "Failed", "Stopping"]
THIRD = ["Starting", "Running"]


def test_a_lifecycle_is_told_by_sessions(client, lived):
    assert sessions(client, lived, order="ASC") == ([FIRST, SECOND, THIRD], 3)
    assert sessions(client, lived) == ([THIRD[::-1], SECOND[::-1], FIRST[::-1]], 3)
    assert sessions(client, lived, order="asc", limit=1, session_number=1) == ([SECOND], 3)
    assert sessions(client, lived, session_number=3) == ([], 3)


def test_a_lifecycle_is_told_of_a_range_of_time(client, lived):
    told = client.get_lifecycle(lived, dsw.GetLifecycleRequest(order="ASC")).body.lifecycle
    second = told[1]
    begun, failed = second[0].gmt_create_time, second[1].gmt_create_time

    assert sessions(client, lived, start_time=begun, end_time=failed, order="ASC") == ([SECOND], 1)
    assert sessions(client, lived, end_time=begun, order="ASC") == ([FIRST, SECOND], 2)
    assert sessions(client, lived, start_time=told[2][0].gmt_create_time) == ([THIRD[::-1]], 1)
    assert sessions(client, lived, end_time="2000-01-01T00:00:00Z") == ([], 0)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"order": "sideways"}, "Order is 'sideways'"),
        ({"limit": 0}, "Limit is 0"),
        ({"session_number": -1}, "SessionNumber is -1"),
        ({"start_time": "yesterday"}, "'yesterday'"),
        ({"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}, "before StartTime"),
    ],
)
def test_a_lifecycle_that_cannot_be_told_is_refused_by_the_value(client, lived, asked, words):
    assert words in refusal(lambda: sessions(client, lived, **asked)).message


def test_the_last_event_is_in_a_range_that_ends_with_its_time(client, machine):
    machine.clock.time = machine.clock.time.replace(microsecond=700_000)
    id = create(client, "first")
    event = client.get_instance_events(id, dsw.GetInstanceEventsRequest()).body.events[-1]

    request = dsw.GetInstanceEventsRequest(end_time=event.split()[0])
    assert client.get_instance_events(id, request).body.events == [event]


def test_a_token_is_of_a_notebook_and_has_no_end_of_its_own(client):
    id = create(client, "first")

    assert client.get_token(dsw.GetTokenRequest(instance_id=id)).body.token
    for seconds in (60, 0, -1):
        error = refusal(client.get_token, dsw.GetTokenRequest(instance_id=id, expire_time=seconds))
        assert f"ExpireTime is {seconds}" in error.message
    assert "InstanceId is not given" in refusal(client.get_token, dsw.GetTokenRequest()).message


def test_nothing_is_billed_ahead(client):
    create(client, "first")

    [found] = client.list_instances(dsw.ListInstancesRequest(payment_type="PayAsYouGo")).body.instances
    assert found.payment_type == "PayAsYouGo"


def test_notebooks_are_found_by_a_tag_with_any_value(client):
    create(client, "red", tag=[dsw.CreateInstanceRequestTag(key="team", value="red")])
    create(client, "plain")

    assert listed(client, tag=[dsw.ListInstancesRequestTag(key="team")]) == ["red"]
    assert listed(client, tag=[dsw.ListInstancesRequestTag(key="team", value="blue")]) == []


def test_sizes_with_names_are_listed_as_asked(client):
    def names(**asked):
        found = client.list_ecs_specs(dsw.ListEcsSpecsRequest(page_size=100, **asked)).body
        assert found.total_count == len(found.ecs_specs)
        return [each.instance_type for each in found.ecs_specs]

    with_gpus = names(accelerator_type="GPU")
    assert with_gpus == names(accelerator_type="gpu", sort_by="gmtCreate", order="ASC")
    assert with_gpus[::-1] == names(accelerator_type="GPU", order="DESC")
    assert set(names(accelerator_type="CPU")) | set(with_gpus) == set(names())
    assert names(resource_type="ECS") == names()
    assert names(resource_type="Lingjun") == []


@pytest.mark.parametrize(
    "asked", [{"accelerator_type": "TPU"}, {"sort_by": "price"}, {"order": "up"}, {"resource_type": "Cloud"}]
)
def test_a_list_of_sizes_that_cannot_be_made_is_refused_by_the_value(client, asked):
    error = refusal(client.list_ecs_specs, dsw.ListEcsSpecsRequest(**asked))

    assert error.code == "InvalidParameter"
    assert next(iter(asked.values())) in error.message


def test_an_idle_limit_is_told_where_there_is_one(client):
    id = create(client, "first")
    assert get(client, id).idle_instance_culler is None

    limit = dsw.CreateIdleInstanceCullerRequest(max_idle_time_in_minutes=30)
    client.create_idle_instance_culler(id, limit)
    assert get(client, id).idle_instance_culler.max_idle_time_in_minutes == 30
    client.delete_idle_instance_culler(id)
    [found] = client.list_instances(dsw.ListInstancesRequest()).body.instances
    assert found.idle_instance_culler is None
    assert client.get_idle_instance_culler(id).body.idle_time_in_minutes == 0
