"""A Workbench of its own for a test: a real daemon on the real engine, and nothing left of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker

from tests.ports import free_port
from workbench.client import Client
from workbench.runtime import NetworkInUse, Pod, Runtime
from workbench.settings import Settings, load
from workbench.wire.operations import operation

_PATIENCE_S = 300
"""A machine may be busy with other things."""


class Installation:
    """One home with its daemon.

    The daemon is a process like a user's, so it can be killed like a user's.
    """

    def __init__(self, home: Path, **environment: str) -> None:
        self.environment = {
            **os.environ,
            "WORKBENCH_HOME": str(home),
            "WORKBENCH_PORT": str(free_port()),
            "WORKBENCH_STOP_GRACE_S": "3",
            **environment,
        }
        self.settings: Settings = load(environ=self.environment)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Client:
        """The owner, on the local socket."""
        return Client(self.settings.socket)

    @property
    def runtime(self) -> Runtime:
        """The home's containers, seen past the daemon."""
        return Runtime(self.settings.docker_host, (self.settings.home / "id").read_text().strip())

    def start(self) -> None:
        """Start the daemon and wait until its API answers."""
        self.launch()
        self.until(self._answers, "the API answers")

    def launch(self) -> None:
        """Start the daemon and wait for nothing."""
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        with (self.settings.logs / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workbench.daemon"], env=self.environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The `workbench` command."""
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli", *arguments],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def dsw(self, action: str, **fields: Any) -> dict[str, Any]:
        """One of PAI's DSW operations, as the owner."""
        return dict(self.client.call(operation("dsw", action), **fields))

    def create(self, name: str, **fields: Any) -> str:
        """A small notebook; its id."""
        size = {"CPU": "0.5", "Memory": "1"}
        return str(
            self.dsw("CreateInstance", InstanceName=name, RequestedResource=size, **fields)["InstanceId"]
        )

    def status(self, notebook_id: str) -> str:
        """A notebook's status; empty once it is gone."""
        found = self.dsw("ListInstances", InstanceId=notebook_id)["Instances"]
        return str(found[0]["Status"]) if found else ""

    def until_status(self, notebook_id: str, *wanted: str, within_s: float = _PATIENCE_S) -> None:
        """Wait for a status; an empty one is that it is gone."""
        self.until(
            lambda: self.status(notebook_id) in wanted, f"{notebook_id} is {wanted}", within_s=within_s
        )

    def until_reached(self) -> None:
        """Wait until the gateway answers; a fresh machine builds its image first."""
        status = operation("workbench", "GetStatus")
        self.until(
            lambda: bool(self.client.call(status)["Gateway"]["Answers"]), "the gateway answers", within_s=600
        )

    def pods(self) -> list[Pod]:
        """The notebooks' containers."""
        return self.runtime.list_pods("notebook")

    def until(self, condition: Callable[[], bool], what: str, *, within_s: float = _PATIENCE_S) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{what}: not within {within_s} s. The daemon's log ends with:\n{self._log()}"
                )
            time.sleep(0.1)

    def remove(self) -> None:
        """End the daemon and remove all that it made, but not the images: the next test wants them."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        if (self.settings.home / "id").exists():
            try:
                self.until(self._remove_containers, "containers and networks are gone", within_s=120)
            except AssertionError:
                if not self._engine_miscounts():
                    raise
        for pin in sorted((self.settings.run / "pods").glob("*/*")):
            subprocess.run(["umount", "--lazy", pin], check=False, capture_output=True)
        shutil.rmtree(self.settings.home, ignore_errors=True)

    def _log(self) -> str:
        """The end of the daemon's log, without the requests that only looked."""
        lines = (self.settings.logs / "daemon.log").read_text().splitlines()
        return "\n".join([line for line in lines if "answered verb=GET" not in line][-60:])

    def _remove_containers(self) -> bool:
        """Remove what the engine has; False where it is still busy with what a killed daemon asked for."""
        runtime = self.runtime
        for pod in runtime.list_pods():
            runtime.remove_pod(pod)
        for network in runtime.list_networks():
            try:
                runtime.remove_network(network.name)
            except NetworkInUse:
                return False
        return True

    def _engine_miscounts(self) -> bool:
        """Whether all that is left are networks to which nothing is connected, and which the engine keeps.

        Docker 20.10 counts a container that is gone now and then, where a start that a killed daemon had
        asked for meets its removal. Its restart helps; `workbench down --purge` leaves such a network too.
        """
        client = docker.DockerClient(self.settings.docker_host)
        left = [client.networks.get(network.network) for network in self.runtime.list_networks()]
        return not self.runtime.list_pods() and not any(each.attrs["Containers"] for each in left)

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self._log()
        return self.run("status", check=False).returncode == 0
