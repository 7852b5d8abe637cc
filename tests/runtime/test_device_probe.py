"""A pod that is shut out of a device that it was given, on a real engine."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.misbehaving_engine.proxy import MisbehavingEngine
from tests.runtime.conftest import DOCKER
from workbench.runtime import Pod, PodPlan, Runtime
from workbench.runtime.device_probe import DeviceProbe

pytestmark = pytest.mark.docker

Plans = Callable[..., PodPlan]

GPU, OTHER_GPU = "/dev/nvidia0", "/dev/nvidia1"


def put(pod: Pod, device: str, major: int, minor: int, mode: int = 0o666) -> None:
    """A device file in a running pod, of which its group's rules know nothing."""
    path = Path(f"/proc/{pod.pid}/root{device}")
    path.unlink(missing_ok=True)
    os.mknod(path, stat.S_IFCHR, os.makedev(major, minor))
    path.chmod(mode)


@pytest.fixture
def pod(runtime: Runtime, a_plan: Plans) -> Pod:
    """One that has two cards, to which null devices stand in."""
    pod = runtime.start_pod(a_plan())
    for device in (GPU, OTHER_GPU):
        put(pod, device, 1, 3)
    return pod


def test_a_pod_that_its_rules_forbid_a_card_is_refused_that_card_alone(pod: Pod) -> None:
    probe = DeviceProbe(DOCKER, every_s=0)
    assert probe.refused(pod, [GPU, OTHER_GPU]) == frozenset()

    put(pod, OTHER_GPU, 195, 1)
    assert probe.refused(pod, [GPU, OTHER_GPU]) == {OTHER_GPU}

    put(pod, OTHER_GPU, 1, 3)
    assert probe.refused(pod, [GPU, OTHER_GPU]) == frozenset()


def test_a_card_that_is_not_there_or_not_for_this_user_is_no_matter_of_the_rules(pod: Pod) -> None:
    put(pod, GPU, 1, 3, mode=0o600)

    assert DeviceProbe(DOCKER).refused(pod, [GPU, "/dev/nvidia7"]) == frozenset()


def test_what_was_known_stands_where_nobody_can_tell(
    pod: Pod, sick: MisbehavingEngine, runtime: Runtime
) -> None:
    put(pod, GPU, 195, 0)
    probe = DeviceProbe(sick.docker_host, every_s=0)
    assert probe.refused(pod, [GPU]) == {GPU}

    put(pod, GPU, 1, 3)
    sick.lose_request("POST", f"/containers/{pod.container}/exec")
    assert probe.refused(pod, [GPU]) == {GPU}
    assert probe.refused(pod, [GPU]) == frozenset()

    put(pod, GPU, 195, 0)
    assert probe.refused(pod, [GPU]) == {GPU}
    runtime.remove_pod(pod)
    assert probe.refused(pod, [GPU]) == {GPU}


def test_an_image_without_a_shell_tells_nothing(pod: Pod) -> None:
    put(pod, GPU, 195, 0)
    Path(f"/proc/{pod.pid}/root/bin/sh").rename(f"/proc/{pod.pid}/root/bin/no-sh")

    assert DeviceProbe(DOCKER).refused(pod, [GPU]) == frozenset()


def test_a_pod_is_asked_but_once_in_a_while(pod: Pod) -> None:
    probe = DeviceProbe(DOCKER)
    probe.refused(pod, [GPU])
    put(pod, GPU, 195, 0)

    assert probe.refused(pod, [GPU]) == frozenset()
