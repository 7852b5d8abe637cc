"""Who was removed is still named, and what they left can be listed, measured, started again and deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.notebooks.machine import Machine
from workbench.daemon.measuring import Measuring
from workbench.notebooks.records import Status, Wanted
from workbench.wire.call import Caller
from workbench.workspaces import Role
from workbench.workspaces.refusals import UserDisabled


@pytest.fixture
def gone(machine: Machine) -> Caller:
    """Somebody who was removed while their notebook runs on."""
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    machine.keep(user_id=ada.user_id, status=Status.RUNNING, address="172.18.0.2")
    machine.count_as_running(machine.record())
    machine.ask(machine.owner, "DeleteUser", user_id=ada.user_id, Sessions="keep")
    return ada


@pytest.fixture
def measuring(machine: Machine) -> Iterator[Measuring]:
    measuring = Measuring(machine.parts)
    yield measuring
    measuring.stop()


def test_a_removed_users_notebook_is_listed_under_their_name(machine: Machine, gone: Caller) -> None:
    (listed,) = machine.ask(machine.owner, "ListInstances")["Instances"]

    assert (listed["UserId"], listed["UserName"]) == (gone.user_id, "ada")


def test_a_removed_users_notebook_is_measured_under_their_name(
    gone: Caller, machine: Machine, measuring: Measuring
) -> None:
    measuring.start()
    deadline = time.monotonic() + 60
    while measuring.latest is None:
        assert time.monotonic() < deadline, "nothing is measured"
        time.sleep(0.05)

    assert measuring.latest.owners["notebook", "dsw-1"].user_name == "ada"


def test_a_removed_users_notebook_can_be_changed_and_deleted_by_who_runs_the_workspace(
    machine: Machine, gone: Caller
) -> None:
    machine.ask(machine.owner, "UpdateInstance", instance_id="dsw-1", InstanceName="heritage")
    machine.ask(machine.owner, "DeleteInstance", instance_id="dsw-1")

    assert (machine.record().name, machine.record().wanted) == ("heritage", Wanted.DELETED)


def test_nothing_new_begins_for_a_removed_user(machine: Machine, gone: Caller) -> None:
    machine.keep(id="dsw-2", name="other", user_id=gone.user_id, wanted=Wanted.STOPPED, status=Status.STOPPED)

    with pytest.raises(UserDisabled, match="ada"):
        machine.ask(machine.owner, "StartInstance", instance_id="dsw-2")
