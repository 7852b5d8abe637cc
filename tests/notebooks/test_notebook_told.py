"""Whoever changes a notebook, its owner reads why in its events, and whoever watches hears of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.examples import NOW
from tests.notebooks.machine import Machine
from workbench import notebooks
from workbench.node.room import DiskAlmostFull
from workbench.notebooks import rules
from workbench.notebooks.records import IdleLimit, Status, Wanted
from workbench.telemetry import Change, events
from workbench.workspaces import Role


@pytest.fixture
def running(machine: Machine) -> Machine:
    """A machine with a notebook of ada's that runs."""
    ada = machine.join("ada", 2001, Role.DEVELOPER)
    machine.keep(user_id=ada.user_id, status=Status.RUNNING, running_since=NOW, last_active=NOW)
    machine.count_as_running(machine.record())
    return machine


def heard(machine: Machine, act: Callable[[], object]) -> Change:
    """The first change that a watcher hears of when this is done."""

    async def watch() -> Change:
        async with asyncio.timeout(20):
            first = asyncio.ensure_future(anext(machine.parts.live.follow()))
            await asyncio.sleep(0)  # it listens from its first step on
            await asyncio.to_thread(act)
            return await first

    return asyncio.run(watch())


def told(machine: Machine) -> list[tuple[str, str]]:
    with machine.parts.store.reading() as db:
        return [(each.reason, each.message) for each in events.of(db, notebooks.KIND, "dsw-1")]


def shut_out(machine: Machine) -> None:
    owner = machine.record().user_id
    machine.ask(machine.owner, "UpdateUser", user_id=owner, Enabled=False, Sessions="stop")


@pytest.mark.parametrize(
    ("act", "event"),
    [
        (shut_out, ("Withdrawn", "What it ran by was withdrawn.")),
        (
            lambda machine: notebooks.stop_all(machine.parts),
            ("WorkbenchStopped", "Workbench was stopped."),
        ),
        (
            lambda machine: machine.ask(machine.owner, "StopInstance", instance_id="dsw-1"),
            ("Stopping", "Stop asked for by root."),
        ),
    ],
)
def test_a_stop_is_told_with_its_reason_as_soon_as_it_is_on_record(
    running: Machine, act: Callable[[Machine], object], event: tuple[str, str]
) -> None:
    change = heard(running, lambda: act(running))

    assert (change.id, change.status) == ("dsw-1", Status.STOPPING)
    assert told(running) == [event]


def test_a_deletion_with_its_workspace_is_told(machine: Machine) -> None:
    workspace = machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="lab")["WorkspaceId"]
    machine.keep(workspace_id=workspace, status=Status.STOPPED, wanted=Wanted.STOPPED)

    change = heard(machine, lambda: machine.ask(machine.owner, "DeleteWorkspace", workspace_id=workspace))

    assert (change.id, change.status) == ("dsw-1", Status.DELETING)


@pytest.mark.parametrize(
    ("action", "fields"), [("StartInstance", {}), ("UpdateInstance", {"StartInstance": True, "Priority": 2})]
)
def test_a_start_is_told_in_whichever_way_it_is_asked_for(
    machine: Machine, action: str, fields: dict[str, Any]
) -> None:
    machine.keep(status=Status.STOPPED, wanted=Wanted.STOPPED)

    machine.ask(machine.owner, action, instance_id="dsw-1", **fields)

    assert machine.record().status is Status.STARTING
    assert told(machine) == [("Starting", "Start asked for by root.")]


@pytest.mark.parametrize(
    ("action", "fields"), [("StartInstance", {}), ("UpdateInstance", {"StartInstance": True, "Priority": 2})]
)
def test_nothing_is_started_on_a_disk_that_is_almost_full(
    tmp_path: Path, action: str, fields: dict[str, Any]
) -> None:
    machine = Machine(tmp_path, disk_floor_gib=10**6)
    machine.keep(status=Status.STOPPED, wanted=Wanted.STOPPED)

    with pytest.raises(DiskAlmostFull, match="disk_floor_gib"):
        machine.ask(machine.owner, action, instance_id="dsw-1", **fields)
    machine.ask(machine.owner, "UpdateInstance", instance_id="dsw-1", Priority=3)

    assert (machine.record().status, machine.record().priority) == (Status.STOPPED, 3)


def test_what_is_asked_for_twice_is_told_once(running: Machine) -> None:
    for _ in range(2):
        running.ask(running.owner, "StopInstance", instance_id="dsw-1")

    assert len(told(running)) == 1


def test_a_warning_that_is_taken_back_is_told(machine: Machine) -> None:
    machine.keep(
        status=Status.RUNNING,
        running_since=NOW,
        last_active=NOW,
        idle_limit=IdleLimit(minutes=10),
        reason_code=rules.IDLE_SOON,
        reason="It was not in use for a while.",
    )

    change = heard(
        machine, lambda: machine.ask(machine.owner, "DeleteIdleInstanceCuller", instance_id="dsw-1")
    )

    assert (change.status, change.message) == (Status.RUNNING, "")
    assert told(machine) == [("Running", "The notebook is Running.")]
