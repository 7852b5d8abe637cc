"""Workspaces through PAI's own client, over HTTP, with everything between it and the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection

import pytest
import uvicorn
from alibabacloud_aiworkspace20210204 import models
from alibabacloud_aiworkspace20210204.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from Tea.exceptions import TeaException

from workbench.api import application
from workbench.workspaces import Auditor, KeyPair, Role


@pytest.fixture
def port(machine) -> Iterator[int]:
    """Where the machine's API answers."""
    machine.clock.time = datetime.now(UTC)
    auditor = Auditor(machine.store, machine.clock)
    app = application(
        machine.parts, machine.routes, machine.authenticate, around=auditor.beginning, observe=auditor
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture
def client_of(port):
    """The official client with somebody's key."""

    def make(key: KeyPair) -> Client:
        return Client(
            Config(
                access_key_id=key.access_key_id,
                access_key_secret=key.secret,
                endpoint=f"127.0.0.1:{port}",
                protocol="http",
                region_id="local",
            )
        )

    return make


@pytest.fixture
def two(machine, client_of):
    """The owner's client, and Ada's, who is a user like any other."""
    ada = machine.join(Role.DEVELOPER, 2001)
    return client_of(machine.first.key), client_of(machine.add_key(ada)), ada


def test_a_workspace_lives_its_whole_life(two):
    _, client, ada = two
    made = client.create_workspace(
        models.CreateWorkspaceRequest(workspace_name="vision", description="cats", env_types=["prod"])
    ).body
    client.update_workspace(made.workspace_id, models.UpdateWorkspaceRequest(display_name="Cats"))
    seen = client.get_workspace(made.workspace_id, models.GetWorkspaceRequest(verbose=True)).body

    assert (seen.display_name, seen.status, seen.owner.user_id) == ("Cats", "ENABLED", ada.user_id)
    listed = client.list_workspaces(models.ListWorkspacesRequest(workspace_name="vis")).body
    assert [each.workspace_id for each in listed.workspaces] == [made.workspace_id]
    assert client.delete_workspace(made.workspace_id, models.DeleteWorkspaceRequest()).body.request_id
    with pytest.raises(TeaException) as gone:
        client.get_workspace(made.workspace_id, models.GetWorkspaceRequest())
    assert (gone.value.status_code, gone.value.code) == (404, "WorkspaceNotFound")


def test_members_come_get_roles_lose_them_and_go(machine, two):
    _, client, ada = two
    bob = machine.join(Role.DEVELOPER, 2002)
    id = client.create_workspace(models.CreateWorkspaceRequest(workspace_name="vision")).body.workspace_id
    wanted = models.CreateMemberRequestMembers(user_id=bob.user_id, roles=[Role.GUEST])
    (member,) = client.create_member(id, models.CreateMemberRequest(members=[wanted])).body.members
    client.add_member_role(id, member.member_id, Role.OPERATOR, models.AddMemberRoleRequest())
    client.remove_member_role(id, member.member_id, Role.GUEST, models.RemoveMemberRoleRequest())

    roles = client.list_members(id, models.ListMembersRequest(roles=Role.OPERATOR)).body.members
    assert [each.roles for each in roles] == [[Role.OPERATOR]]
    assert client.get_member(id, models.GetMemberRequest(user_id=ada.user_id)).body.roles == [Role.OWNER]
    client.delete_members(id, models.DeleteMembersRequest(member_ids=member.member_id))
    assert client.list_members(id, models.ListMembersRequest()).body.total_count == 1


def test_permissions_and_settings_are_read(two):
    owner, client, _ = two
    id = client.get_default_workspace(models.GetDefaultWorkspaceRequest()).body.workspace_id
    config = models.UpdateConfigsRequestConfigs(config_key="modelExportPath", config_value="oss://b/m/")
    owner.update_configs(id, models.UpdateConfigsRequest(configs=[config]))

    held = client.list_permissions(id, models.ListPermissionsRequest()).body.permissions
    codes = [each.permission_code for each in held]
    assert "PaiDSW:CreateInstance" in codes
    found = client.list_configs(id, models.ListConfigsRequest(config_keys="modelExportPath")).body.configs
    assert [each.config_value for each in found] == ["oss://b/m/"]


def test_what_a_role_may_not_do_answers_403_and_is_in_the_audit_log(machine, two):
    _, client, ada = two
    with pytest.raises(TeaException) as refused:
        client.delete_workspace(machine.first.workspace_id, models.DeleteWorkspaceRequest())
    assert refused.value.status_code == 403
    assert Role.OWNER in refused.value.message

    (line,) = machine.ask(machine.owner, "ListAuditEntries", Operation="DeleteWorkspace")["Entries"]
    assert (line["UserId"], line["Status"], line["Level"]) == (ada.user_id, 403, "warning")
    assert line["RequestId"] == refused.value.data["RequestId"]


def test_what_is_private_answers_404_and_is_in_the_audit_log(machine, two):
    owner, client, ada = two
    id = owner.create_workspace(models.CreateWorkspaceRequest(workspace_name="secret")).body.workspace_id
    with pytest.raises(TeaException) as refused:
        client.list_members(id, models.ListMembersRequest())
    assert refused.value.status_code == 404

    (line,) = machine.ask(machine.owner, "ListAuditEntries", Operation="ListMembers")["Entries"]
    assert (line["UserId"], line["WorkspaceId"], line["Status"]) == (ada.user_id, id, 404)


def test_a_stranger_gets_nowhere_and_is_in_the_audit_log(machine, client_of):
    stranger = client_of(KeyPair(access_key_id="WB0", secret="guess"))
    with pytest.raises(TeaException) as refused:
        stranger.list_workspaces(models.ListWorkspacesRequest())
    assert (refused.value.status_code, refused.value.code) == (404, "InvalidAccessKeyId.NotFound")

    (line,) = machine.ask(machine.owner, "ListAuditEntries", Level="incident")["Entries"]
    assert (line["Operation"], line["Source"]) == ("ListWorkspaces", "127.0.0.1")


@pytest.mark.parametrize(
    "id", ["1/../1", "01", "1%2F", "%31%00", "1;2", "..", "1?x=", "' OR '1'='1", "1\t", "１"]
)
def test_odd_spellings_of_an_id_lead_nowhere(two, id):
    _, client, _ = two
    with pytest.raises(TeaException) as refused:
        client.get_workspace(id, models.GetWorkspaceRequest())
    assert refused.value.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-for": "unix:0"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wbt_guess"},
        {"x-acs-bearer-token": "wbt_guess"},
        {"x-acs-accesskey-id": "WB1"},
        {"authorization": "acs WB1:" + "A" * 27 + "="},
        {"authorization": "Basic cm9vdDpyb290"},
    ],
)
def test_headers_alone_let_nobody_in(port, headers):
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/api/v1/workspaces", headers={"x-acs-version": "2021-02-04", **headers})
    answer = connection.getresponse()
    assert answer.status in (400, 401, 404)
    assert b"Workspaces" not in answer.read()
