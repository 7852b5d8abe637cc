"""A home of its own on the real engine for each test, and nothing left of it afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker import APIClient

from tests.misbehaving_engine.proxy import MisbehavingEngine
from tests.tiny_image import ensure_tiny_image
from workbench.runtime import Pod, PodPlan, Runtime

DOCKER = "unix:///var/run/docker.sock"


@pytest.fixture(scope="session")
def tiny_image() -> str:
    """The name of an image with a shell."""
    return ensure_tiny_image()


@pytest.fixture(scope="session")
def engine() -> APIClient:
    """The real engine, to look behind our back."""
    return docker.APIClient(DOCKER, version="auto")


@pytest.fixture
def home_id() -> str:
    """A home that nobody else has."""
    return uuid.uuid4().hex


@pytest.fixture
def runtime(home_id: str) -> Iterator[Runtime]:
    """A runtime whose pods and networks are removed afterwards."""
    runtime = Runtime(DOCKER, home_id)
    yield runtime
    for pod in runtime.list_pods():
        runtime.remove_pod(pod)
    for network in runtime.list_networks():
        runtime.remove_network(network.name)


@pytest.fixture
def sick(tmp_path: Path) -> Iterator[MisbehavingEngine]:
    """An engine that can be made to fail."""
    with MisbehavingEngine(tmp_path) as engine:
        yield engine


@pytest.fixture
def unlucky(sick: MisbehavingEngine, home_id: str, runtime: Runtime) -> Runtime:
    """The same home, spoken to through the engine that can be made to fail."""
    return Runtime(sick.docker_host, home_id)


@pytest.fixture
def a_plan(tiny_image: str) -> Callable[..., PodPlan]:
    """A plan of a pod that sleeps, or of what the test says."""

    def plan(shell: str = "exec sleep 600", **changes: Any) -> PodPlan:
        good: dict[str, Any] = {
            "kind": "notebook",
            "id": "dsw-1",
            "generation": 1,
            "image": tiny_image,
            "command": ("sh", "-c", shell),
            "user": "1000:1000",
        }
        return PodPlan(**{**good, **changes})

    return plan


@pytest.fixture
def until_ended(engine: APIClient, runtime: Runtime) -> Callable[[Pod], Pod]:
    """Wait for a pod's own end and look at it then."""

    def wait(pod: Pod) -> Pod:
        engine.wait(pod.container)
        ended = runtime.find_pod(pod.kind, pod.id, pod.pod)
        assert ended is not None
        return ended

    return wait
