"""A Workbench on an emulated machine, with each of the two ways in which an engine gives GPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.light_image import ensure_light_image
from tests.emulated_gpu import cdi
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.engine import Engine, Toolkit
from tests.emulated_gpu.machine import Machine
from tests.installation import Installation
from workbench.client import Client
from workbench.client.connection import Credentials
from workbench.node.devices import visible_cards
from workbench.runtime import Pod
from workbench.runtime.images import Images, Present
from workbench.settings import load
from workbench.wire.operations import operation

LEGS = [
    pytest.param({"toolkit": Toolkit.HOOK}, id="hook"),
    pytest.param({"toolkit": Toolkit.CDI, "newer": True}, id="cdi"),
]
"""Options of an emulated machine: the installed engine with a hook, and a newer one with a CDI spec."""


class GpuMachine:
    """A machine, its engine, and the Workbench on it. `image` is for notebooks that start at once."""

    def __init__(self, emulated: EmulatedMachine, home: Path, **environment: str) -> None:
        assert emulated.engine
        self.emulated = emulated
        self.engine: Engine = emulated.engine
        self.machine: Machine = emulated.machine
        self.image = ""
        self.workbench = Installation(home, **{**emulated.environment, **environment})

    def start(self) -> None:
        """Give the engine the images, and start the daemon."""
        copy_built_images(self.emulated)
        self.workbench.start()
        settings = self.workbench.settings
        self.image = ensure_light_image(settings, (settings.home / "id").read_text().strip())

    def create(self, name: str, gpus: int = 1, **fields: Any) -> str:
        """A notebook; its id."""
        size = {"CPU": "0.5", "Memory": "0.5", "GPU": str(gpus)}
        created = self.workbench.dsw(
            "CreateInstance", InstanceName=name, ImageUrl=self.image, **{"RequestedResource": size, **fields}
        )
        return str(created["InstanceId"])

    def running(self, *names: str, **fields: Any) -> list[str]:
        """Notebooks that run, started one after another; their ids."""
        made = []
        for name in names:
            made.append(self.create(name, **fields))
            self.workbench.until_status(made[-1], "Running", within_s=300)
        return made

    def delete_all(self) -> None:
        """Leave no notebook and nothing wrong with any card."""
        for index in range(len(self.machine.uuids)):
            self.machine.recover(index)
            self.machine.set_base_memory(index, 0)
            self.workbench.run("gpu", "uncordon", str(index))
        for each in self.workbench.dsw("ListInstances", PageSize=100)["Instances"]:
            self.workbench.dsw("DeleteInstance", instance_id=each["InstanceId"])
        self.workbench.until(lambda: not self.workbench.pods(), "all notebooks are gone")
        self.workbench.until(lambda: not any(each["Holders"] for each in self.gpus()), "all GPUs are free")

    def change_cards(self, change: Callable[[], Any]) -> None:
        """Change which cards there are, as an owner does who drains them first."""
        self.workbench.run("pool", "drain", "--all-gpus")
        change()
        if self.engine.toolkit is Toolkit.CDI:
            cdi.write_spec(self.machine, self.engine.specs)
        self.workbench.run("pool", "resume", "--all-gpus")

    def gpus(self) -> list[dict[str, Any]]:
        """The cards, as `workbench node` has them."""
        found: list[dict[str, Any]] = self.workbench.json("node")["Gpus"]
        return found

    def measured(self) -> list[dict[str, Any]]:
        """The cards, as the latest metrics have them."""
        return list(self.workbench.client.call(operation("workbench", "GetLatestMetrics"))["Gpus"])

    def pod(self, notebook_id: str) -> Pod:
        """Its container."""
        [pod] = [each for each in self.workbench.pods() if each.id == notebook_id]
        return pod

    def seen_by(self, notebook_id: str) -> frozenset[int] | None:
        """The numbers of the cards that it sees."""
        return visible_cards(self.pod(notebook_id).pid)

    def parts_seen_by(self, notebook_id: str) -> list[str]:
        """The device files of MIG instances that it sees."""
        folder = Path(f"/proc/{self.pod(notebook_id).pid}/root/dev/nvidia-caps")
        return sorted(each.name for each in folder.iterdir()) if folder.exists() else []

    def run_in(self, notebook_id: str, script: str, **environment: str) -> None:
        """Something in it runs this and is not waited for."""
        client = docker.DockerClient(self.workbench.settings.docker_host)
        container = client.containers.get(self.pod(notebook_id).container)
        container.exec_run(["sh", "-c", script], environment=environment, detach=True)

    def notebook(self, notebook_id: str) -> dict[str, Any]:
        """It, as GetInstance has it."""
        return self.workbench.dsw("GetInstance", instance_id=notebook_id)

    def reason(self, notebook_id: str) -> str:
        """Why it is as it is."""
        return str(self.notebook(notebook_id)["ReasonMessage"])

    def is_marked(self, notebook_id: str) -> bool:
        """Whether it is said to hold a card that does not work."""
        return bool(self.notebook(notebook_id)["ReasonCode"] == "GPULost")

    def stranger(self) -> Client:
        """A user of the machine who is in no workspace."""
        call = self.workbench.client.call
        user = call(operation("workbench", "CreateUser"), Name="eve", UnixUid=54321, UnixGid=54321)
        token = call(operation("workbench", "CreateToken"), UserId=user["UserId"])["Token"]
        return Client(self.workbench.settings.endpoint, Credentials(token=token))

    def told_by(self, program: str, *arguments: str) -> str:
        """What a program that others wrote prints on this machine."""
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        environment = {**os.environ, **self.emulated.environment}
        return subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout

    def gpustat(self) -> list[dict[str, Any]]:
        """The cards, as gpustat has them."""
        found: list[dict[str, Any]] = json.loads(self.told_by("gpustat", "--json"))["gpus"]
        return found


def copy_built_images(emulated: EmulatedMachine) -> None:
    """What the machine's engine has need not be built again."""
    assert emulated.engine
    images = Images(load({}, {}), "0" * 32, lambda name: None)
    for each in images.list():
        if each.name in ("base", "gateway") and isinstance(each.status, Present):
            emulated.engine.load(each.reference)
