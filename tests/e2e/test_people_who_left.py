"""What somebody leaves behind who is removed, or a workspace that is deleted, while notebooks run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.installation import Installation
from workbench.client import Client
from workbench.client.connection import Credentials
from workbench.runtime import Runtime
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture
def another_home(workbench: Installation) -> Iterator[Runtime]:
    """Another Workbench on the same engine."""
    runtime = Runtime(workbench.settings.docker_host, uuid.uuid4().hex)
    yield runtime
    for network in runtime.list_networks():
        runtime.remove_network(network.name)


def names_of_networks(runtime: Runtime) -> set[str]:
    return {each.name for each in runtime.list_networks()}


def test_what_a_removed_user_left_running_is_started_again_when_it_is_killed(
    workbench: Installation, light_image: str
) -> None:
    workbench.run("user", "add", "ada", "--uid", "2301", "--gid", "2301")
    token = workbench.json("token", "create", "--user", "ada")["token"]
    ada = Client(workbench.settings.socket, Credentials(token=token))
    made = ada.call(
        operation("dsw", "CreateInstance"),
        InstanceName="legacy",
        ImageUrl=light_image,
        RequestedResource={"CPU": "0.5", "Memory": "1"},
    )
    notebook_id = made["InstanceId"]
    workbench.until_status(notebook_id, "Running")
    workbench.run("user", "remove", "ada", "--sessions", "keep")

    (pod,) = workbench.pods()
    workbench.runtime.remove_pod(pod)

    workbench.until(lambda: [each.generation for each in workbench.pods()] == [2], "it is started again")
    workbench.until_status(notebook_id, "Running")


def test_the_network_of_a_deleted_workspace_goes_and_no_other(
    workbench: Installation, light_image: str, another_home: Runtime
) -> None:
    workspace_id = workbench.run("workspace", "create", "vision").stdout.strip()
    notebook_id = workbench.create("inside", ImageUrl=light_image, WorkspaceId=workspace_id)
    workbench.until_status(notebook_id, "Running")
    network = f"workspace-{workspace_id}"
    anothers = another_home.ensure_network(network)
    assert network in names_of_networks(workbench.runtime)
    workbench.dsw("StopInstance", instance_id=notebook_id)
    workbench.until_status(notebook_id, "Stopped")

    workbench.run("workspace", "delete", "vision", "--yes")

    workbench.until(lambda: network not in names_of_networks(workbench.runtime), "its network is gone")
    workbench.until_status(notebook_id, "")
    assert anothers in another_home.list_networks()


def test_the_network_of_a_workspace_stays_while_it_is_on_record(workbench: Installation) -> None:
    workspace_id = workbench.run("workspace", "create", "sound").stdout.strip()
    workbench.runtime.ensure_network(f"workspace-{workspace_id}")
    stray = workbench.runtime.ensure_network("workspace-999").name
    workbench.kill()
    workbench.start()

    workbench.until(lambda: stray not in names_of_networks(workbench.runtime), "the stray one is gone")
    assert f"workspace-{workspace_id}" in names_of_networks(workbench.runtime)
