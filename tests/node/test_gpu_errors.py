"""Listening to the driver's errors, with the emulated library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import enumerate as all_threads

import pynvml
import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from workbench.node import GpuError, GpuErrors

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]

_SOON_S = 60.0


class Ears:
    """What was heard, by card and number."""

    def __init__(self) -> None:
        self._heard: SimpleQueue[GpuError] = SimpleQueue()
        self.errors = GpuErrors(self._heard.put, again_s=0.2)

    def next(self) -> tuple[str, int, int | None]:
        error = self._heard.get(timeout=_SOON_S)
        return error.uuid, error.xid, error.instance

    def until_heard(self, make: Callable[[], None]) -> tuple[str, int, int | None]:
        """Make an error again and again until somebody listens; what was told before is nothing new."""
        deadline = time.monotonic() + _SOON_S
        while time.monotonic() < deadline:
            make()
            try:
                error = self._heard.get(timeout=0.2)
            except Empty:
                continue
            return error.uuid, error.xid, error.instance
        raise AssertionError("nobody listens")

    def forget(self) -> None:
        while not self._heard.empty():
            self._heard.get()


@pytest.fixture
def ears() -> Iterator[Ears]:
    ears = Ears()
    yield ears
    ears.errors.stop()
    until(lambda: not any(each.name.startswith("xid-") for each in all_threads()))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def held() -> bool:
    """Whether this process holds the driver."""
    try:
        pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        return bool(error.value != pynvml.NVML_ERROR_UNINITIALIZED)
    return True


def test_an_error_is_told_with_its_card(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(2)
    ears.errors.follow(machine.uuids)

    assert ears.until_heard(lambda: machine.xid(1, 31)) == (machine.uuids[1], 31, None)


def test_an_error_of_one_part_of_a_divided_card_is_told_as_its(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(1)
    machine.divide(0, 3, 3)
    ears.errors.follow(machine.uuids)

    assert ears.until_heard(lambda: machine.xid(0, 13, gi=2)) == (machine.uuids[0], 13, 2)


def test_a_card_that_is_lost_says_so_and_is_heard_again_when_it_is_back(
    machine_here: StartHere, ears: Ears
) -> None:
    machine = machine_here(2)
    ears.errors.follow(machine.uuids)
    ears.until_heard(lambda: machine.xid(0, 31))
    ears.forget()

    machine.lose(0)
    assert ears.next() == (machine.uuids[0], 79, None)
    assert ears.until_heard(lambda: machine.xid(1, 43)) == (machine.uuids[1], 43, None)

    machine.recover(0)
    ears.forget()
    assert ears.until_heard(lambda: machine.xid(0, 48)) == (machine.uuids[0], 48, None)


def test_a_driver_that_goes_and_comes_back_is_listened_to_again(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(1)
    machine.remove_driver()
    ears.errors.follow(machine.uuids)
    machine.restore_driver()
    ears.until_heard(lambda: machine.xid(0, 31))

    machine.remove_driver()
    until(lambda: not held())
    machine.restore_driver()
    ears.forget()

    assert ears.until_heard(lambda: machine.xid(0, 48)) == (machine.uuids[0], 48, None)


def test_a_card_that_hangs_makes_no_other_deaf(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(2)
    machine.hang(0, 3)
    ears.errors.follow(machine.uuids)

    assert ears.until_heard(lambda: machine.xid(1, 31)) == (machine.uuids[1], 31, None)


@pytest.mark.parametrize(
    "function", ["nvmlDeviceRegisterEvents", "nvmlDeviceGetSupportedEventTypes", "nvmlDeviceGetHandleByUUID"]
)
def test_whatever_the_driver_answers_it_is_asked_again(
    function: str, machine_here: StartHere, ears: Ears
) -> None:
    machine = machine_here(1)
    machine.fail(0, function, pynvml.NVML_ERROR_UNKNOWN)
    ears.errors.follow(machine.uuids)
    until(lambda: any(each.name.startswith("xid-") for each in all_threads()))
    machine.recover(0)

    assert ears.until_heard(lambda: machine.xid(0, 31))[1] == 31


def test_a_card_that_reports_nothing_is_let_alone(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(1)
    machine.set(0, event_types=0)
    ears.errors.follow(machine.uuids)

    until(lambda: not any(each.name.startswith("xid-") for each in all_threads()))
    assert not held()


def test_the_driver_is_let_go_for_who_wants_to_reset_a_card(machine_here: StartHere, ears: Ears) -> None:
    machine = machine_here(2)
    ears.errors.follow(machine.uuids)
    ears.until_heard(lambda: machine.xid(0, 31))
    assert held()

    ears.errors.follow(())

    until(lambda: not held())
