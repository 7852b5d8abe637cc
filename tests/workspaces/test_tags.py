import pytest

from workbench.errors import Forbidden, InvalidInput, LimitReached, NotFound
from workbench.workspaces import Place, Role


@pytest.fixture
def ada(machine):
    """A developer with two notebooks; a third is somebody else's, a fourth in another workspace."""
    ada = machine.join(Role.DEVELOPER, 2001)
    machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="private")
    machine.places.update(
        a=Place(workspace_id="1", owner_id=ada.user_id),
        b=Place(workspace_id="1", owner_id=ada.user_id),
        other=Place(workspace_id="1", owner_id=machine.first.user_id),
        private=Place(workspace_id="2", owner_id=machine.first.user_id),
    )
    return ada


def tag(machine, caller, id, **tags):
    machine.ask(caller, "TagResource", kind="notebook", resource_id=id, Tags=tags)


def test_things_are_found_by_several_tags_at_once(machine, ada):
    tag(machine, ada, "a", team="vision", phase="trial")
    tag(machine, ada, "b", team="vision", phase="real")

    def found(**tags):
        resources = machine.ask(ada, "ListTaggedResources", Tags=tags)["Resources"]
        return [each["ResourceId"] for each in resources]

    assert found(team="vision") == ["a", "b"]
    assert found(team="vision", phase="real") == ["b"]
    assert found(team="vision", phase="") == ["a", "b"]
    assert found(team="voice") == []


def test_the_use_of_each_tag_is_counted_where_one_may_look(machine, ada):
    tag(machine, ada, "a", team="vision")
    tag(machine, machine.owner, "private", team="vision")

    assert machine.ask(ada, "ListTags")["Tags"][0]["Count"] == 1
    assert machine.ask(machine.owner, "ListTags")["Tags"][0]["Count"] == 2


def test_a_tag_gets_a_new_value_and_comes_off(machine, ada):
    tag(machine, ada, "a", team="vision", phase="trial")
    tag(machine, ada, "a", team="voice")
    named = {"kind": "notebook", "resource_id": "a"}

    assert machine.ask(ada, "GetResourceTags", **named)["Tags"] == {"phase": "trial", "team": "voice"}
    machine.ask(ada, "UntagResource", **named, Keys="phase")
    assert machine.ask(ada, "GetResourceTags", **named)["Tags"] == {"team": "voice"}


def test_keys_of_our_own_are_nobodys_tags(machine, ada):
    with pytest.raises(InvalidInput, match=r"begin with workbench\."):
        tag(machine, ada, "a", **{"workbench.gpu_memory": "4"})


def test_others_things_are_not_tagged_and_private_ones_do_not_exist(machine, ada):
    with pytest.raises(Forbidden):
        tag(machine, ada, "other", team="vision")
    with pytest.raises(NotFound) as private:
        tag(machine, ada, "private", team="vision")
    with pytest.raises(NotFound) as absent:
        tag(machine, ada, "absent", team="vision")
    assert str(private.value).replace("private", "absent") == str(absent.value)


def test_a_workspace_that_is_not_ones_own_and_one_that_is_not_there_are_the_same(machine, ada):
    with pytest.raises(NotFound) as private:
        machine.ask(ada, "GetResourceTags", kind="workspace", resource_id="2")
    with pytest.raises(NotFound) as absent:
        machine.ask(ada, "GetResourceTags", kind="workspace", resource_id="9")
    assert str(private.value).replace("2", "9") == str(absent.value)
    assert private.value.code == absent.value.code


def test_workspaces_and_pools_have_tags_too(machine, ada):
    machine.ask(machine.owner, "CreatePool", Name="gpu")
    machine.ask(machine.owner, "TagResource", kind="pool", resource_id="gpu", Tags={"cost": "7"})
    machine.ask(machine.owner, "TagResource", kind="workspace", resource_id="1", Tags={"cost": "7"})

    found = machine.ask(machine.owner, "ListTaggedResources", Tags={"cost": "7"})["Resources"]
    assert [each["Kind"] for each in found] == ["pool", "workspace"]
    with pytest.raises(Forbidden):
        machine.ask(ada, "TagResource", kind="pool", resource_id="gpu", Tags={"cost": "8"})


def test_bad_tags_and_too_many_are_refused(machine, ada):
    for tags in ({"": "x"}, {"k" * 129: "x"}, {"k": "x" * 256}):
        with pytest.raises(InvalidInput):
            tag(machine, ada, "a", **tags)
    with pytest.raises(LimitReached):
        tag(machine, ada, "a", **{f"k{number}": "x" for number in range(21)})
    assert machine.ask(ada, "GetResourceTags", kind="notebook", resource_id="a")["Tags"] == {}


def test_tags_go_with_the_pool_or_the_workspace_that_had_them(machine):
    machine.ask(machine.owner, "CreatePool", Name="gpu")
    machine.ask(machine.owner, "TagResource", kind="pool", resource_id="gpu", Tags={"cost": "7"})
    workspace_id = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="vision")["WorkspaceId"]
    machine.ask(machine.owner, "TagResource", kind="workspace", resource_id=workspace_id, Tags={"cost": "7"})

    machine.ask(machine.owner, "DeletePool", name="gpu")
    machine.ask(machine.owner, "CreatePool", Name="gpu")
    machine.ask(machine.owner, "DeleteWorkspace", workspace_id=workspace_id)

    assert machine.ask(machine.owner, "ListTaggedResources", Tags={"cost": "7"})["Resources"] == []
