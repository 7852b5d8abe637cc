from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.settings import Settings
from workbench.storage import (
    BadMount,
    MountContext,
    MountRequest,
    SourceMissing,
    SourceRefused,
    Storage,
)

POD = "notebook-dsw-1-main"
pytestmark = pytest.mark.usefixtures("storage")


@pytest.fixture
def pinning(storage: Storage) -> None:
    """Skip, saying why, where mounts cannot be pinned."""
    if not (ability := storage.can_pin()).can_pin:
        pytest.skip(ability.reason)


def a_mount(uri: str, target: str = "/mnt/data", access: str = "") -> list[MountRequest]:
    return [MountRequest(uri=uri, target=target, access=access)]


def names_in(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_mount_outside_the_allowed_roots_names_those_allowed(storage: Storage, alice: MountContext) -> None:
    with pytest.raises(BadMount, match="nas://workspace/, nas://home/, nas://library/"):
        storage.resolve(a_mount("nas://elsewhere/x"), alice)


def test_a_root_that_holds_our_own_secrets_is_not_mounted(settings: Settings, alice: MountContext) -> None:
    careless = Storage(replace(settings, mount_roots={"all": settings.home.parent}))

    with pytest.raises(BadMount, match="keys"):
        careless.resolve(a_mount("nas://all/"), alice)


def test_two_mounts_on_one_path_are_refused(storage: Storage, alice: MountContext) -> None:
    with pytest.raises(BadMount, match="/mnt/data"):
        storage.resolve([*a_mount("nas://home/"), *a_mount("nas://library/", "/mnt//data")], alice)


def test_a_missing_directory_is_named(storage: Storage, alice: MountContext) -> None:
    with pytest.raises(SourceMissing, match="nas://workspace/nothing does not exist") as missing:
        storage.attach(POD, storage.resolve(a_mount("nas://workspace/nothing"), alice), alice)

    assert "in a notebook that mounts nas://workspace/." in missing.value.hint
    assert str(storage.directories.shared(alice.workspace_id)) not in str(missing.value)


def test_a_link_on_the_way_is_refused_wherever_it_leads(
    storage: Storage, alice: MountContext, settings: Settings
) -> None:
    own = storage.own(alice).root
    (own / "escape").symlink_to("/etc")
    (own / "inside").symlink_to(".")

    for uri in ("nas://home/escape", "nas://home/escape/ssl", "nas://home/inside"):
        with pytest.raises(SourceRefused, match="symbolic link"):
            storage.attach(POD, storage.resolve(a_mount(uri), alice), alice)
    assert not list((settings.run / "pods").glob(f"{POD}/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")
def test_a_mount_opens_nothing_that_its_owner_closed(storage: Storage, alice: MountContext) -> None:
    closed = storage.directories.shared("w1") / "bobs"
    (closed / "open").mkdir(parents=True)
    os.chown(closed, 5002, 5002)
    closed.chmod(0o700)
    wanted = storage.resolve(a_mount("nas://workspace/bobs/open"), alice)

    with pytest.raises(SourceRefused, match="closed to you"):
        storage.attach(POD, wanted, alice)


@pytest.mark.usefixtures("pinning")
def test_swapping_the_directory_after_the_check_changes_nothing(
    storage: Storage, alice: MountContext
) -> None:
    data = storage.own(alice).root / "data"
    data.mkdir()
    (data / "mine").touch()
    [bind] = storage.attach(POD, storage.resolve(a_mount("nas://home/data"), alice), alice)

    data.rename(data.with_name("moved"))
    data.symlink_to("/etc")

    assert names_in(bind.source) == ["mine"]


@pytest.mark.usefixtures("pinning")
def test_a_directory_swapped_all_the_while_is_mounted_itself_or_not_at_all(
    storage: Storage, alice: MountContext
) -> None:
    data = storage.own(alice).root / "data"
    data.mkdir()
    (data / "mine").touch()
    link, aside = data.with_name("link"), data.with_name("aside")
    link.symlink_to("/etc")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for one, other in ((data, aside), (link, data), (data, link), (aside, data)):
                one.rename(other)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = []
    try:
        for _ in range(300):
            with contextlib.suppress(SourceMissing, SourceRefused):
                [bind] = storage.attach(POD, storage.resolve(a_mount("nas://home/data"), alice), alice)
                seen.append(names_in(bind.source))
    finally:
        done.set()
        swapper.join()
    assert all(names == ["mine"] for names in seen)


@pytest.mark.usefixtures("pinning")
def test_a_daemon_killed_while_it_pins_leaves_nothing_that_a_sweep_does_not_find(
    settings: Settings, storage: Storage, alice: MountContext
) -> None:
    storage.own(alice)
    pins_for_ever = f"""
from pathlib import Path
from workbench.settings import Settings
from workbench.storage import MountContext, Storage
storage = Storage(Settings(home=Path({str(settings.home)!r}), docker_host="unix:///nowhere"))
context = MountContext(workspace_id="w1", user="alice", uid={alice.uid}, gid={alice.gid})
print(storage.can_pin(), flush=True)
while True:
    storage.attach("{POD}", [storage.own(context)], context)
"""
    for delay_ms in (0, 3, 7):
        command = [sys.executable, "-c", pins_for_ever]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        assert daemon.stdout
        daemon.stdout.readline()
        time.sleep(delay_ms / 1000)  # another moment each time
        daemon.kill()
        daemon.communicate()

        storage.sweep(keep=())

        assert str(settings.run) not in Path("/proc/self/mountinfo").read_text()
        assert names_in(settings.run / "pods") == []


@pytest.mark.usefixtures("pinning")
def test_a_read_only_mount_cannot_be_written_on_the_host_either(
    storage: Storage, alice: MountContext
) -> None:
    storage.own(alice)
    [bind] = storage.attach(POD, storage.resolve(a_mount("nas://home/", access="RO"), alice), alice)

    assert bind.read_only
    with pytest.raises(OSError, match="Read-only"):
        (Path(bind.source) / "x").touch()


@pytest.mark.usefixtures("pinning")
def test_undoing_a_pin_leaves_files_and_what_is_mounted_in_them(
    storage: Storage, alice: MountContext, tmp_path: Path
) -> None:
    """As where /home is a shared mount and a network file system lies in a user's directory."""
    library = tmp_path / "library"
    (library / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", library], check=True)
    subprocess.run(["mount", "--make-shared", library], check=True)
    (library / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", library / "disk"], check=True)
    (library / "disk" / "file").touch()
    try:
        [bind] = storage.attach(POD, storage.resolve(a_mount("nas://library/"), alice), alice)
        assert (Path(bind.source) / "disk" / "file").exists()

        storage.detach(POD)

        assert (library / "disk" / "file").exists()
        assert not Path(bind.source).exists()
    finally:
        subprocess.run(["umount", "-R", library], check=True)


def test_detaching_twice_or_what_never_was_is_harmless(storage: Storage, alice: MountContext) -> None:
    storage.attach(POD, [storage.own(alice)], alice)

    storage.detach(POD)
    storage.detach(POD)
    storage.detach("notebook-never-main")


@pytest.mark.usefixtures("pinning")
def test_pins_that_a_killed_daemon_left_are_swept(
    storage: Storage, settings: Settings, alice: MountContext
) -> None:
    kept = storage.attach("notebook-kept-main", [storage.own(alice)], alice)
    left = storage.attach(POD, [storage.own(alice)], alice)
    (settings.run / "pods" / "notebook-half-main" / "0").mkdir(parents=True)  # killed before the mount

    Storage(settings).sweep(keep={"notebook-kept-main"})

    assert names_in(settings.run / "pods") == ["notebook-kept-main"]
    assert Path(kept[0].source).exists()
    assert not Path(left[0].source).exists()


def test_a_mount_inside_another_gets_a_directory_of_the_users(storage: Storage, alice: MountContext) -> None:
    own = storage.own(alice)
    inner = storage.resolve(a_mount("nas://library/", "/mnt/workspace/sets/a"), alice)

    binds = storage.attach(POD, [*inner, own], alice)

    assert [bind.target for bind in binds] == ["/mnt/workspace", "/mnt/workspace/sets/a"]
    assert (own.root / "sets" / "a").stat().st_uid == alice.uid


@pytest.mark.skipif(os.geteuid() != 0, reason="root may write everywhere, others are refused by the kernel")
def test_no_directory_is_made_where_the_user_may_not(
    storage: Storage, alice: MountContext, tmp_path: Path
) -> None:
    wanted = storage.resolve(
        [*a_mount("nas://library/"), *a_mount("nas://workspace/", "/mnt/data/new")], alice
    )

    with pytest.raises(SourceRefused, match="may not make it"):
        storage.attach(POD, wanted, alice)
    assert not list((tmp_path / "library").iterdir())
