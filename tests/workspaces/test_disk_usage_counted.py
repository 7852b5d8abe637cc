"""What a workspace's files take: counted now and then, shown, and held against its quota."""

from __future__ import annotations

import asyncio

import pytest

from workbench.telemetry import events
from workbench.workspaces import Amounts, Kind, Work, begin_work, count_disk_usage
from workbench.workspaces.quota import OverQuota

MIB = 2**20


@pytest.fixture
def machine(machine):
    machine.store.migrate([events.MIGRATIONS])
    return machine


def write(machine, name, mib):
    folder = machine.parts.storage.directories.shared(machine.first.workspace_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x" * mib * MIB)


def count(machine):
    return count_disk_usage(machine.parts, [machine.residents], machine.first.workspace_id)


def used(machine):
    answer = machine.ask(machine.owner, "GetWorkspaceQuota", workspace_id=machine.first.workspace_id)
    return answer["Used"]["DiskBytes"]


def begin(machine, id):
    work = Work(
        kind=Kind.NOTEBOOK,
        id=id,
        name=id,
        workspace_id=machine.first.workspace_id,
        user_id=machine.first.user_id,
        cpus=1,
        memory_bytes=1,
    )
    with machine.store.transaction() as db:
        begin_work(db, work, installed=Amounts(cpus=8, memory_bytes=2**30))


def limit(machine, mib):
    machine.ask(
        machine.owner,
        "UpdateWorkspaceQuota",
        workspace_id=machine.first.workspace_id,
        Quota={"DiskBytes": mib * MIB},
    )


def test_what_was_counted_is_shown(machine):
    write(machine, "data", 3)
    count(machine)

    assert 3 * MIB <= used(machine) < 4 * MIB


def test_it_is_counted_again_only_when_its_time_has_come(machine):
    count(machine)
    write(machine, "data", 3)
    assert count(machine).after_s > 60
    assert used(machine) < MIB

    machine.clock.move(minutes=3)
    count(machine)
    assert used(machine) >= 3 * MIB


def test_nothing_new_begins_while_the_files_take_more_than_the_quota(machine):
    limit(machine, 2)
    write(machine, "data", 3)
    count(machine)
    with pytest.raises(OverQuota, match="files take"):
        begin(machine, "dsw-1")

    write(machine, "data", 1)
    machine.clock.move(minutes=3)
    count(machine)
    begin(machine, "dsw-1")


def test_what_runs_hears_once_that_the_files_take_too_much(machine):
    limit(machine, 2)
    count(machine)
    begin(machine, "dsw-1")
    write(machine, "data", 3)
    for _ in range(3):
        machine.clock.move(minutes=11)
        count(machine)

    with machine.store.reading() as db:
        told = events.of(db, Kind.NOTEBOOK, "dsw-1")
    assert [each.reason for each in told] == ["OverDiskQuota"]


def test_whoever_watches_hears_it_too(machine):
    limit(machine, 2)
    write(machine, "data", 3)

    async def first_change():
        follower = machine.parts.live.follow()
        hears = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        await asyncio.to_thread(count, machine)
        return await asyncio.wait_for(hears, 60)

    assert asyncio.run(first_change()).status == "OverDiskQuota"
