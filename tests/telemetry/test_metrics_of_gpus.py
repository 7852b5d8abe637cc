"""A notebook that uses a GPU, from the device file up to the metrics, on an emulated machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.gpu_machine import copy_built_images
from tests.e2e.light_image import ensure_light_image
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.engine import Toolkit
from tests.emulated_gpu.fixtures import starting_machines
from tests.emulated_gpu.machine import GIB
from tests.installation import Installation
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation

pytestmark = pytest.mark.docker

LATEST = operation("workbench", "GetLatestMetrics")


@pytest.fixture(scope="module")
def emulated() -> Iterator[EmulatedMachine]:
    with starting_machines() as start:
        yield start(2, toolkit=Toolkit.HOOK)


@pytest.fixture(scope="module")
def workbench(emulated: EmulatedMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    copy_built_images(emulated)
    home = Path(tmp_path_factory.mktemp("home"))
    installation = Installation(home, WORKBENCH_SAMPLE_S="1", **emulated.environment)
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()


@pytest.fixture(scope="module")
def notebook(workbench: Installation) -> str:
    """A notebook that holds the first of two GPUs."""
    image = ensure_light_image(workbench.settings, (workbench.settings.home / "id").read_text().strip())
    size = {"CPU": "0.5", "Memory": "0.5", "GPU": "1"}
    created = workbench.dsw("CreateInstance", InstanceName="train", ImageUrl=image, RequestedResource=size)
    workbench.until_status(created["InstanceId"], "Running")
    return str(created["InstanceId"])


def latest(workbench: Installation) -> dict[str, Any]:
    answer = workbench.client.call(LATEST)
    assert undeclared(LATEST, answer) == []
    return dict(answer)


def use_gpu(workbench: Installation, notebook_id: str, memory_mib: int) -> None:
    """Something in the notebook opens its GPU and keeps it open."""
    engine = docker.DockerClient(workbench.settings.docker_host)
    (pod,) = [each for each in workbench.pods() if each.id == notebook_id]
    engine.containers.get(pod.container).exec_run(
        ["sh", "-c", "exec 3</dev/nvidia0; exec sleep 600"],
        environment={"FAKE_GPU_MEMORY_MB": str(memory_mib)},
        detach=True,
    )


def test_a_process_in_a_container_shows_with_its_memory_under_its_user(
    workbench: Installation, emulated: EmulatedMachine, notebook: str
) -> None:
    emulated.machine.set_utilisation(0, 65)
    use_gpu(workbench, notebook, 2048)

    def seen() -> bool:
        return any(each.get("GpuMemoryBytes") for each in latest(workbench)["Pods"])

    workbench.until(seen, "the process is seen on the GPU")
    answer = latest(workbench)
    used, idle = answer["Gpus"]
    (pod,) = [each for each in answer["Pods"] if each["Id"] == notebook]
    assert (pod["GpuUtilisation"], pod["GpuMemoryBytes"]) == (0.65, 2 * GIB)
    assert (used["MemoryUsedBytes"], used["Holders"][0]["Name"]) == (2 * GIB, "train")
    assert used["Processes"][0]["User"]["UserName"] == pod["UserName"]
    assert (idle["Holders"], idle["Processes"], idle["Idle"]) == ([], [], False)


def test_a_card_that_is_cordoned_says_so_at_once(workbench: Installation, notebook: str) -> None:
    workbench.client.call(operation("workbench", "CordonGpu"), gpu="0", Reason="a fan is loud")
    assert latest(workbench)["Gpus"][0]["Cordoned"].endswith(": a fan is loud.")

    workbench.client.call(operation("workbench", "UncordonGpu"), gpu="0")
    assert [each["Cordoned"] for each in latest(workbench)["Gpus"]] == ["", ""]


def test_a_gpu_that_is_lost_says_so_while_the_other_goes_on(
    workbench: Installation, emulated: EmulatedMachine
) -> None:
    emulated.machine.lose(1)
    workbench.until(lambda: bool(latest(workbench)["Gpus"][1]["Stale"]), "the loss is noticed")

    sound, lost = latest(workbench)["Gpus"]

    assert "lost" in lost["Stale"].lower()
    assert sound["Stale"] == ""


def test_the_memory_is_gone_with_the_notebook(workbench: Installation, notebook: str) -> None:
    workbench.dsw("StopInstance", instance_id=notebook)
    workbench.until_status(notebook, "Stopped")

    def freed() -> bool:
        first = latest(workbench)["Gpus"][0]
        return bool(first["MemoryUsedBytes"] == 0 and not first["Holders"])

    workbench.until(freed, "the GPU is free again")
