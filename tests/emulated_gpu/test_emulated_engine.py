"""Real containers get emulated GPUs, both ways that an engine can give them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from tests.emulated_gpu import cdi
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.engine import Engine, Toolkit
from tests.emulated_gpu.fixtures import starting_machines
from tests.tiny_image import ensure_tiny_image

pytestmark = pytest.mark.docker

LIST_GPUS = """
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW), *device;
    unsigned count = 0;
    char uuid[96];
    int (*init)(void) = dlsym(nvml, "nvmlInit_v2");
    int (*get_count)(unsigned *) = dlsym(nvml, "nvmlDeviceGetCount_v2");
    int (*get_handle)(unsigned, void **) = dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2");
    int (*get_uuid)(void *, char *, unsigned) = dlsym(nvml, "nvmlDeviceGetUUID");
    if (init() || get_count(&count)) return 1;
    for (unsigned i = 0; i < count; i++)
        if (!get_handle(i, &device) && !get_uuid(device, uuid, sizeof uuid)) puts(uuid);
    return 0;
}
"""


@pytest.fixture(scope="module", params=[Toolkit.HOOK, Toolkit.CDI], ids=["hook", "cdi"])
def emulated(request: pytest.FixtureRequest) -> Iterator[EmulatedMachine]:
    """Three GPUs, the last one divided, with an engine that has the tiny image."""
    with starting_machines() as start:
        emulated = start(3, toolkit=request.param, newer=request.param is Toolkit.CDI)
        emulated.machine.divide(2, 3, 2)
        prepare(emulated)
        yield emulated


def prepare(emulated: EmulatedMachine) -> None:
    """Give the engine the tiny image, and tell it of the GPUs as they are now."""
    assert emulated.engine
    emulated.engine.load(ensure_tiny_image())
    if emulated.engine.toolkit is Toolkit.CDI:
        cdi.write_spec(emulated.machine, emulated.engine.specs)


@pytest.fixture
def start(emulated: EmulatedMachine) -> Iterator[Callable[..., Any]]:
    """Start containers that end with the test."""
    assert emulated.engine
    started: list[Any] = []

    def start(*devices: str, shell: str = "exec sleep 600", **more: Any) -> Any:
        assert emulated.engine
        started.append(start_container(emulated.engine, *devices, shell=shell, **more))
        return started[-1]

    yield start
    for container in started:
        container.remove(force=True)


def start_container(engine: Engine, *devices: str, shell: str, **more: Any) -> Any:
    """A container with these GPUs, asked for in the way that the engine gives them."""
    if engine.toolkit is Toolkit.CDI:
        request = docker.types.DeviceRequest(
            driver="cdi", device_ids=[f"{cdi.KIND}={each}" for each in devices]
        )
    else:
        request = docker.types.DeviceRequest(device_ids=list(devices), capabilities=[["gpu"]])
    client = docker.DockerClient(engine.host, version="auto")
    container = client.containers.create(
        ensure_tiny_image(), ["sh", "-c", shell], device_requests=[request] if devices else [], **more
    )
    try:
        container.start()
    except APIError:
        container.remove()
        raise
    return container


def output(container: Any) -> list[str]:
    """What it printed until its end."""
    container.wait()
    lines: list[str] = container.logs().decode().splitlines()
    return lines


def until_opened(container: Any, device: str) -> None:
    """Wait until the container's process holds a device file open."""
    container.reload()
    opened = Path(f"/proc/{container.attrs['State']['Pid']}/fd/0")
    while opened.readlink().name != device:
        time.sleep(0.01)


def users_of(emulated: EmulatedMachine) -> dict[int, list[tuple[int, int]]]:
    """By GPU: pid and MiB of its processes, as gpustat tells them."""
    environment = {**os.environ, **emulated.environment}
    told = subprocess.run(
        [sys.executable, "-m", "gpustat", "--json"], env=environment, check=True, capture_output=True
    ).stdout
    return {
        gpu["index"]: [(process["pid"], process["gpu_memory_usage"]) for process in gpu["processes"]]
        for gpu in json.loads(told)["gpus"]
    }


def test_a_container_gets_just_the_gpu_it_asked_for(
    emulated: EmulatedMachine, start: Callable[..., Any]
) -> None:
    first, second, _ = emulated.machine.uuids

    assert output(start(first, shell="ls /dev/nvidia*")) == ["/dev/nvidia0"]
    assert output(start(first, second, shell="ls /dev/nvidia*")) == ["/dev/nvidia0", "/dev/nvidia1"]
    assert output(start(shell="ls /dev/nvidia* 2>/dev/null")) == []


def test_the_library_in_a_container_knows_only_its_gpus(
    emulated: EmulatedMachine, start: Callable[..., Any], tmp_path: Path
) -> None:
    program = tmp_path / "list-gpus"
    subprocess.run(["gcc", "-xc", "-", "-o", str(program), "-ldl"], input=LIST_GPUS, text=True, check=True)
    mount = docker.types.Mount("/list-gpus", str(program), type="bind", read_only=True)

    second = emulated.machine.uuids[1]
    assert output(start(second, shell="/list-gpus", mounts=[mount])) == [second]


def test_a_gpu_that_is_not_there_or_lost_is_refused(
    emulated: EmulatedMachine, start: Callable[..., Any]
) -> None:
    with pytest.raises(APIError, match="GPU-of-nobody"):
        start("GPU-of-nobody")

    lost = emulated.machine.uuids[1]
    emulated.machine.lose(1)
    prepare(emulated)
    with pytest.raises(APIError, match=lost):
        start(lost)
    emulated.machine.recover(1)
    prepare(emulated)


def test_what_runs_in_a_container_uses_its_gpu_until_it_is_gone(
    emulated: EmulatedMachine, start: Callable[..., Any]
) -> None:
    working = "exec sleep 600 </dev/nvidia1"
    container = start(emulated.machine.uuids[1], shell=working, environment={"FAKE_GPU_MEMORY_MB": "2048"})
    until_opened(container, "nvidia1")

    assert users_of(emulated)[1] == [(container.attrs["State"]["Pid"], 2048)]
    container.kill()
    container.wait()
    assert users_of(emulated)[1] == []


def test_an_instance_of_a_divided_gpu_is_given_by_uuid(
    emulated: EmulatedMachine, start: Callable[..., Any]
) -> None:
    instance = emulated.machine.gpu(2)["mig"]["devices"][1]
    own = f"nvidia-cap{instance['cap']}"
    shell = f"ls /dev/nvidia? && ls /dev/nvidia-caps && exec sleep 600 </dev/nvidia-caps/{own}"
    container = start(instance["uuid"], shell=shell, environment={"FAKE_GPU_MEMORY_MB": "1024"})
    printed = container.logs(stream=True)

    seen = b""
    while seen.count(b"\n") < 2:
        seen += next(printed)
    assert seen.decode().split() == ["/dev/nvidia2", own]
    until_opened(container, own)
    assert users_of(emulated)[2] == [(container.attrs["State"]["Pid"], 1024)]


def test_the_engine_says_what_it_gave(emulated: EmulatedMachine, start: Callable[..., Any]) -> None:
    assert emulated.engine
    first = emulated.machine.uuids[0]
    container = start(first)
    if emulated.engine.toolkit is Toolkit.HOOK:
        given = {"container": container.id, "asked": [first], "given": ["/dev/nvidia0"]}
        assert emulated.engine.grants[-1] == given
    else:
        info = docker.APIClient(emulated.engine.host, version="auto").info()
        assert f"{cdi.KIND}={first}" in {device["ID"] for device in info["DiscoveredDevices"]}
