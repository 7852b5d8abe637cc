from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest
from docker.types import Mount

from tests.tiny_image import ensure_tiny_image
from workbench.settings import Settings
from workbench.storage import HOME, MountContext, MountRequest, Storage, identity_files

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0, reason="the engine's mounts need root"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def run(
    storage: Storage, context: MountContext, mounts: list[MountRequest], script: str, swap: Path | None
) -> str:
    """Run a script as the user, after their directory was swapped for a link to /etc."""
    bindables = [storage.own(context), *storage.resolve(mounts, context)]
    binds = storage.attach("notebook-t-main", bindables, context)
    files = storage.directories.write_session(
        "t",
        identity_files(name="alice", uid=context.uid, gid=context.gid, groups={}, home=HOME),
    )
    if swap:
        swap.rename(swap.with_name("moved"))
        swap.symlink_to("/etc")
    container = docker.from_env().containers.create(
        ensure_tiny_image(),
        ["sh", "-c", script],
        network_mode="none",
        user=f"{context.uid}:{context.gid}",
        group_add=[str(context.groups[0])],
        cap_drop=["ALL"],
        mounts=[
            *(Mount(bind.target, bind.source, type="bind", read_only=bind.read_only) for bind in binds),
            *(Mount(f"/etc/{name}", str(path), type="bind", read_only=True) for name, path in files.items()),
        ],
    )
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0
        output: bytes = container.logs()
        return output.decode()
    finally:
        container.remove(force=True, v=True)


def test_a_container_sees_the_directory_that_was_checked(storage: Storage, alice: MountContext) -> None:
    own = storage.own(alice).root
    (own / "data").mkdir()
    (own / "data" / "mine").touch()
    mounts = [MountRequest(uri="nas://home/data", target="/mnt/data")]

    assert run(storage, alice, mounts, "ls /mnt/data", swap=own / "data") == "mine\n"


def test_what_a_container_writes_belongs_to_its_user_on_the_host(
    storage: Storage, alice: MountContext
) -> None:
    mounts = [MountRequest(uri="nas://workspace/", target="/mnt/shared")]

    run(storage, alice, mounts, "umask 002; touch /mnt/workspace/own /mnt/shared/common", swap=None)

    own = (storage.directories.own("w1", "alice") / "own").stat()
    common = (storage.directories.shared("w1") / "common").stat()
    assert (own.st_uid, own.st_gid) == (alice.uid, alice.gid)
    assert (common.st_uid, common.st_gid, common.st_mode & 0o777) == (alice.uid, alice.groups[0], 0o664)
