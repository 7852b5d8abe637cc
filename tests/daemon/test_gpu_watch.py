"""What becomes of a card that the driver reports an error of, and of who holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pynvml
import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from tests.scheduler.machines import NOW, a_request
from tests.small_disk import filled, small_disk
from workbench import scheduler
from workbench.daemon.gpu_watch import GpuWatch, boot_id
from workbench.node import GpuError, Node
from workbench.parts import Parts
from workbench.scheduler import Fault, Granted, Overcommit, Request, Slice, Waiting, Whole
from workbench.store import Store
from workbench.telemetry import Change, Event, Level, Live, events
from workbench.telemetry.known_pods import KnownPods
from workbench.telemetry.sampler import Attribution, Sampler
from workbench.workqueue import WorkQueue

__all__ = ["emulated_machine", "machine_here", "small_disk"]

StartHere = Callable[[int], Machine]


class Watched(Live):
    """What was told, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Change] = []

    def tell(self, change: Change) -> None:
        self.told.append(change)


class Daemon:
    """As much of a daemon as a card's error passes through; another one may take over its home."""

    def __init__(self, home: Path) -> None:
        self.store = Store(home / "state.db")
        self.store.migrate([events.MIGRATIONS, scheduler.MIGRATIONS])
        self.node = Node({})
        self.live = Watched()
        nothing = dict.fromkeys(each.name for each in fields(Parts))
        given: dict[str, Any] = {
            "store": self.store,
            "node": self.node,
            "live": self.live,
            "queue": WorkQueue(workers=1, resync_s=60),
            "now": lambda: datetime.now(UTC),
        }
        self.watch = GpuWatch(Parts(**{**nothing, **given}))
        pods = KnownPods(list)
        self._sampler = Sampler(self.node, pods, lambda: Attribution({}, {}), lambda _: None, every_s=1)
        self.look()

    def look(self) -> None:
        """Take a look at the cards, as happens every few seconds."""
        self.watch.look(self._sampler.sample())

    def ask(self, request: Request) -> Granted | Waiting | None:
        with self.store.transaction() as db:
            scheduler.ask(db, request)
        return self.placement(request)

    def placement(self, request: Request) -> Granted | Waiting | None:
        scheduler.schedule(self.store, self.node, Overcommit(16, 4), NOW)
        with self.store.reading() as db:
            return scheduler.placement(db, request.key)

    def report(self, uuid: str, xid: int, *, instance: int | None = None) -> None:
        """The driver reports an error."""
        self.watch.heard(GpuError(uuid=uuid, xid=xid, at=datetime.now(UTC), instance=instance))

    def events(self, kind: str, id: str) -> list[Event]:
        with self.store.reading() as db:
            return events.of(db, kind, id)

    def fault(self, uuid: str) -> Fault | None:
        with self.store.reading() as db:
            return scheduler.faults.known(db).get(uuid)

    def end(self) -> None:
        self.watch.stop()
        self.store.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons of one home, for which a card that answers late has only a busy machine."""
    monkeypatch.setattr("workbench.node._CARD_ANSWERS_WITHIN_S", 60)
    started: list[Daemon] = []

    def start(home: Path = tmp_path) -> Daemon:
        started.append(Daemon(home))
        return started[-1]

    yield start
    for each in started:
        each.end()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lost(placement: Granted | Waiting | None) -> str:
    assert isinstance(placement, Granted)
    return placement.lost


def test_what_the_driver_reports_takes_the_card_out_and_marks_its_holder(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, holder = machine_here(1), a_request(Whole(1))
    daemon = start()
    daemon.ask(holder)

    def reported() -> bool:
        machine.xid(0, 48)
        return daemon.fault(machine.uuids[0]) is not None

    until(reported)

    assert "XID 48" in lost(daemon.placement(holder))
    [event] = daemon.events("gpu", machine.uuids[0])
    assert (event.level, "uncordon" in event.message) == (Level.ERROR, True)
    [told] = daemon.events(*holder.key)
    assert "Save what you can" in told.message
    assert [(each.kind, each.status) for each in daemon.live.told] == [
        ("gpu", "Well"),
        ("gpu-error", "XID48"),
        ("gpu", "XID48"),
    ]


def test_a_card_that_falls_ill_and_is_well_again_is_told_at_the_next_look(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(2), start()
    machine.set(1, lost=True)
    daemon.look()
    daemon.look()
    machine.recover(1)
    daemon.look()

    told = [each.status for each in daemon.live.told if each.id == machine.uuids[1]]
    assert told == ["Well", "Ill", "Well"]


def test_no_new_work_goes_to_a_broken_card_and_its_reason_says_what_to_do(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    daemon.report(machine.uuids[0], 119)

    waiting = daemon.ask(a_request(Whole(1)))

    assert isinstance(waiting, Waiting)
    assert "XID 119" in waiting.reason
    assert "Reset the card" in waiting.reason


def test_a_worn_card_lets_its_work_go_on_and_takes_no_more(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon, holder = machine_here(1), start(), a_request(Whole(1))
    daemon.ask(holder)
    daemon.report(machine.uuids[0], 94)

    assert lost(daemon.placement(holder)) == ""
    assert "may go on" in daemon.events(*holder.key)[0].message
    assert isinstance(daemon.ask(a_request(Whole(1))), Waiting)


def test_a_programs_mistake_is_told_to_who_holds_the_card_and_changes_nothing(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon, holder, other = machine_here(2), start(), a_request(Whole(1)), a_request(Whole(1))
    daemon.ask(holder)
    daemon.ask(other)
    for _ in range(1000):  # a program in a loop
        daemon.report(machine.uuids[0], 31)

    [event] = daemon.events(*holder.key)
    assert (event.level, "XID 31" in event.message) == (Level.WARNING, True)
    assert len(daemon.events("gpu", machine.uuids[0])) == 1
    assert daemon.events(*other.key) == []
    assert daemon.fault(machine.uuids[0]) is None


def test_an_error_in_one_part_of_a_divided_card_is_told_to_who_has_that_part(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine = machine_here(1)
    first, second = machine.divide(0, 3, 3)
    daemon = start()
    one, two = a_request(Slice(first)), a_request(Slice(second))
    daemon.ask(one)
    daemon.ask(two)

    daemon.report(machine.uuids[0], 13, instance=machine.gpu(0)["mig"]["devices"][1]["gi"])

    assert daemon.events(*one.key) == []
    assert len(daemon.events(*two.key)) == 1


def test_the_first_error_is_the_reason_unless_a_later_one_is_worse(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    for xid in (63, 48, 94, 45):
        daemon.report(machine.uuids[0], xid)

    fault = daemon.fault(machine.uuids[0])
    assert fault and fault.xid == 48
    assert len(daemon.events("gpu", machine.uuids[0])) == 4


def test_a_card_that_fails_on_and_on_is_told_once_a_minute_and_taken_out_each_time(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    for _ in range(100):
        for xid in (48, 94, 64):
            daemon.report(machine.uuids[0], xid)
    assert len(daemon.events("gpu", machine.uuids[0])) == 3

    with daemon.store.transaction() as db:
        scheduler.faults.clear(db, machine.uuids[0])  # its owner let it back too early
    daemon.report(machine.uuids[0], 48)
    assert daemon.fault(machine.uuids[0])


def test_a_fault_outlasts_the_daemon(machine_here: StartHere, start: Callable[..., Daemon]) -> None:
    machine, daemon, holder = machine_here(1), start(), a_request(Whole(1))
    daemon.ask(holder)
    daemon.report(machine.uuids[0], 48)

    after = start()

    assert "XID 48" in lost(after.placement(holder))


@pytest.mark.parametrize("restarted", [False, True], ids=["same-daemon", "another-daemon"])
def test_a_card_that_was_gone_and_answers_again_is_back(
    restarted: bool, machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon, holder = machine_here(1), start(), a_request(Whole(1))
    daemon.ask(holder)
    daemon.report(machine.uuids[0], 79)
    machine.set(0, lost=True)
    daemon.look()
    after = start() if restarted else daemon
    machine.recover(0)
    after.node.inventory(afresh=True)
    after.look()

    assert after.fault(machine.uuids[0]) is None
    assert lost(after.placement(holder)) == ""
    assert after.events("gpu", machine.uuids[0])[-1].reason == "GPUBack"


def test_a_card_whose_loss_was_seen_before_it_was_reported_is_back_when_it_answers(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    machine.set(0, lost=True)
    daemon.look()
    daemon.report(machine.uuids[0], 79)
    assert daemon.fault(machine.uuids[0])
    machine.recover(0)
    daemon.node.inventory(afresh=True)
    daemon.look()

    assert daemon.fault(machine.uuids[0]) is None


def test_another_error_of_a_card_that_just_came_back_keeps_it_out(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    machine.set(0, lost=True)
    daemon.look()
    machine.recover(0)
    daemon.report(machine.uuids[0], 48)
    daemon.node.inventory(afresh=True)
    daemon.look()

    assert daemon.fault(machine.uuids[0])


def test_a_driver_that_was_loaded_anew_brings_its_cards_back(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    daemon.report(machine.uuids[0], 95)
    machine.remove_driver()
    daemon.node.inventory(afresh=True)
    daemon.look()
    machine.restore_driver()
    daemon.node.inventory(afresh=True)
    daemon.look()

    assert daemon.fault(machine.uuids[0]) is None


@pytest.mark.parametrize("error", [pynvml.NVML_ERROR_UNKNOWN, pynvml.NVML_ERROR_RESET_REQUIRED])
def test_a_card_that_only_refused_to_answer_for_a_while_is_still_broken(
    error: int, machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    daemon.report(machine.uuids[0], 48)
    machine.fail(0, "*", error)
    daemon.look()
    machine.recover(0)
    daemon.look()
    machine.upgrade_driver()
    daemon.node.inventory(afresh=True)
    daemon.look()
    machine.restore_driver()
    daemon.node.inventory(afresh=True)
    daemon.look()

    assert daemon.fault(machine.uuids[0]) is not None


def test_the_machines_next_start_ends_all_faults(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    daemon.report(machine.uuids[0], 79)
    fault = daemon.fault(machine.uuids[0])
    assert fault and fault.boot == boot_id()
    with daemon.store.transaction() as db:
        scheduler.faults.clear(db, machine.uuids[0])
        scheduler.faults.note(db, machine.uuids[0], replace(fault, boot="the one before"))

    start()

    assert daemon.fault(machine.uuids[0]) is None


def test_an_error_while_the_disk_is_full_is_written_once_there_is_room(
    machine_here: StartHere, start: Callable[..., Daemon], small_disk: Path
) -> None:
    machine, daemon = machine_here(1), start(small_disk)
    with filled(small_disk):
        daemon.report(machine.uuids[0], 48)
        daemon.look()
    daemon.look()

    fault = daemon.fault(machine.uuids[0])
    assert fault and fault.xid == 48


def test_the_driver_is_not_held_while_somebody_sees_to_a_card(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(2), start()
    until(held)
    with daemon.store.transaction() as db:
        scheduler.cordon(db, machine.uuids[1], 1, "Cordoned by ada.")
    daemon.look()
    until(lambda: not held())

    with daemon.store.transaction() as db:
        scheduler.cordon(db, machine.uuids[1], 1, "")
    daemon.look()
    until(held)


def held() -> bool:
    """Whether this process holds the driver."""
    try:
        pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError_Uninitialized:
        return False
    return True


def test_a_card_that_is_back_is_listened_to_at_once(
    machine_here: StartHere, start: Callable[..., Daemon]
) -> None:
    machine, daemon = machine_here(1), start()
    until(held)
    machine.set(0, lost=True)
    daemon.look()
    until(lambda: not held())

    machine.recover(0)
    daemon.look()

    def told() -> bool:
        machine.xid(0, 31)
        return daemon.events("gpu", machine.uuids[0]) != []

    until(told)
