"""What a card tells of its own health, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable

import pynvml
import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from workbench.node.gpu_counters import sample
from workbench.node.gpus import read_now

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]


def problem() -> str:
    [gpu] = read_now().gpus
    return gpu.problem


@pytest.mark.parametrize(("state", "said"), [("failure", "Exchange the card"), ("pending", "Reset the card")])
def test_rows_that_are_not_replaced_are_a_reason_to_refuse_work(
    state: str, said: str, machine_here: StartHere
) -> None:
    machine = machine_here(1)
    machine.set_rows(0, state)
    assert said in problem()

    machine.set_rows(0, "sound")
    assert problem() == ""


def test_an_older_card_whose_page_waits_to_be_retired_asks_for_a_reset(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set(0, remapped=None, retired_pages_pending=1)

    assert "page of its memory waits" in problem()


@pytest.mark.parametrize(
    ("cause", "said"), [("heat", "too hot"), ("power", "power supply"), ("hardware", "its own hardware")]
)
def test_a_card_that_is_slowed_down_warns_and_works(cause: str, said: str, machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set_slowdown(0, cause)

    [warning] = sample(machine.uuids[0]).warnings
    assert said in warning
    assert problem() == ""

    machine.set_slowdown(0, "nothing")
    assert sample(machine.uuids[0]).warnings == ()


def test_a_driver_that_knows_the_older_name_alone_is_understood(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set_slowdown(0, "heat")
    machine.fail(0, "nvmlDeviceGetCurrentClocksEventReasons", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    assert len(sample(machine.uuids[0]).warnings) == 1


def test_memory_errors_that_could_not_be_corrected_are_counted_in_a_warning(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set_uncorrected_errors(0, 3)

    [warning] = sample(machine.uuids[0]).warnings
    assert warning.startswith("3 memory errors could not be corrected")


def test_a_card_that_tells_nothing_of_its_health_is_a_sound_one(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set(0, remapped=None, ecc=None, clocks_event_reasons=None, retired_pages_pending=None)

    assert sample(machine.uuids[0]).warnings == ()
    assert problem() == ""
