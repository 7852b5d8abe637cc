"""Somebody who is in one workspace and wants the files of another: by the mounts that they ask for,
by a link that they leave in a directory of theirs, and from inside their container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import pytest

from tests.installation import Installation
from workbench.client import Client, ClientError
from workbench.client.connection import Credentials
from workbench.wire.operations import operation

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

CREATE = operation("dsw", "CreateInstance")


class Member:
    """A user of the machine with a key, and the only developer of a workspace of their own."""

    def __init__(self, workbench: Installation, name: str) -> None:
        workbench.json("user", "add", name)
        key = workbench.json("accesskey", "create", "--user", name)
        credentials = Credentials(key["access_key_id"], key["access_key_secret"])
        self.client = Client(workbench.settings.socket, credentials)
        made = self.client.call(
            operation("aiworkspace", "CreateWorkspace"),
            WorkspaceName=f"of_{name}",
            Description="theirs",
            EnvTypes=["prod"],
        )
        self.workspace = str(made["WorkspaceId"])
        self.notebook = ""
        self.home = workbench.settings.home / "workspaces" / self.workspace / "users" / name

    def launch(self, name: str, image: str, *uris: str) -> str:
        """A notebook in their workspace; its id."""
        mounts = [{"Uri": uri, "MountPath": f"/mnt/data{number}"} for number, uri in enumerate(uris)]
        made = self.client.call(
            CREATE,
            InstanceName=name,
            WorkspaceId=self.workspace,
            RequestedResource={"CPU": "0.1", "Memory": "0.125"},
            ImageUrl=image,
            Datasets=mounts,
        )
        return str(made["InstanceId"])


@pytest.fixture(scope="module")
def victim(workbench: Installation, light_image: str) -> Member:
    """Has a secret in their home."""
    victim = Member(workbench, "victim")
    victim.notebook = victim.launch("mine", light_image)
    workbench.until_status(victim.notebook, "Running", within_s=300)
    (victim.home / "secret.txt").write_text("mine")
    return victim


@pytest.fixture(scope="module")
def thief(workbench: Installation, victim: Member) -> Member:
    return Member(workbench, "thief")


def instance(workbench: Installation, notebook_id: str) -> dict[str, Any]:
    return workbench.dsw("GetInstance", instance_id=notebook_id)


def inside(workbench: Installation, notebook_id: str, command: str) -> str:
    """What a command in a container prints, run as its own user."""
    [pod] = [pod for pod in workbench.pods() if pod.id == notebook_id]
    engine = docker.DockerClient(workbench.settings.docker_host)
    done = engine.containers.get(pod.container).exec_run(["sh", "-c", command])
    return str(done.output.decode())


def test_no_spelling_of_a_mount_names_another_workspace(
    thief: Member, victim: Member, light_image: str
) -> None:
    theirs = victim.workspace
    for uri in (
        f"nas://workspace/../{theirs}/users/victim",
        f"nas://workspace/%2e%2e/../{theirs}",
        f"nas://{theirs}/users/victim",
        f"nas:///{victim.home}",
        f"file://{victim.home}",
        f"{victim.home}",
    ):
        with pytest.raises(ClientError) as refused:
            thief.launch("theft", light_image, uri)
        assert refused.value.status == 400, uri


def test_a_link_to_another_workspace_is_not_followed(
    workbench: Installation, thief: Member, victim: Member, light_image: str
) -> None:
    workbench.until_status(thief.launch("first", light_image), "Running", within_s=300)
    (thief.home / "way").symlink_to(victim.home)

    theft = thief.launch("theft", light_image, "nas://home/way")

    workbench.until_status(theft, "Failed")
    assert instance(workbench, theft)["ReasonCode"] == "MountSourceRefused"


def test_a_container_holds_nothing_of_another_workspace(
    workbench: Installation, thief: Member, victim: Member, light_image: str
) -> None:
    notebook = thief.launch("looks", light_image, "nas://workspace/", "nas://home/")
    workbench.until_status(notebook, "Running", within_s=300)

    search = "find / -path /proc -prune -o -name secret.txt -print 2>/dev/null"
    mounted = inside(workbench, notebook, "cat /proc/self/mountinfo")

    assert inside(workbench, victim.notebook, search) == "/mnt/workspace/secret.txt\n"
    assert inside(workbench, notebook, search) == ""
    assert f"/{thief.workspace}/" in mounted
    assert f"/{victim.workspace}/" not in mounted.replace(f"/{thief.workspace}/", "")


def open_to_others(path: Path) -> int:
    return path.stat().st_mode & 0o007


def test_its_directory_is_closed_to_other_users_of_the_machine(victim: Member) -> None:
    assert open_to_others(victim.home) == 0


def test_members_change_each_others_files_where_they_are_shared_and_nobody_else_sees_them(
    workbench: Installation, victim: Member, light_image: str
) -> None:
    mine = victim.launch("shares", light_image, "nas://workspace/")
    theirs = workbench.create(
        "reads",
        ImageUrl=light_image,
        WorkspaceId=victim.workspace,
        Datasets=[{"Uri": "nas://workspace/", "MountPath": "/mnt/data0"}],
    )
    for id in (mine, theirs):
        workbench.until_status(id, "Running", within_s=300)

    for id, command in (
        (mine, "mkdir /mnt/data0/plans; echo one > /mnt/data0/plans/list"),
        (theirs, "echo two >> /mnt/data0/plans/list; touch /mnt/data0/plans/more"),
    ):
        workbench.run("notebook", "shell", id, "--", "sh", "-c", command)

    assert inside(workbench, mine, "cat /mnt/data0/plans/list") == "one\ntwo\n"
    assert open_to_others(victim.home.parent.parent / "shared") == 0
