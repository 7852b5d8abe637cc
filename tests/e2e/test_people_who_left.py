"""What somebody leaves behind who is removed, or a workspace that is deleted, while notebooks run."""

from __future__ import annotations

import pytest

from tests.installation import Installation
from workbench.client import Client
from workbench.client.connection import Credentials
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


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
