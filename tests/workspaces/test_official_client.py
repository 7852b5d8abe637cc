"""Workspaces through PAI's own client, over HTTP, with everything between it and the database."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from alibabacloud_aiworkspace20210204 import models
from alibabacloud_aiworkspace20210204.client import Client
from Tea.exceptions import TeaException

from tests.workspaces.served import config, served
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation
from workbench.workspaces import KeyPair, Role


class CheckingClient(Client):
    """Fails for an answer that says what its operation does not declare."""

    def call_api(self, params, request, runtime):
        answer = super().call_api(params, request, runtime)
        assert undeclared(operation("aiworkspace", params.action), answer["body"]) == []
        return answer


@pytest.fixture
def port(machine) -> Iterator[int]:
    """Where the machine's API answers."""
    with served(machine) as port:
        yield port


@pytest.fixture
def client_of(port):
    """The official client with somebody's key."""
    return lambda key: CheckingClient(config(port, key))


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
    specs = client.get_permission(id, "PaiDSW:ListEcsSpecs", models.GetPermissionRequest()).body
    assert {each.entity_access_type for each in specs.permission_rules} == {"ANY"}
    found = client.list_configs(id, models.ListConfigsRequest(config_keys="modelExportPath")).body.configs
    assert [each.config_value for each in found] == ["oss://b/m/"]


@pytest.fixture
def labelled(two):
    """The owner's client, and the default workspace, with a setting that has a value and two labels."""
    owner, _, _ = two
    id = owner.get_default_workspace(models.GetDefaultWorkspaceRequest()).body.workspace_id
    labels = [models.UpdateConfigRequestLabels(key=key, value="1") for key in ("team", "size")]
    wanted = models.UpdateConfigRequest(config_key="temp", config_value="oss://b/", labels=labels)
    owner.update_config(id, wanted)
    return owner, id


def kept(owner, id):
    """Each setting's value, with its labels."""
    found = owner.list_configs(id, models.ListConfigsRequest()).body.configs
    return {
        each.config_key: (each.config_value, {label.key: label.value for label in each.labels})
        for each in found
    }


def test_a_setting_is_deleted_only_if_it_has_the_labels_that_are_named(labelled):
    owner, id = labelled
    for labels in ("team=2", "team=1,colour=1", "=1"):
        with pytest.raises(TeaException) as refused:
            owner.delete_config(id, "temp", models.DeleteConfigRequest(labels=labels))
        assert refused.value.code == ("InvalidParameter" if labels == "=1" else "ConfigNotFound")
    assert kept(owner, id)

    owner.delete_config(id, "temp", models.DeleteConfigRequest(labels="team=1, size=1"))
    assert kept(owner, id) == {}


def test_a_change_of_a_setting_leaves_what_it_does_not_name(labelled):
    owner, id = labelled
    owner.update_config(id, models.UpdateConfigRequest(config_key="temp", config_value="oss://c/"))
    assert kept(owner, id)["temp"] == ("oss://c/", {"team": "1", "size": "1"})

    label = models.UpdateConfigsRequestConfigsLabels(key="team", value="2")
    only_labels = models.UpdateConfigsRequestConfigs(config_key="temp", labels=[label])
    owner.update_configs(id, models.UpdateConfigsRequest(configs=[only_labels]))
    assert kept(owner, id)["temp"] == ("oss://c/", {"team": "2"})
    assert owner.get_config(id, models.GetConfigRequest(config_key="temp")).body.config_value == "oss://c/"


def test_a_setting_that_could_not_be_used_is_refused(labelled):
    owner, id = labelled
    for wanted, why in (
        (models.UpdateConfigRequest(config_key="new"), "ConfigValue is not given"),
        (models.UpdateConfigRequest(config_key="..", config_value="x"), "delete it"),
    ):
        with pytest.raises(TeaException, match=why):
            owner.update_config(id, wanted)
    assert kept(owner, id).keys() == {"temp"}


def test_blanks_in_a_list_of_ids_mean_nothing(two):
    _, client, _ = two
    ids = [
        client.create_workspace(models.CreateWorkspaceRequest(workspace_name=name)).body.workspace_id
        for name in ("vision", "voice")
    ]
    request = models.ListWorkspacesRequest(workspace_ids=" , ".join(ids))
    assert client.list_workspaces(request).body.total_count == 2


def test_the_default_workspace_is_there_for_who_is_in_it(machine, two, client_of):
    _, client, _ = two
    outsider = client_of(machine.add_key(machine.add_user("eve", 2002)))
    asked = models.GetDefaultWorkspaceRequest(verbose=True)

    assert client.get_default_workspace(asked).body.workspace_name == "default_workspace"
    with pytest.raises(TeaException) as refused:
        outsider.get_default_workspace(asked)
    assert (refused.value.status_code, refused.value.code) == (404, "WorkspaceNotFound")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"env_types": ["dev", "prod"]}, "one environment"),
        ({"env_types": ["prod"], "resource_group_id": "rg-1"}, "no resource groups"),
    ],
)
def test_what_a_workspace_would_not_keep_is_refused(two, fields, words):
    _, client, _ = two
    with pytest.raises(TeaException, match=words):
        client.create_workspace(models.CreateWorkspaceRequest(workspace_name="vision", **fields))
    assert client.list_workspaces(models.ListWorkspacesRequest()).body.total_count == 1


def test_a_member_says_what_kind_of_account_it_is(machine, two):
    _, client, ada = two
    id = machine.first.workspace_id

    listed = client.list_members(id, models.ListMembersRequest()).body.members
    assert {each.user_id: each.account_type for each in listed} == {
        machine.first.user_id: "1",
        ada.user_id: "5",
    }
    assert client.get_member(id, models.GetMemberRequest(user_id=ada.user_id)).body.account_type == "5"


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
