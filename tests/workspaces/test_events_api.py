"""What happened, asked for over the wire and by the command."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.telemetry import Event, Level, events
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation
from workbench.workspaces import Place


@pytest.fixture
def machine(machine):
    machine.store.migrate([events.MIGRATIONS])
    machine.places["dsw-1"] = Place(workspace_id=machine.first.workspace_id, owner_id="", name="train")
    for number in range(5):
        add(machine, number)
    return machine


def add(machine, number, id="dsw-1"):
    event = Event(
        kind="notebook",
        id=id,
        workspace_id=machine.first.workspace_id,
        time=machine.clock(),
        level=Level.WARNING if number == 2 else Level.NORMAL,
        reason="Running",
        message=f"number {number}",
    )
    with machine.store.transaction() as db:
        events.add(db, event)


def test_events_say_what_happened_to_what_under_the_name_it_has_now(machine):
    add(machine, 5, id="dsw-gone")

    answer = machine.ask(machine.owner, "ListEvents", Limit=2)

    assert undeclared(operation("workbench", "ListEvents"), answer) == []
    assert [(each["Name"], each["Message"]) for each in answer["Events"]] == [
        ("dsw-gone", "number 5"),
        ("train", "number 4"),
    ]


def test_all_pages_together_are_everything_once(machine):
    seen, before = [], None
    while before != 0:
        asked = {"Before": before} if before else {}
        answer = machine.ask(machine.owner, "ListEvents", Limit=2, **asked)
        seen += [each["Message"] for each in answer["Events"]]
        before = answer["NextBefore"]

    assert seen == [f"number {number}" for number in (4, 3, 2, 1, 0)]


def test_events_are_picked_by_level(machine):
    [warning] = machine.ask(machine.owner, "ListEvents", Level="Warning")["Events"]

    assert warning["Message"] == "number 2"
    for wrong in ({"Level": "Loud"}, {"Limit": 0}, {"Since": "yesterday"}):
        with pytest.raises(InvalidInput):
            machine.ask(machine.owner, "ListEvents", **wrong)


def test_an_event_is_in_a_range_that_ends_with_the_time_it_is_told_with(machine):
    machine.clock.move(seconds=0.7006)
    add(machine, 5)
    told = machine.ask(machine.owner, "ListEvents", Limit=1)["Events"][0]["Time"]

    for until in (told, told[:19] + "Z"):
        newest = machine.ask(machine.owner, "ListEvents", Until=until, Limit=1)["Events"][0]
        assert newest["Message"] == "number 5", until
