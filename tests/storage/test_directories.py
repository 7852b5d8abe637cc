from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from workbench.errors import InvalidInput
from workbench.settings import Settings
from workbench.storage import MountContext, PlaceTaken, Storage, identity_files

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_users_own_directory_is_closed_to_others_and_the_shared_one_is_the_groups(
    storage: Storage, alice: MountContext
) -> None:
    own = storage.own(alice).root
    shared = storage.directories.shared("w1")

    assert (mode(own), own.stat().st_uid) == (0o700, alice.uid)
    assert (mode(shared), shared.stat().st_gid) == (0o2770, alice.groups[0])


def test_nobody_else_on_the_machine_sees_names_of_workspaces_members_or_notebooks(
    storage: Storage, settings: Settings, alice: MountContext
) -> None:
    storage.own(alice)
    storage.environment("dsw-1", alice)

    assert {path: mode(path) & 0o007 for path in settings.home.glob("[wn]*/**/")} == {
        settings.home / "workspaces": 0o001,
        settings.home / "workspaces/w1": 0o001,
        settings.home / "workspaces/w1/shared": 0,
        settings.home / "workspaces/w1/users": 0o001,
        settings.home / "workspaces/w1/users/alice": 0,
        settings.home / "notebooks": 0o001,
        settings.home / "notebooks/dsw-1": 0o001,
        settings.home / "notebooks/dsw-1/environment": 0,
    }


def test_directories_that_were_open_to_others_are_closed_and_nothing_in_them_is_touched(
    storage: Storage, settings: Settings, alice: MountContext, tmp_path: Path
) -> None:
    own, shared = storage.own(alice).root, storage.directories.shared("w1")
    (shared / "notes").mkdir(mode=0o755)
    (tmp_path / "outside").mkdir(mode=0o755)
    (own.parent.parent.parent / "w2").symlink_to(tmp_path / "outside")
    for path in (shared, own, own.parent, settings.home / "workspaces"):
        path.chmod(0o777)

    storage.directories.close_to_others()

    assert [mode(path) for path in (settings.home / "workspaces", own.parent, shared)] == [
        0o711,
        0o711,
        0o2770,
    ]
    assert (mode(own), mode(shared / "notes"), mode(tmp_path / "outside")) == (0o777, 0o2755, 0o755)


def test_making_a_directory_again_leaves_files_and_the_users_own_mode_alone(
    storage: Storage, alice: MountContext
) -> None:
    own = storage.own(alice).root
    (own / "notes").write_text("kept")

    assert storage.own(alice).root == own
    assert (own / "notes").read_text() == "kept"


@needs_root
def test_a_user_may_open_their_own_directory_to_others(storage: Storage, alice: MountContext) -> None:
    own = storage.own(alice).root
    own.chmod(0o755)

    storage.own(alice)

    assert mode(own) == 0o755


@needs_root
def test_a_directory_that_belongs_to_someone_else_is_not_given_away(
    storage: Storage, alice: MountContext
) -> None:
    own = storage.own(alice).root
    os.chown(own, 7777, 7777)

    with pytest.raises(PlaceTaken, match=rf"uid 7777.*chown -R {alice.uid}"):
        storage.own(alice)
    assert own.stat().st_uid == 7777


def test_a_link_where_a_directory_belongs_is_refused(
    storage: Storage, settings: Settings, alice: MountContext, tmp_path: Path
) -> None:
    users = settings.home / "workspaces/w1/users"
    users.mkdir(parents=True)
    (users / "alice").symlink_to(tmp_path)

    with pytest.raises(PlaceTaken, match="not a directory"):
        storage.own(alice)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\0b", "a\nb"])
def test_a_name_that_leads_elsewhere_is_no_directorys_name(storage: Storage, name: str) -> None:
    with pytest.raises(InvalidInput):
        storage.directories.own("w1", name)


def test_removing_an_environment_follows_no_link_and_copes_with_any_tree(
    storage: Storage, alice: MountContext, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    environment = storage.environment("dsw-1", alice).root
    (environment / "link").symlink_to(outside)
    fd = os.open(environment, os.O_RDONLY)
    for _ in range(1500):  # deeper than Python's recursion goes
        os.mkdir("d", dir_fd=fd)
        fd, above = os.open("d", os.O_RDONLY, dir_fd=fd), fd
        os.close(above)
    os.close(fd)

    storage.directories.remove_environment("dsw-1")
    storage.directories.remove_environment("dsw-1")

    assert not environment.exists()
    assert (outside / "precious").exists()


def test_a_pods_secret_files_are_its_users_alone(storage: Storage, alice: MountContext) -> None:
    paths = storage.directories.write_session("dsw-1", {"token": "s3cret"}, uid=alice.uid)
    public = storage.directories.write_session("dsw-1", {"passwd": "x"})

    assert paths["token"].read_text() == "s3cret"
    assert (mode(paths["token"]), paths["token"].stat().st_uid) == (0o400, alice.uid)
    assert mode(public["passwd"]) == 0o444
    storage.directories.remove_session("dsw-1")
    assert not paths["token"].exists()


def test_the_identity_files_name_the_user_and_their_groups() -> None:
    files = identity_files(
        name="alice", uid=5001, gid=5001, groups={"team": 6000}, home="/mnt/workspace", shell="/bin/bash"
    )

    assert "alice:x:5001:5001::/mnt/workspace:/bin/bash\n" in files["passwd"]
    assert files["passwd"].startswith("root:x:0:0:")
    assert "team:x:6000:alice\n" in files["group"]
    assert "alice:x:5001:\n" in files["group"]


@pytest.mark.parametrize("name", ["a:0:0", "a\nroot::0:0::/:/bin/sh"])
def test_a_name_cannot_smuggle_an_account_in(name: str) -> None:
    with pytest.raises(InvalidInput):
        identity_files(name=name, uid=1, gid=1, groups={}, home="/", shell="/bin/sh")
