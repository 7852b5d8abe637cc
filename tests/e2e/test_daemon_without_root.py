"""A daemon of somebody who may use Docker and is not root: everybody's sessions run as that user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.installation import Installation
from workbench.client import Client
from workbench.client.connection import Credentials
from workbench.wire.operations import operation

pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root begins a daemon as somebody else"),
]

UID = 31_234
AS_SOMEBODY = """
import os, sys
from workbench.daemon.__main__ import main  # before: the interpreter may stand where only root reads
uid, docker = map(int, sys.argv[1:])
os.setgroups([docker]); os.setgid(uid); os.setuid(uid)
sys.argv[1:] = []
sys.exit(main())
"""


class OfAnybody(Installation):
    """Its daemon's user is in the group of Docker's socket, and that is all."""

    def launch(self) -> None:
        docker_gid = Path(self.settings.docker_host.removeprefix("unix://")).stat().st_gid
        with (self.settings.logs / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", AS_SOMEBODY, str(UID), str(docker_gid)],
                env={**self.environment, "USER": "anybody", "LOGNAME": "anybody"},
                cwd="/",
                stdout=log,
                stderr=log,
            )


@pytest.fixture(scope="module")
def workbench() -> Iterator[Installation]:
    home = Path(tempfile.mkdtemp(prefix="wb-"))
    (home / "logs").mkdir()
    for path in (home, home / "logs"):
        os.chown(path, UID, UID)
    installation = OfAnybody(home)
    try:
        installation.start()
        yield installation
    finally:
        installation.remove()
        shutil.rmtree(home, ignore_errors=True)


def test_another_user_than_its_own_runs_a_notebook_too(workbench: Installation, light_image: str) -> None:
    workbench.run("user", "add", "ada")
    key = workbench.json("accesskey", "create", "--user", "ada")
    ada = Client(workbench.settings.socket, Credentials(key["access_key_id"], key["access_key_secret"]))
    size = {"CPU": "0.1", "Memory": "0.125"}
    create = operation("dsw", "CreateInstance")
    id = str(
        ada.call(create, InstanceName="hers", RequestedResource=size, ImageUrl=light_image)["InstanceId"]
    )

    workbench.until_status(id, "Running", "Failed", within_s=300)

    assert workbench.dsw("GetInstance", instance_id=id)["ReasonMessage"] == ""
    (pod,) = workbench.pods()
    engine = docker.APIClient(workbench.settings.docker_host, version="auto")
    assert engine.inspect_container(pod.container)["Config"]["User"] == f"{UID}:{UID}"
    assert (workbench.settings.home / "workspaces/1/users/ada").stat().st_uid == UID
    workbench.run("notebook", "shell", id, "--", "sh", "-c", "cat /run/workbench/token > ~/token")
