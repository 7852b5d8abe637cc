import pytest

from workbench.errors import Conflict, Forbidden, InvalidInput, NotFound
from workbench.workspaces import Kind, Place, Role, Work, begin_work, end_work
from workbench.workspaces.quota import Amounts

PLENTY = Amounts(cpus=64, memory_bytes=2**40, gpus=8)


def a_notebook(workspace_id, user_id, **changes):
    return Work(
        **{
            "kind": Kind.NOTEBOOK,
            "id": "dsw-1",
            "name": "first",
            "workspace_id": workspace_id,
            "user_id": user_id,
            "cpus": 2,
            "memory_bytes": 2**30,
            **changes,
        }
    )


@pytest.fixture
def ada(machine):
    return machine.join(Role.DEVELOPER, 2001)


def test_who_makes_a_workspace_owns_it_and_others_do_not_see_it(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision", Description="cats")["WorkspaceId"]
    bob = machine.join(Role.DEVELOPER, 2002)

    seen = machine.ask(ada, "GetWorkspace", workspace_id=id)
    assert (seen["WorkspaceName"], seen["Status"], seen["Owner"]["UserName"]) == (
        "vision",
        "ENABLED",
        "user2001",
    )
    with pytest.raises(NotFound):
        machine.ask(bob, "GetWorkspace", workspace_id=id)
    assert machine.ask(bob, "ListWorkspaces")["TotalCount"] == 1
    assert machine.ask(ada, "ListWorkspaces")["TotalCount"] == 2


@pytest.mark.parametrize(
    "name", ["", "ab", "1abc", "_abc", "a" * 24, "a-b-c", "a b c", "abc\n", "äbc", "../x", "abc'"]
)
def test_a_name_that_breaks_pais_rules_is_refused(machine, ada, name):
    with pytest.raises(InvalidInput, match="3 to 23"):
        machine.ask(ada, "CreateWorkspace", WorkspaceName=name)


def test_two_workspaces_cannot_be_told_apart_by_capitals_alone(machine, ada):
    machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")
    with pytest.raises(Conflict, match="Vision"):
        machine.ask(ada, "CreateWorkspace", WorkspaceName="Vision")


def test_only_what_is_given_is_changed(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision", Description="cats")["WorkspaceId"]
    machine.clock.move(minutes=5)
    machine.ask(ada, "UpdateWorkspace", workspace_id=id, DisplayName="Cats and dogs")

    seen = machine.ask(ada, "GetWorkspace", workspace_id=id)
    assert (seen["DisplayName"], seen["Description"]) == ("Cats and dogs", "cats")
    assert seen["GmtModifiedTime"] == "2026-05-04T12:05:00.000Z"


def test_a_workspace_that_runs_something_is_not_deleted(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    with machine.store.transaction() as db:
        begin_work(db, a_notebook(id, ada.user_id), installed=PLENTY)
    with pytest.raises(Conflict, match="notebook first"):
        machine.ask(ada, "DeleteWorkspace", workspace_id=id)

    with machine.store.transaction() as db:
        end_work(db, Kind.NOTEBOOK, "dsw-1")
    machine.ask(ada, "DeleteWorkspace", workspace_id=id)
    assert machine.removed == [id]
    with pytest.raises(NotFound):
        machine.ask(ada, "GetWorkspace", workspace_id=id)


def test_what_goes_with_a_workspace_goes_on_record_each_by_itself(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    for each in ("dsw-1", "dsw-2"):
        machine.places[each] = Place(workspace_id=id, owner_id=ada.user_id, name=each, private=True)
    machine.ask(ada, "DeleteWorkspace", workspace_id=id)

    kept = machine.ask(machine.owner, "ListAuditEntries", Operation="DeleteInstance")["Entries"]
    assert sorted(each["ResourceId"] for each in kept) == ["dsw-1", "dsw-2"]
    assert {(each["UserName"], each["WorkspaceId"], each["Code"], each["RequestId"]) for each in kept} == {
        (ada.name, id, "WorkspaceDeleted", "r")
    }


def test_a_workspace_that_is_refused_leaves_nothing_on_record_of_what_is_in_it(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    machine.places["dsw-1"] = Place(workspace_id=id, owner_id=ada.user_id)
    with machine.store.transaction() as db:
        begin_work(db, a_notebook(id, ada.user_id), installed=PLENTY)
    with pytest.raises(Conflict):
        machine.ask(ada, "DeleteWorkspace", workspace_id=id)

    assert machine.ask(machine.owner, "ListAuditEntries", Operation="DeleteInstance")["Entries"] == []


def test_the_files_of_a_deleted_workspace_stay_known_and_its_id_is_never_given_again(machine, ada):
    id = machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    machine.ask(ada, "DeleteWorkspace", workspace_id=id)

    assert machine.ask(ada, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"] != id
    assert [each["WorkspaceId"] for each in machine.ask(ada, "ListDeletedWorkspaces")["Workspaces"]] == [id]


def test_the_default_workspace_stays_until_another_is_the_default(machine):
    first = machine.first.workspace_id
    with pytest.raises(Conflict):
        machine.ask(machine.owner, "DeleteWorkspace", workspace_id=first)

    id = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="another")["WorkspaceId"]
    machine.ask(machine.owner, "UpdateDefaultWorkspace", WorkspaceId=id)
    machine.ask(machine.owner, "DeleteWorkspace", workspace_id=first)
    assert machine.ask(machine.owner, "GetDefaultWorkspace")["WorkspaceId"] == id


def test_lists_are_filtered_sorted_and_paged(machine, ada):
    for name in ("vision", "voice", "text"):
        machine.clock.move(minutes=1)
        machine.ask(ada, "CreateWorkspace", WorkspaceName=name)

    def names(**asked):
        return [each["WorkspaceName"] for each in machine.ask(ada, "ListWorkspaces", **asked)["Workspaces"]]

    assert names() == ["default_workspace", "vision", "voice", "text"]
    assert names(Order="DESC") == ["text", "voice", "vision", "default_workspace"]
    assert names(SortBy="WorkspaceName", Order="ASC", PageSize=2, PageNumber=2) == ["vision", "voice"]
    assert names(WorkspaceName="V", Order="ASC") == ["vision", "voice"]
    assert names(Status="FROZEN") == names(ResourceGroupId="rg-1") == []
    assert names(Status="enabled", WorkspaceName="text") == ["text"]
    with pytest.raises(InvalidInput, match="Status is 'WARM'"):
        names(Status="WARM")
    with pytest.raises(InvalidInput):
        names(SortBy="description; DROP TABLE users")


def test_workspaces_are_found_by_who_is_in_them_among_those_that_one_is_in(machine, ada):
    bob = machine.join(Role.DEVELOPER, 2002)
    shared, hers, his = (
        machine.ask(maker, "CreateWorkspace", WorkspaceName=name)["WorkspaceId"]
        for maker, name in ((ada, "shared"), (ada, "hers"), (bob, "his"))
    )
    machine.ask(
        ada,
        "CreateMember",
        workspace_id=shared,
        Members=[{"UserId": bob.user_id, "Roles": [Role.GUEST]}],
    )

    def ids(caller, user):
        answer = machine.ask(caller, "ListWorkspaces", UserId=user.user_id)
        assert answer["TotalCount"] == len(answer["Workspaces"])
        return {each["WorkspaceId"] for each in answer["Workspaces"]} - {machine.first.workspace_id}

    assert ids(ada, bob) == {shared}
    assert ids(bob, ada) == {shared}
    assert ids(ada, ada) == {shared, hers}
    assert ids(machine.owner, bob) == {shared, his}


def test_settings_of_a_workspace_are_kept_by_key(machine, ada):
    id = machine.first.workspace_id
    uri = "oss://bucket/models/"
    with pytest.raises(Forbidden):
        machine.ask(ada, "UpdateConfigs", workspace_id=id, Configs=[{"ConfigKey": "modelExportPath"}])
    machine.ask(
        machine.owner,
        "UpdateConfigs",
        workspace_id=id,
        Configs=[
            {"ConfigKey": "modelExportPath", "ConfigValue": uri, "Labels": [{"Key": "a", "Value": "b"}]},
            {"ConfigKey": "other", "ConfigValue": "x"},
        ],
    )

    found = machine.ask(ada, "ListConfigs", workspace_id=id, ConfigKeys="modelExportPath")
    assert [each["ConfigValue"] for each in found["Configs"]] == [uri]
    assert machine.ask(ada, "ListConfigs", workspace_id=id, Labels="a=b")["TotalCount"] == 1
    machine.ask(machine.owner, "DeleteConfig", workspace_id=id, config_key="other")
    with pytest.raises(NotFound):
        machine.ask(ada, "GetConfig", workspace_id=id, ConfigKey="other")


def test_a_quota_is_enforced_when_work_begins(machine, ada):
    id = machine.first.workspace_id
    machine.ask(machine.owner, "UpdateWorkspaceQuota", workspace_id=id, Quota={"Cpus": 3, "Notebooks": 5})
    with machine.store.transaction() as db:
        begin_work(db, a_notebook(id, ada.user_id), installed=PLENTY)
        begin_work(db, a_notebook(id, ada.user_id, cpus=3), installed=PLENTY)  # the same, larger

    with machine.store.transaction() as db, pytest.raises(Exception, match="CPUs is 3: 3 in use, 1 wanted"):
        begin_work(db, a_notebook(id, ada.user_id, id="dsw-2", cpus=1), installed=PLENTY)
    shown = machine.ask(ada, "GetWorkspaceQuota", workspace_id=id)
    assert shown["Quota"] == {"Cpus": 3, "Notebooks": 5}
    assert (shown["Used"]["Cpus"], shown["Used"]["Notebooks"]) == (3, 1)
