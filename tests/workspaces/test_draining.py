"""All GPUs drained, as before their driver is exchanged."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.scheduler.machines import NOW, a_request
from workbench import scheduler
from workbench.errors import Forbidden
from workbench.node import Gpu, GpuReading, Inventory
from workbench.scheduler import records
from workbench.workqueue import WorkQueue
from workbench.workspaces import Amounts, Kind, Role, Work, begin_work

GIB = 2**30
GPUS = tuple(Gpu(index=each, uuid=f"GPU-{each}", memory_bytes=40 * GIB) for each in range(2))


@pytest.fixture
def machine(machine):
    """One with two GPUs, the first held by a notebook."""
    machine.store.migrate([scheduler.MIGRATIONS])
    inventory = Inventory(cpus=8, memory_bytes=32 * GIB, graphics=GpuReading(gpus=GPUS))
    machine.parts = replace(
        machine.parts,
        node=SimpleNamespace(inventory=lambda **_: inventory),
        queue=WorkQueue(workers=1, resync_s=60),
    )
    holder = a_request(scheduler.Whole(1), kind="notebook", id="dsw-1")
    with machine.store.transaction() as db:
        for id, gpus in (("dsw-1", 1), ("dsw-2", 0)):
            work = Work(
                kind=Kind.NOTEBOOK,
                id=id,
                name=id,
                workspace_id="1",
                user_id="1",
                cpus=1,
                memory_bytes=1,
                gpus=gpus,
            )
            begin_work(db, work, installed=Amounts(cpus=8, memory_bytes=GIB, gpus=2))
        records.know_cards(db, {each.uuid: each.memory_bytes for each in GPUS})
        records.put(db, holder)
        records.allocate(db, holder, [scheduler.Grant(("GPU-0",))], NOW)
    return machine


def cordoned(machine):
    with machine.store.reading() as db:
        return {uuid: card.cordoned for uuid, card in scheduler.on_record(db).items()}


def test_no_gpu_gets_new_work_and_what_holds_one_is_named_and_goes_on(machine):
    answer = machine.ask(machine.owner, "DrainGpus", Reason="a new driver")

    assert answer["Running"] == ["notebook dsw-1"]
    assert set(cordoned(machine).values()) == {"Drained by root: a new driver."}
    assert machine.stopped == []


def test_a_forced_draining_stops_what_holds_a_gpu_and_nothing_else(machine):
    machine.ask(machine.owner, "DrainGpus", Force=True)

    assert machine.stopped == ["dsw-1"]


def test_a_card_that_was_cordoned_for_itself_stays_so(machine):
    with machine.store.transaction() as db:
        scheduler.cordon(db, "GPU-1", 40 * GIB, "Cordoned by root: a broken fan.")
    machine.ask(machine.owner, "DrainGpus")
    assert machine.ask(machine.owner, "ResumeGpus")["Gpus"] == ["GPU-0"]

    assert cordoned(machine) == {"GPU-0": "", "GPU-1": "Cordoned by root: a broken fan."}


def test_only_the_machines_owner_drains(machine):
    admin = machine.join(Role.ADMIN, 2001)
    for action in ("DrainGpus", "ResumeGpus"):
        with pytest.raises(Forbidden):
            machine.ask(admin, action)
