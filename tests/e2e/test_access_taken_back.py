"""Access is taken back: what somebody was given, or read in a notebook, opens nothing later."""

from __future__ import annotations

from contextlib import closing

import docker
import httpx
import pytest
import websocket

from tests.e2e.jupyter_user import JupyterUser
from tests.installation import Installation
from workbench.runtime import Pod

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def notebook(workbench: Installation) -> str:
    """A real notebook that runs and is reached."""
    notebook_id = workbench.create("secretive")
    workbench.until_status(notebook_id, "Running", within_s=600)  # it waits for its image
    workbench.until_reached()
    return notebook_id


def pod_of(workbench: Installation, notebook_id: str) -> Pod:
    (pod,) = [each for each in workbench.pods() if each.id == notebook_id]
    return pod


def own_token(workbench: Installation, notebook_id: str) -> str:
    """Jupyter's own, as who has a shell in the notebook reads it."""
    command = ("notebook", "shell", notebook_id, "--", "cat", "/run/workbench/token")
    return workbench.run(*command).stdout.strip()


def status_within(workbench: Installation, notebook_id: str, token: str) -> int:
    """What Jupyter says to its own token, asked where a neighbour would ask, past the gateway."""
    url = f"http://{pod_of(workbench, notebook_id).address}:8888/notebook/{notebook_id}/api/kernels"
    return httpx.get(url, headers={"Authorization": f"token {token}"}, timeout=60).status_code


def test_revoking_ends_tokens_and_what_is_connected_and_lets_its_owner_in_again(
    workbench: Installation, notebook: str
) -> None:
    before = JupyterUser(workbench, notebook)
    kernel = before.start_kernel()
    with closing(before.connect(kernel)) as connected:
        workbench.run("notebook", "revoke", "secretive")

        with pytest.raises((websocket.WebSocketException, OSError)):
            while connected.recv():
                pass
    assert before.http.get("api/kernels").status_code in (401, 403)
    assert JupyterUser(workbench, notebook).run(kernel, "print(6 * 7)").strip() == "42"


def test_jupyters_token_of_an_earlier_start_opens_nothing(workbench: Installation, notebook: str) -> None:
    first = own_token(workbench, notebook)
    assert status_within(workbench, notebook, first) == 200

    workbench.dsw("StopInstance", instance_id=notebook)
    workbench.until_status(notebook, "Stopped")
    workbench.dsw("StartInstance", instance_id=notebook)
    workbench.until_status(notebook, "Running")
    second = own_token(workbench, notebook)
    assert [status_within(workbench, notebook, each) for each in (first, second)] == [403, 200]

    removed = pod_of(workbench, notebook)
    workbench.runtime.remove_pod(removed)
    workbench.until(
        lambda: any(
            each.id == notebook and each.generation > removed.generation for each in workbench.pods()
        ),
        "it is started again",
    )
    workbench.until_status(notebook, "Running")
    assert [status_within(workbench, notebook, each) for each in (first, second)] == [403, 403]
    user = JupyterUser(workbench, notebook)
    assert user.run(user.start_kernel(), "print(6 * 7)").strip() == "42"


def test_a_container_that_is_taken_off_its_network_is_told_of_and_found_again(
    workbench: Installation, notebook: str
) -> None:
    pod, (network,) = pod_of(workbench, notebook), workbench.runtime.list_networks()
    networks = docker.DockerClient(workbench.settings.docker_host).networks.get(network.network)

    def reason() -> str:
        return str(workbench.dsw("GetInstance", instance_id=notebook)["ReasonCode"])

    networks.disconnect(pod.container)
    workbench.until(lambda: reason() == "NoAddress", "its owner is told")
    assert workbench.status(notebook) == "Running"

    another = workbench.create("another")  # takes the address that is free now, or the next
    workbench.until_status(another, "Running")
    networks.connect(pod.container)
    assert pod_of(workbench, notebook).address != pod.address
    workbench.until(lambda: reason() == "", "it is found again")
    assert JupyterUser(workbench, notebook).http.get("api/kernels").status_code == 200
    assert JupyterUser(workbench, another).http.get("api/kernels").status_code == 200
