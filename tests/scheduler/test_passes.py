"""A pass on an emulated machine: what the driver says decides with what is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from tests.scheduler.machines import GIB, NOW, a_request
from workbench.node import Gpu, GpuState, Node
from workbench.node.gpu_counters import GpuSample
from workbench.scheduler import MIGRATIONS, Granted, Overcommit, Waiting, placement, queue, schedule
from workbench.scheduler.cards import OnRecord, card
from workbench.scheduler.requests import Key, Request, Share, Slice, Whole
from workbench.store import Store

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]


class Queue:
    """The queue of one machine."""

    def __init__(self, folder: Path) -> None:
        self.node = Node({})
        self.store = Store(folder / "state.db")
        self.store.migrate([MIGRATIONS])

    def ask(self, *asked: Request) -> list[Granted | Waiting | None]:
        with self.store.transaction() as db:
            for each in asked:
                queue.ask(db, each)
        self.look()
        return [self.placement(each.key) for each in asked]

    def look(self) -> tuple[Key, ...]:
        return schedule(self.store, self.node, Overcommit(16, 4), NOW).changed

    def placement(self, key: Key) -> Granted | Waiting | None:
        with self.store.reading() as db:
            return placement(db, key)

    def give_back(self, request: Request) -> None:
        with self.store.transaction() as db:
            queue.give_back(db, request.key, NOW)


@pytest.fixture
def queue_here(tmp_path: Path) -> Iterator[Queue]:
    here = Queue(tmp_path)
    yield here
    here.store.close()


def test_a_card_is_given_by_its_uuid(machine_here: StartHere, queue_here: Queue) -> None:
    machine = machine_here(2)

    [granted] = queue_here.ask(a_request(Whole(2)))

    assert isinstance(granted, Granted)
    assert list(granted.grants[0].uuids) == machine.uuids


def test_what_strangers_use_is_not_given_away(machine_here: StartHere, queue_here: Queue) -> None:
    machine = machine_here(1)
    machine.add_process(0, 4242, 30 * GIB)

    [waiting, granted] = queue_here.ask(a_request(Whole(1)), a_request(Share(5 * GIB), priority=9))

    assert isinstance(waiting, Waiting)
    assert isinstance(granted, Granted)


def test_a_freed_card_is_given_once_its_memory_is_back(machine_here: StartHere, queue_here: Queue) -> None:
    machine = machine_here(1)
    first, second = a_request(Whole(1)), a_request(Whole(1))
    queue_here.ask(first)
    machine.set_base_memory(0, 3000)
    queue_here.give_back(first)

    [waiting] = queue_here.ask(second)
    assert isinstance(waiting, Waiting)
    assert "although its holder is gone" in waiting.reason
    machine.set_base_memory(0, 0)
    queue_here.look()

    assert isinstance(queue_here.placement(second.key), Granted)


def test_a_card_that_hangs_stops_nothing_but_itself(machine_here: StartHere, queue_here: Queue) -> None:
    machine = machine_here(2)
    queue_here.look()
    machine.hang(0, 3)

    granted, waiting = queue_here.ask(a_request(Whole(1)), a_request(Whole(1)))

    assert isinstance(granted, Granted)
    assert granted.grants[0].uuids == (machine.uuids[1],)
    assert isinstance(waiting, Waiting)
    machine.recover(0)


def test_a_lost_card_marks_its_holder_until_it_works_again(
    machine_here: StartHere, queue_here: Queue
) -> None:
    machine, request = machine_here(1), a_request(Whole(1))
    queue_here.ask(request)
    machine.lose(0)

    assert queue_here.look() == (request.key,)
    marked = queue_here.placement(request.key)
    assert isinstance(marked, Granted)
    assert machine.uuids[0] in marked.lost
    machine.recover(0)
    queue_here.look()

    assert queue_here.placement(request.key) == Granted(marked.grants)


def test_a_driver_that_goes_takes_nothing_from_who_holds(machine_here: StartHere, queue_here: Queue) -> None:
    machine, request = machine_here(1), a_request(Whole(1))
    queue_here.ask(request)
    machine.remove_driver()
    queue_here.node.inventory(afresh=True)
    queue_here.look()

    marked = queue_here.placement(request.key)

    assert isinstance(marked, Granted)
    assert "not loaded" in marked.lost


def test_a_driver_that_was_updated_marks_nobody_and_gives_nothing_new(
    machine_here: StartHere, queue_here: Queue
) -> None:
    machine, runs = machine_here(2), a_request(Whole(1))
    queue_here.ask(runs)
    machine.upgrade_driver()
    queue_here.node.inventory(afresh=True)

    [waiting] = queue_here.ask(a_request(Whole(1)))

    assert isinstance(waiting, Waiting)
    placed = queue_here.placement(runs.key)
    assert isinstance(placed, Granted)
    assert not placed.lost


def test_instances_of_a_divided_card_are_given_one_by_one(machine_here: StartHere, queue_here: Queue) -> None:
    parts = machine_here(1).divide(0, 1, 1)

    given = queue_here.ask(*(a_request(Slice("1g.5gb")) for _ in range(3)))

    uuids = [each.grants[0].uuids[0] for each in given if isinstance(each, Granted)]
    assert sorted(uuids) == sorted(parts)
    assert isinstance(given[2], Waiting)


def test_where_the_driver_tells_no_memory_the_record_has_to_do_after_a_while() -> None:
    gpu = Gpu(index=0, uuid="GPU-0", name="GB10", memory_bytes=40 * GIB)
    silent = GpuState(sample=GpuSample(uuid="GPU-0"))
    freed = OnRecord(freed_at=NOW)

    assert card(gpu, silent, freed, NOW + timedelta(seconds=5)).settling
    assert not card(gpu, silent, freed, NOW + timedelta(minutes=3)).settling
    assert not card(gpu, silent, freed, NOW - timedelta(days=3)).settling, "a clock that was set back"
