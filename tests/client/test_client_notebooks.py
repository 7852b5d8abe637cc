"""Notebooks through the client: found by name, made whole or not at all, followed to the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.in_process_api import Api, instance, lines
from workbench.client import Client, ClientError, notebooks
from workbench.client.notebooks import AmbiguousName, Change, Mount, NoSuchNotebook, NotebookView, Wishes
from workbench.errors import InvalidInput, NotFound


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api.settings.socket)


def test_a_notebook_is_found_by_its_whole_name_only(api: Api, client: Client) -> None:
    rows = [
        instance(InstanceId="dsw-1", InstanceName="train"),
        instance(InstanceId="dsw-2", InstanceName="train2"),
    ]
    api.answers["ListInstances"] = {"Instances": rows, "TotalCount": 2}

    assert notebooks.find(client, "train") == "dsw-1"
    with pytest.raises(NoSuchNotebook, match="no notebook named 'trai'"):
        notebooks.find(client, "trai")


def test_an_id_goes_before_a_name_and_needs_no_search(api: Api, client: Client) -> None:
    id = "dsw-0123456789abcdef"
    api.answers["GetInstance"] = instance(InstanceId=id)

    assert notebooks.find(client, id) == id
    assert [action for action, _ in api.calls] == ["GetInstance"]


@pytest.mark.parametrize("name", ["dsw-train", "dsw-0123456789abcdef"])
def test_a_name_may_look_like_an_id(api: Api, client: Client, name: str) -> None:
    one = instance(InstanceId="dsw-fedcba9876543210", InstanceName=name)
    api.answers["GetInstance"] = NotFound("There is no such notebook.")
    api.answers["ListInstances"] = {"Instances": [one], "TotalCount": 1}

    assert notebooks.find(client, name) == "dsw-fedcba9876543210"


def test_a_name_in_two_workspaces_is_not_guessed(api: Api, client: Client) -> None:
    rows = [instance(InstanceId="dsw-1"), instance(InstanceId="dsw-2", WorkspaceId="2")]
    api.answers["ListInstances"] = {"Instances": rows, "TotalCount": 2}

    with pytest.raises(AmbiguousName, match="dsw-1, dsw-2"):
        notebooks.find(client, "first")


def test_all_pages_are_read(api: Api, client: Client) -> None:
    rows = [instance(InstanceId=f"dsw-{number}") for number in range(250)]
    api.answers["ListInstances"] = lambda fields: {
        "Instances": rows[(fields["PageNumber"] - 1) * fields["PageSize"] :][: fields["PageSize"]],
        "TotalCount": len(rows),
    }

    assert [each.id for each in notebooks.list_all(client)] == [row["InstanceId"] for row in rows]


def test_a_view_reads_what_the_daemon_wrote() -> None:
    mount = {"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RO"}

    view = NotebookView.from_answer(instance(Datasets=[mount], EnvironmentVariables={"A": "1"}))

    assert (view.id, view.name, view.cpu, view.memory, view.idle_minutes) == ("dsw-1", "first", "2", "4", 7)
    assert view.mounts == (Mount(uri="nas://workspace/data", path="/mnt/data", read_only=True),)
    assert view.environment == {"A": "1"}


def test_what_is_wished_for_arrives_in_the_wire_s_words(api: Api, client: Client) -> None:
    api.answers["CreateInstance"] = {"InstanceId": "dsw-1"}
    api.answers["CreateIdleInstanceCuller"] = {}
    mount = Mount(uri="nas://workspace/data", path="/mnt/data", read_only=True)

    notebooks.create(
        client, Wishes(name="first", cpu="2", memory="8", pool="big", mounts=[mount], idle_minutes=30)
    )

    assert api.fields_of("CreateInstance") == {
        "InstanceName": "first",
        "ResourceId": "big",
        "RequestedResource": {"CPU": "2", "Memory": "8"},
        "Datasets": [{"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RO"}],
    }
    assert api.fields_of("CreateIdleInstanceCuller")["MaxIdleTimeInMinutes"] == 30


def test_a_notebook_whose_limit_is_refused_does_not_stay(api: Api, client: Client) -> None:
    api.answers["CreateInstance"] = {"InstanceId": "dsw-1"}
    api.answers["CreateIdleInstanceCuller"] = InvalidInput("Too short.")
    api.answers["DeleteInstance"] = {}

    with pytest.raises(ClientError, match="Too short"):
        notebooks.create(client, Wishes(name="first", idle_minutes=1))

    assert api.fields_of("DeleteInstance") == {"instance_id": "dsw-1"}


def test_a_wait_shows_each_change_and_ends_with_the_state(api: Api, client: Client) -> None:
    api.answers["GetInstance"] = instance(Status="Starting", ReasonMessage="")
    api.answers["Watch"] = lines(
        {"Id": "dsw-1", "Status": "Starting", "Message": "Building the image, step 3 of 9."},
        {"Id": "dsw-1", "Status": "Running", "Message": ""},
        {"Id": "dsw-1", "Status": "Stopping", "Message": ""},
    )

    assert list(notebooks.wait(client, "dsw-1", "Running")) == [
        Change("Starting", ""),
        Change("Starting", "Building the image, step 3 of 9."),
        Change("Running", ""),
    ]


def test_a_wait_ends_when_the_notebook_fails(api: Api, client: Client) -> None:
    api.answers["GetInstance"] = instance(Status="Failed", ReasonMessage="Image not found.")
    api.answers["Watch"] = lines()

    assert list(notebooks.wait(client, "dsw-1", "Running")) == [Change("Failed", "Image not found.")]


def test_a_deleted_notebook_is_gone_whether_told_or_found_out(api: Api, client: Client) -> None:
    api.answers["GetInstance"] = instance(Status="Deleting")
    api.answers["Watch"] = lines({"Id": "dsw-1", "Status": "", "Message": ""})
    told = list(notebooks.wait(client, "dsw-1", notebooks.GONE))

    api.answers["GetInstance"] = NotFound("No such notebook.")
    found_out = list(notebooks.wait(client, "dsw-1", notebooks.GONE))

    assert told == [Change("Deleting", ""), Change("Deleted", "")]
    assert found_out == [Change("Deleted", "")]


def test_a_wait_outlives_a_restart_of_the_daemon(api: Api, client: Client) -> None:
    states: Iterator[str] = iter(["Starting", "Running"])
    api.answers["GetInstance"] = lambda fields: instance(Status=next(states))
    api.answers["Watch"] = lambda fields: lines()  # the daemon ends its streams and comes back

    changes = list(notebooks.wait(client, "dsw-1", "Running", sleep=lambda seconds: None))

    assert changes == [Change("Starting", ""), Change("Running", "")]
