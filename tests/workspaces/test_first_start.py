import os
import pwd

import pytest

from workbench.daemon.wiring import build
from workbench.settings import load
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.wire.signatures import Request
from workbench.workspaces import (
    MIGRATIONS,
    Authenticator,
    Role,
    default_workspace,
    first_start,
    roles_of,
    usable_key,
    user,
    users,
)
from workbench.workspaces.refusals import NotAUser

PLAIN = Request("GET", "/api/v1/workspaces", "", {"host": "localhost"})
AN_ACCOUNT = next(each for each in pwd.getpwall() if each.pw_uid not in (0, os.getuid()))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user's sessions have that user's own uid")


def a_home_of(tmp_path, machine, name, uid):
    store, vault = Store(tmp_path / "other.db"), Vault(tmp_path / "other.key")
    store.migrate([MIGRATIONS])
    with store.transaction() as db:
        first_start(db, vault, name, uid, uid, now=machine.clock())
    return Authenticator(store, vault, machine.clock)


def test_the_first_start_makes_an_owner_a_workspace_and_a_key(machine):
    with machine.store.reading() as db:
        workspace = default_workspace(db)
        assert user(db, machine.first.user_id).machine_owner
        assert workspace.workspace_id == machine.first.workspace_id
        assert roles_of(db, workspace.workspace_id, machine.first.user_id) == {Role.OWNER}
        assert usable_key(db, machine.vault, machine.first.user_id) == machine.first.key


def test_a_later_start_changes_nothing(machine):
    with machine.store.transaction() as db:
        assert first_start(db, machine.vault, "root", 0, 0, now=machine.clock()) is None
        assert db["users"].count == 1


def test_a_copy_of_the_database_shows_no_secret(machine):
    assert machine.first.key.secret.encode() not in machine.store.path.read_bytes()


def test_whoever_has_the_uid_of_the_owners_sessions_is_not_the_owner(machine, tmp_path):
    authenticate = a_home_of(tmp_path, machine, "root", AN_ACCOUNT.pw_uid)

    with pytest.raises(NotAUser):
        authenticate(PLAIN, f"unix:{AN_ACCOUNT.pw_uid}")


def test_who_called_sudo_is_the_owner_without_it_too(machine, tmp_path):
    authenticate = a_home_of(tmp_path, machine, AN_ACCOUNT.pw_name, AN_ACCOUNT.pw_uid)

    assert authenticate(PLAIN, f"unix:{AN_ACCOUNT.pw_uid}").owner


@needs_root
def test_sessions_of_a_lonely_root_have_a_uid_that_nobody_has(tmp_path, monkeypatch):
    for variable in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(variable, raising=False)
    parts = build(load({"home": tmp_path, "docker_host": "unix:///nowhere"}, {})).parts
    with parts.store.reading() as db:
        owner = users.machine_owner(db)

    assert owner is not None
    assert {owner.unix_uid, owner.unix_gid}.isdisjoint(each.pw_uid for each in pwd.getpwall())
    assert owner.unix_uid >= 30_000
