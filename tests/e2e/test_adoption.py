"""Containers outlive the daemon, and the daemon makes the best of what it finds when it comes back."""

from __future__ import annotations

import docker
import httpx
import pytest
from docker import DockerClient

from tests.e2e.agreement import statuses, until_they_agree
from tests.installation import Installation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

MANY = 50


@pytest.fixture(scope="module")
def engine(workbench: Installation) -> DockerClient:
    """The engine, to do behind the daemon's back what happens on real machines."""
    return docker.DockerClient(workbench.settings.docker_host)


def create(workbench: Installation, light_image: str, name: str) -> str:
    size = {"CPU": "0.1", "Memory": "0.125"}
    answer = workbench.dsw("CreateInstance", InstanceName=name, RequestedResource=size, ImageUrl=light_image)
    return str(answer["InstanceId"])


@pytest.fixture
def notebook(workbench: Installation, light_image: str, request: pytest.FixtureRequest) -> str:
    """One running notebook, for this test alone."""
    workbench.until_reached()
    notebook_id = create(workbench, light_image, request.node.name[:60])
    workbench.until_status(notebook_id, "Running", within_s=600)
    return notebook_id


def container(workbench: Installation, notebook_id: str) -> str:
    """The id of the notebook's one container; empty where it has none."""
    pods = [pod for pod in workbench.pods() if pod.id == notebook_id]
    assert len(pods) <= 1
    return pods[0].container if pods else ""


def reached(workbench: Installation, notebook_id: str) -> bool:
    """Whether a program gets through the gateway to the notebook."""
    token = workbench.dsw("GetToken", InstanceId=notebook_id)["Token"]
    address = f"{workbench.settings.endpoint}/notebook/{notebook_id}/api/kernels"
    return httpx.get(address, headers={"Authorization": f"token {token}"}, timeout=60).json() == []


def reason(workbench: Installation, notebook_id: str) -> tuple[str, str]:
    found = workbench.dsw("GetInstance", instance_id=notebook_id)
    return found["ReasonCode"], found["ReasonMessage"]


def is_there(engine: DockerClient, container_id: str) -> bool:
    return any(each["Id"] == container_id for each in engine.api.containers(all=True))


def test_fifty_containers_are_adopted_and_none_is_restarted(
    workbench: Installation, light_image: str
) -> None:
    made = [create(workbench, light_image, f"many{number}") for number in range(MANY)]
    for each in made:
        workbench.until_status(each, "Running", within_s=600)
    before = {pod.container: pod.started_at for pod in workbench.pods()}

    workbench.kill()
    workbench.start()

    until_they_agree(workbench)
    workbench.until_reached()
    assert list(statuses(workbench).values()) == ["Running"] * MANY
    assert {pod.container: pod.started_at for pod in workbench.pods()} == before
    assert all(reached(workbench, each) for each in made)
    for each in made:
        workbench.dsw("DeleteInstance", instance_id=each)
    workbench.until(lambda: not statuses(workbench), "all are gone", within_s=300)


def test_what_died_while_the_daemon_was_away_is_brought_back(
    workbench: Installation, engine: DockerClient, notebook: str
) -> None:
    before = container(workbench, notebook)
    workbench.kill()
    engine.containers.get(before).kill()

    workbench.start()

    workbench.until(lambda: container(workbench, notebook) not in ("", before), "another container")
    workbench.until_status(notebook, "Running")
    assert reached(workbench, notebook)


def test_what_was_removed_while_the_daemon_was_away_is_brought_back(
    workbench: Installation, engine: DockerClient, notebook: str
) -> None:
    workbench.kill()
    engine.containers.get(container(workbench, notebook)).remove(force=True)

    workbench.start()

    workbench.until(lambda: bool(container(workbench, notebook)), "another container")
    workbench.until_status(notebook, "Running")
    assert reached(workbench, notebook)


def test_a_container_of_ours_without_a_record_is_removed_and_those_of_others_are_not(
    workbench: Installation, engine: DockerClient, light_image: str, notebook: str
) -> None:
    labels = engine.containers.get(container(workbench, notebook)).labels
    workbench.kill()
    ours = labels | {"workbench.id": "dsw-0000000000000000"}
    elsewhere = labels | {"workbench.home": "of somebody else"}
    stray, strange = (
        engine.containers.create(light_image, "true", labels=each, network_mode="none")
        for each in (ours, elsewhere)
    )
    try:
        workbench.start()
        workbench.until(lambda: not is_there(engine, stray.id), "the stray container is gone")
        workbench.until_status(notebook, "Running")
        assert is_there(engine, strange.id)
    finally:
        strange.remove()


def test_a_container_that_somebody_renamed_is_still_the_notebooks(
    workbench: Installation, engine: DockerClient, notebook: str
) -> None:
    before = container(workbench, notebook)
    workbench.kill()
    engine.containers.get(before).rename(f"renamed-{before[:12]}")

    workbench.start()

    until_they_agree(workbench)
    assert container(workbench, notebook) == before
    workbench.dsw("StopInstance", instance_id=notebook)
    workbench.until_status(notebook, "Stopped")
    assert not container(workbench, notebook)


def test_a_notebook_that_is_killed_comes_back_three_times_and_then_fails_in_words(
    workbench: Installation, engine: DockerClient, notebook: str
) -> None:
    for _ in range(3):
        killed = container(workbench, notebook)
        engine.containers.get(killed).kill()
        workbench.until(
            lambda killed=killed: container(workbench, notebook) not in ("", killed), "another container"
        )
        workbench.until_status(notebook, "Running")

    engine.containers.get(container(workbench, notebook)).kill()

    workbench.until_status(notebook, "Failed")
    code, words = reason(workbench, notebook)
    assert code == "KeptBeingKilled"
    assert "4 times in a row" in words


def test_shutting_down_from_inside_jupyterlab_stops_the_notebook(
    workbench: Installation, notebook: str
) -> None:
    token = workbench.dsw("GetToken", InstanceId=notebook)["Token"]
    address = f"{workbench.settings.endpoint}/notebook/{notebook}/api/shutdown"

    httpx.post(address, headers={"Authorization": f"token {token}"}, timeout=60)

    workbench.until_status(notebook, "Stopped")
    assert reason(workbench, notebook) == ("ShutDown", "It was shut down from inside JupyterLab.")
    until_they_agree(workbench)


def test_exit_code_and_last_lines_are_told(workbench: Installation, light_image: str) -> None:
    notebook = workbench.create("ends", ImageUrl=light_image, EnvironmentVariables={"FAILS_WITH": "3"})

    workbench.until_status(notebook, "Failed")

    code, words = reason(workbench, notebook)
    assert code == "Exited"
    assert "exit code 3" in words
    assert "no licence found" in words


def test_an_image_without_jupyter_fails_in_words(workbench: Installation, engine: DockerClient) -> None:
    base = next(each for each in workbench.json("images", "list") if each["Name"] == "base")
    notebook = workbench.create("no-jupyter", ImageUrl=base["Reference"])

    workbench.until_status(notebook, "Failed")

    code, words = reason(workbench, notebook)
    assert code == "CommandNotFound"
    assert "install jupyterlab" in words
    until_they_agree(workbench)
