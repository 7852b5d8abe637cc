"""The commands on users and workspaces, against the real API over the local socket."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbench.api import Server, application
from workbench.cli.accesskey import accesskey
from workbench.cli.audit import audit
from workbench.cli.member import member
from workbench.cli.pool import pool
from workbench.cli.roles import roles
from workbench.cli.session import Session
from workbench.cli.tag import tag
from workbench.cli.token import token
from workbench.cli.user import user
from workbench.cli.workspace import workspace
from workbench.errors import Conflict, NotFound, WorkbenchError
from workbench.parts import Route
from workbench.settings import load
from workbench.wire.operations import operation
from workbench.workspaces import Auditor, KeyPair, Kind, Role, Work, begin_work
from workbench.workspaces.quota import Amounts


@pytest.fixture
def run(machine):
    """Runs a command as the machine's owner and gives what it printed."""
    machine.clock.time = datetime.now(UTC)
    home = Path(tempfile.mkdtemp(prefix="wb-"))
    settings = load({"home": home}, {})
    for each in (settings.socket, settings.gateway_socket):
        each.parent.mkdir(parents=True, exist_ok=True)
    auditor = Auditor(machine.store, machine.clock)
    listed = Route(operation("dsw", "ListInstances"), lambda parts, call: {"Instances": [], "TotalCount": 0})
    app = application(
        machine.parts,
        [*machine.routes, listed],
        machine.authenticate,
        around=auditor.beginning,
        observe=auditor,
    )
    server = Server(app, local=settings.socket, public=settings.gateway_socket)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: server.run(on_ready=ready.set))
    thread.start()
    assert ready.wait(60)

    def command(group, *arguments):
        result = CliRunner().invoke(group, arguments, obj=Session(home=str(home), endpoint=""))
        if isinstance(result.exception, WorkbenchError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    yield command
    server.stop()
    thread.join()
    shutil.rmtree(home)


def as_json(run, *arguments):
    return json.loads(run(*arguments, "--json"))


def test_a_user_is_added_with_a_key_that_lets_them_in(machine, run):
    id = as_json(run, user, "add", "ada")["user_id"]
    made = as_json(run, accesskey, "create", "--user", "ada")
    key = KeyPair(access_key_id=made["access_key_id"], secret=made["access_key_secret"])

    assert machine.authenticate(machine.signed(key), "10.0.0.9").user_id == id
    assert "ada" in run(user, "list")
    assert made["access_key_secret"] not in run(accesskey, "list")


def test_a_key_is_disabled_enabled_and_deleted(machine, run):
    id = as_json(run, accesskey, "create")["access_key_id"]
    run(accesskey, "disable", id)
    assert "disabled" in run(accesskey, "list")
    run(accesskey, "enable", id)
    run(accesskey, "delete", id)
    assert id not in run(accesskey, "list")


def test_a_disabled_users_work_must_be_decided_on(machine, run):
    id = as_json(run, user, "add", "ada")["user_id"]
    work = Work(
        kind=Kind.NOTEBOOK, id="dsw-1", name="n", workspace_id="1", user_id=id, cpus=1, memory_bytes=1
    )
    with machine.store.transaction() as db:
        begin_work(db, work, installed=Amounts())

    with pytest.raises(WorkbenchError, match="dsw-1"):
        run(user, "disable", "ada")
    run(user, "disable", "ada", "--sessions", "stop")
    assert machine.stopped == ["dsw-1"]
    run(user, "enable", "ada")


def test_members_come_and_go_by_name(run):
    run(user, "add", "ada")
    run(workspace, "create", "vision")
    run(member, "add", "ada", "--role", "WorkspaceGuest", "--workspace", "vision")
    run(member, "add-role", "ada", "PAI.AlgoDeveloper", "--workspace", "vision")
    run(member, "remove-role", "ada", "WorkspaceGuest", "--workspace", "vision")

    listed = as_json(run, member, "list", "--workspace", "vision")
    assert {each["member_name"]: each["roles"] for each in listed}["ada"] == [Role.DEVELOPER]
    run(member, "remove", "ada", "--workspace", "vision")
    assert "ada" not in run(member, "list", "--workspace", "vision")


def test_a_workspace_is_shown_changed_and_deleted(run):
    run(workspace, "create", "vision", "--description", "cats")
    run(workspace, "update", "vision", "--display-name", "Cats")
    assert "Cats" in run(workspace, "show", "Vision")

    run(workspace, "delete", "vision", "--yes")
    assert "vision" not in run(workspace, "list")
    assert "vision" in run(workspace, "list", "--deleted")


def test_a_quota_is_shown_and_changed_limit_by_limit(run):
    run(workspace, "quota", "default_workspace", "--cpus", "4", "--memory", "16Gi")
    changed = as_json(run, workspace, "quota", "default_workspace", "--gpus", "1")
    assert changed["quota"] == {"cpus": 4, "memory_bytes": 16 * 2**30, "gpus": 1}

    left = as_json(run, workspace, "quota", "default_workspace", "--unlimited", "--cpus", "2")
    assert left["quota"] == {"cpus": 2}


def test_the_table_of_permissions_is_printed(run):
    row = next(line for line in run(roles).splitlines() if line.startswith("DeleteInstance "))
    assert row.split() == ["DeleteInstance", "all", "all", "own", "-", "-", "-", "-"]


def test_the_audit_log_is_printed_line_by_line_and_filtered(run):
    run(user, "add", "ada")
    run(workspace, "create", "vision")

    lines = [json.loads(line) for line in run(audit, "--json", "--limit", "2").splitlines()]
    assert [line["operation"] for line in lines] == ["CreateWorkspace", "CreateUser"]
    assert all(line["request_id"] for line in lines)
    assert "CreateUser" not in run(audit, "--operation", "CreateWorkspace", "--days", "1")
    assert run(audit, "--user", "ada", "--json") == ""


def test_a_pool_is_meant_in_capitals_or_not_by_every_command(run):
    run(pool, "create", "Gpu")
    run(pool, "update", "GPU", "--cpus", "1")
    run(pool, "drain", "gpu")
    run(pool, "link", "GPU", "Default_Workspace")
    (shown,) = as_json(run, pool, "list")
    assert (shown["cpus"], shown["draining"], shown["workspace_ids"]) == (1, True, ["1"])
    run(pool, "unlink", "gpu", "default_workspace")
    run(pool, "resume", "gPU")
    run(pool, "delete", "GPU")
    with pytest.raises(NotFound, match="no pool 'GPU'"):
        run(pool, "drain", "GPU")


def test_a_pool_is_made_drained_and_deleted(run):
    run(pool, "create", "gpu", "--cpus", "2", "--kind", "training", "--workspace", "default_workspace")
    run(pool, "drain", "gpu")
    assert "draining" in run(pool, "list")
    run(pool, "resume", "gpu")
    run(pool, "unlink", "gpu", "default_workspace")
    run(pool, "update", "gpu", "--kind", "any", "--cpus", "3")
    (shown,) = as_json(run, pool, "list")
    assert (shown["workspace_ids"], shown["kinds"], shown["cpus"]) == ([], [], 3)
    run(pool, "link", "gpu", "default_workspace")
    assert as_json(run, pool, "show", "gpu")["workspace_ids"] == ["1"]
    run(pool, "delete", "gpu")
    assert as_json(run, pool, "list") == []
    with pytest.raises(NotFound):
        run(pool, "show", "gpu")


def test_tags_are_put_on_found_and_counted(run):
    run(tag, "add", "workspace", "1", "Team=vision", "phase=trial")
    assert as_json(run, tag, "find", "Team=vision")[0]["tags"] == {"Team": "vision", "phase": "trial"}
    run(tag, "remove", "workspace", "1", "phase")
    assert "phase" not in run(tag, "list")


def test_a_token_is_made_and_deleted(run):
    made = as_json(run, token, "create", "--hours", "2")
    assert made["token_id"] in run(token, "list")
    run(token, "delete", made["token_id"])
    assert as_json(run, token, "list") == []


def test_unknown_names_are_told(run):
    with pytest.raises(NotFound, match="user 'eve'"):
        run(accesskey, "create", "--user", "eve")
    with pytest.raises(NotFound, match="workspace 'eden'"):
        run(member, "list", "--workspace", "eden")
    with pytest.raises(WorkbenchError) as refused:
        run(workspace, "delete", "default_workspace", "--yes")
    assert refused.value.status == Conflict.status


@pytest.fixture
def deleted(machine, run):
    """A deleted workspace's directory, with a file of somebody's."""
    id = run(workspace, "create", "vision").strip()
    folder = machine.parts.storage.directories.workspace(id)
    folder.mkdir(parents=True)
    (folder / "thesis").write_text("years of work")
    run(workspace, "delete", "vision", "--yes")
    return folder


def test_the_files_of_a_deleted_workspace_stay_until_they_are_purged(run, deleted):
    assert (deleted / "thesis").exists()

    run(workspace, "purge", "vision", "--yes")
    assert not deleted.exists()
    assert "vision" not in run(workspace, "list", "--deleted")


def test_a_purge_asks_and_a_workspace_that_is_there_cannot_be_purged(run, deleted):
    with pytest.raises(AssertionError, match="cannot be undone"):
        run(workspace, "purge", "vision")
    assert (deleted / "thesis").exists()
    with pytest.raises(NotFound, match="No deleted workspace"):
        run(workspace, "purge", "default_workspace", "--yes")


def test_a_purge_follows_no_link(run, deleted, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("kept")
    (deleted / "link").symlink_to(tmp_path / "elsewhere")

    run(workspace, "purge", "vision", "--yes")
    assert (tmp_path / "elsewhere" / "file").read_text() == "kept"


def test_only_its_owner_purges_a_workspace(machine, deleted):
    stranger = machine.join(Role.ADMIN, 2001)
    with pytest.raises(NotFound):
        machine.ask(stranger, "PurgeWorkspace", workspace_id=deleted.name)
    assert deleted.exists()
