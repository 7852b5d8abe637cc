"""A private engine leaves the machine as it was, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from tests.emulated_gpu.emulation import EmulatedMachine, programs_folder
from tests.emulated_gpu.engine import Toolkit
from tests.emulated_gpu.fixtures import StartMachine
from tests.tiny_image import ensure_tiny_image

pytestmark = pytest.mark.docker

SCRIPT = Path(__file__).parents[2] / "scripts" / "emulate-gpus"
OPEN_BOTH = "(: </dev/nvidia0) 2>&1; (: </other) 2>&1; true"


def traces(folder: Path) -> list[str]:
    """What is left of an engine outside its own files: mounts, and processes."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    commands = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return mounts + [command.decode() for command in commands if str(folder).encode() in command]


def interfaces() -> set[str]:
    """The machine's network interfaces."""
    return {path.name for path in Path("/sys/class/net").iterdir()}


def run(emulated: EmulatedMachine, *command: str, gpus: list[str], **more: Any) -> Any:
    """A container on the private engine."""
    assert emulated.engine
    request = docker.types.DeviceRequest(device_ids=gpus, capabilities=[["gpu"]])
    client = docker.DockerClient(emulated.engine.host, version="auto")
    return client.containers.run(
        ensure_tiny_image(), list(command), device_requests=[request], detach=True, **more
    )


def test_an_engine_without_toolkit_names_what_it_lacks(emulated_machine: StartMachine) -> None:
    emulated = emulated_machine(1, toolkit=Toolkit.NONE)
    assert emulated.engine
    emulated.engine.load(ensure_tiny_image())
    with pytest.raises(APIError, match="could not select device driver"):
        run(emulated, "true", gpus=emulated.machine.uuids)


@pytest.mark.parametrize("live_restore", [True, False], ids=["live-restore", "no-live-restore"])
def test_containers_outlive_a_killed_engine_only_if_told_to(
    emulated_machine: StartMachine, live_restore: bool
) -> None:
    emulated = emulated_machine(1, toolkit=Toolkit.HOOK, live_restore=live_restore)
    assert emulated.engine
    emulated.engine.load(ensure_tiny_image())
    container = run(emulated, "sleep", "600", gpus=emulated.machine.uuids)
    emulated.engine.kill()
    emulated.engine.start()

    container.reload()
    assert container.attrs["State"]["Running"] is live_restore


def test_nothing_is_left_and_the_other_engine_is_untouched(emulated_machine: StartMachine) -> None:
    emulated = emulated_machine(1, toolkit=Toolkit.HOOK)
    engine = emulated.engine
    assert engine and engine.bridge
    bridge = engine.bridge.name
    engine.load(ensure_tiny_image())
    network = docker.APIClient(engine.host).create_network("lonely")["Id"]
    run(emulated, "sleep", "600", gpus=emulated.machine.uuids, network="lonely")
    assert {bridge, f"br-{network[:12]}", "docker0"} <= interfaces()
    engine.kill()
    assert traces(engine.folder)

    engine.clean()
    assert traces(engine.folder) == []
    assert "docker0" in interfaces()
    assert not {bridge, f"br-{network[:12]}"} & interfaces()
    assert docker.from_env().ping()


def test_a_container_cannot_open_a_gpu_that_is_not_its_own(
    emulated_machine: StartMachine, tmp_path: Path
) -> None:
    if not Path("/sys/fs/cgroup/devices").is_dir():
        pytest.skip("on cgroup v2 only the runtime can allow devices, not our hook")
    emulated = emulated_machine(2, toolkit=Toolkit.HOOK, own_device_numbers=True)
    assert emulated.engine
    emulated.engine.load(ensure_tiny_image())
    other = tmp_path / "other"
    os.mknod(other, 0o666 | 0o020000, os.makedev(195, 1))
    mount = docker.types.Mount("/other", str(other), type="bind")
    container = run(emulated, "sh", "-c", OPEN_BOTH, gpus=emulated.machine.uuids[:1], mounts=[mount])

    container.wait()
    own, foreign = container.logs().decode().splitlines()
    assert "No such device or address" in own  # it may, but there is no driver
    assert "Operation not permitted" in foreign


def script(*arguments: str, name: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/emulate-gpus to its end."""
    command = [sys.executable, str(SCRIPT), "--name", name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def name() -> Iterator[str]:
    """Of a machine that nobody else runs; its data does not stay."""
    name = f"test-{os.getpid()}"
    yield name
    shutil.rmtree(programs_folder().with_name("machines") / name, ignore_errors=True)


def test_the_script_runs_a_command_on_the_machine_and_ends_as_it_does(name: str) -> None:
    inside = f"{SCRIPT} --name {name} --temperature 1 85; {sys.executable} -m gpustat; docker info; exit 7"
    ended = script("2", "--", "sh", "-c", inside, name=name)

    assert ended.returncode == 7
    assert "85°C" in ended.stdout
    assert f"machines/{name}/engine/data" in ended.stdout


def test_the_script_says_what_is_wrong(name: str) -> None:
    assert "No emulated machine" in script("--lose", "1", name=name).stderr
    assert "no name for a machine" in script("--lose", "1", name="Ä/..").stderr
    assert script("3", name=name).returncode == 2
    assert "0 to 64" in script("65", "--", "true", name=name).stderr
    assert "'four': 0 to 64" in script("four", "--", "true", name=name).stderr
    assert "no program 'nosuch'" in script("1", "--", "nosuch", name=name).stderr
    assert "a machine that runs" in script("1", "--lose", "0", "--", "true", name=name).stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("--lose 1", "There is no GPU 1: 1 exist, counted from 0."),
        ("--xid one 79", "numbers are wanted"),
        ("--xid 0", "expected 2 arguments"),
        ("--hang 0 -1", "No call takes -1 seconds."),
        ("--utilisation 0 200", "200 percent"),
        ("--divide 0 4 4", "A GPU has 7 slices"),
        ("--slowdown 0 cold", "one of nothing, heat, power, hardware"),
        ("1 -- true", "runs already. Give another one: --name NAME."),
    ],
)
def test_the_script_says_what_is_wrong_with_a_change(change: str, said: str, name: str) -> None:
    ended = script("1", "--", "sh", "-c", f"{SCRIPT} --name {name} {change}", name=name)

    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (1, 2)


def test_an_error_that_the_script_reports_is_heard_on_the_machine(name: str) -> None:
    program = f"""if True:
        import pynvml, subprocess
        pynvml.nvmlInit()
        events = pynvml.nvmlEventSetCreate()
        card = pynvml.nvmlDeviceGetHandleByIndex(1)
        pynvml.nvmlDeviceRegisterEvents(card, pynvml.nvmlEventTypeXidCriticalError, events)
        subprocess.run(["{SCRIPT}", "--name", "{name}", "--xid", "1", "79"], check=True)
        print("heard", pynvml.nvmlEventSetWait_v2(events, 30_000).eventData)
    """

    assert "heard 79" in script("2", "--", sys.executable, "-c", program, name=name).stdout


def test_what_a_killed_script_left_is_gone_when_the_next_machine_starts(
    name: str, emulated_machine: StartMachine
) -> None:
    command = [sys.executable, str(SCRIPT), "--name", name, "1", "--print-env", "--", "sleep", "600"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout
    environment = dict(
        line.removeprefix("export ").strip().split("=", 1)
        for line in [next(running.stdout) for _ in range(3)]
    )
    folder = Path(environment["DOCKER_HOST"].removeprefix("unix://")).parent
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert traces(folder)

    emulated_machine(1)
    assert traces(folder) == []
