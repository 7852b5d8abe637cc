import pytest

from workbench.errors import Forbidden, NotFound
from workbench.wire.call import Caller
from workbench.workspaces import Role, require, require_on_machine


def ask(machine, caller, operation, owner_id=""):
    with machine.store.reading() as db:
        require(db, caller, machine.first.workspace_id, operation, owner_id)


def test_a_developer_deletes_only_what_is_theirs(machine):
    developer = machine.join(Role.DEVELOPER, 2001)

    ask(machine, developer, "DeleteInstance", developer.user_id)
    with pytest.raises(Forbidden, match="another member's"):
        ask(machine, developer, "DeleteInstance", machine.first.user_id)


def test_a_guest_only_reads(machine):
    guest = machine.join(Role.GUEST, 2001)

    ask(machine, guest, "GetInstance", machine.first.user_id)
    with pytest.raises(Forbidden, match=Role.DEVELOPER) as refused:
        ask(machine, guest, "CreateInstance")
    assert refused.value.status == 403


def test_a_workspace_does_not_exist_for_who_is_not_in_it(machine):
    stranger = machine.add_user("eve", 2009)
    caller = Caller(user_id=stranger.user_id, name="eve")
    with machine.store.reading() as db:
        with pytest.raises(NotFound) as private:
            require(db, caller, machine.first.workspace_id, "GetInstance")
        with pytest.raises(NotFound) as absent:
            require(db, caller, "999", "GetInstance")

    assert str(private.value).replace(machine.first.workspace_id, "999") == str(absent.value)


def test_the_machines_owner_may_everything_where_there_is_something(machine):
    owner = Caller(user_id=machine.first.user_id, name="root", owner=True)

    ask(machine, owner, "DeleteInstance", "77")
    with machine.store.reading() as db, pytest.raises(NotFound):
        require(db, owner, "999", "GetInstance")


@pytest.mark.parametrize("spelling", ["01", " 1", "1 ", "1.0", "1e0", "+1", "１", "", "%31", "1'--"])
def test_an_id_has_one_spelling(machine, spelling):
    owner = Caller(user_id=machine.first.user_id, name="root", owner=True)
    with machine.store.reading() as db, pytest.raises(NotFound):
        require(db, owner, spelling, "GetInstance")


def test_some_things_are_the_machine_owners_alone(machine):
    user = Caller(user_id="7", name="ada")

    require_on_machine(user, "GetStatus")
    with pytest.raises(Forbidden):
        require_on_machine(user, "UpdateDefaultWorkspace")


def test_what_is_private_is_known_to_its_owner_and_to_who_runs_the_workspace(machine):
    developer, operator = machine.join(Role.DEVELOPER, 2001), machine.join(Role.OPERATOR, 2002)
    with machine.store.reading() as db:
        for caller, owner in ((developer, developer), (operator, developer), (machine.owner, developer)):
            require(db, caller, machine.first.workspace_id, "GetInstance", owner.user_id, private=True)
        with pytest.raises(NotFound):
            require(db, developer, machine.first.workspace_id, "GetInstance", operator.user_id, private=True)
