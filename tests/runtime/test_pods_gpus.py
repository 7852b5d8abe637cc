"""Pods with GPUs on each kind of engine, and an engine that is restarted under its pods."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest

from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.engine import Engine as PrivateEngine
from tests.emulated_gpu.engine import Toolkit
from tests.emulated_gpu.fixtures import StartMachine, starting_machines
from workbench.errors import EngineAway
from workbench.runtime import PodPlan, PodState, Runtime, StartRefused

pytestmark = pytest.mark.docker

Plans = Callable[..., PodPlan]


@pytest.fixture(scope="module")
def start_machine() -> Iterator[StartMachine]:
    """Starts machines that end with this file."""
    with starting_machines() as start:
        yield start


def runtime_of(emulated: EmulatedMachine, image: str) -> tuple[Runtime, PrivateEngine]:
    assert emulated.engine is not None
    emulated.engine.load(image)
    return Runtime(emulated.engine.host, uuid.uuid4().hex), emulated.engine


@pytest.fixture(
    scope="module",
    params=[{"toolkit": Toolkit.HOOK}, {"toolkit": Toolkit.CDI, "newer": True}],
    ids=["hook", "cdi"],
)
def with_gpus(request: pytest.FixtureRequest, start_machine: StartMachine) -> EmulatedMachine:
    """A machine with two GPUs that its engine can give."""
    options: dict[str, Any] = request.param
    return start_machine(2, **options)


def test_a_pod_sees_its_own_gpu_alone(with_gpus: EmulatedMachine, a_plan: Plans, tiny_image: str) -> None:
    runtime, _ = runtime_of(with_gpus, tiny_image)
    second = with_gpus.machine.uuids[1]

    pod = runtime.start_pod(a_plan("ls /dev", gpus=(second,)))

    devices = [line.text for line in runtime.logs(pod, follow=True) if line.text.startswith("nvidia")]
    assert devices == ["nvidia1"]
    runtime.remove_pod(pod)


def test_a_pod_without_gpus_sees_none(with_gpus: EmulatedMachine, a_plan: Plans, tiny_image: str) -> None:
    runtime, _ = runtime_of(with_gpus, tiny_image)

    pod = runtime.start_pod(a_plan("ls /dev"))

    assert not [line.text for line in runtime.logs(pod, follow=True) if line.text.startswith("nvidia")]
    runtime.remove_pod(pod)


def test_a_gpu_that_does_not_exist_is_refused(
    with_gpus: EmulatedMachine, a_plan: Plans, tiny_image: str
) -> None:
    runtime, _ = runtime_of(with_gpus, tiny_image)

    with pytest.raises(StartRefused, match="GPU-none"):
        runtime.start_pod(a_plan(gpus=("GPU-none",)))

    assert runtime.list_pods() == []


def test_an_engine_without_the_toolkit_says_what_to_install(
    start_machine: StartMachine, a_plan: Plans, tiny_image: str
) -> None:
    emulated = start_machine(1, toolkit=Toolkit.NONE)
    runtime, _ = runtime_of(emulated, tiny_image)

    with pytest.raises(StartRefused, match="install nvidia-container-toolkit"):
        runtime.start_pod(a_plan(gpus=(emulated.machine.uuids[0],)))

    assert runtime.list_pods() == []


@pytest.mark.parametrize("live_restore", [False, True], ids=["pods end", "live restore"])
def test_a_restarted_engine_is_waited_for_and_pods_are_what_they_are_afterwards(
    start_machine: StartMachine, a_plan: Plans, tiny_image: str, live_restore: bool
) -> None:
    runtime, engine = runtime_of(
        start_machine(1, toolkit=Toolkit.NONE, live_restore=live_restore), tiny_image
    )
    connections: Queue[int] = Queue()
    watch = runtime.watch(lambda *event: None, lambda: connections.put(1))
    connections.get(timeout=60)
    runtime.start_pod(a_plan())

    engine.stop()
    with pytest.raises(EngineAway):
        runtime.list_pods()
    engine.start()

    connections.get(timeout=60)
    [pod] = runtime.list_pods()
    assert pod.state is (PodState.RUNNING if live_restore else PodState.ENDED)
    watch.stop()
    runtime.remove_pod(pod)
