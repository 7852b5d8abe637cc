"""The real nvidia-ml-py against the emulated library."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import Machine
from workbench.node.gpus import GpuReader, read_now

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]


def test_every_card_is_listed(machine_here: StartHere) -> None:
    machine = machine_here(2)

    reading = read_now()

    assert [gpu.uuid for gpu in reading.gpus] == machine.uuids
    assert {gpu.memory_bytes for gpu in reading.gpus} == {40 * 2**30}
    assert (reading.driver, reading.cuda, reading.reason) == ("550.54.15", "12.4", "")


def test_a_card_that_is_lost_hides_no_other(machine_here: StartHere) -> None:
    machine = machine_here(2)
    machine.lose(0)

    lost, sound = read_now().gpus

    assert "lost" in lost.problem.lower()
    assert (sound.problem, sound.uuid) == ("", machine.uuids[1])


def test_a_driver_that_goes_and_comes_back_is_followed(machine_here: StartHere) -> None:
    machine, reader = machine_here(1), GpuReader()
    machine.remove_driver()
    assert reader.read().gpus == ()
    assert "not loaded" in reader.read().reason

    machine.restore_driver()

    assert len(reader.read(afresh=True).gpus) == 1


def test_a_driver_updated_under_way_is_noticed(machine_here: StartHere) -> None:
    machine_here(1).upgrade_driver()

    assert read_now().mismatch


def test_a_driver_that_hangs_keeps_nobody_waiting(machine_here: StartHere) -> None:
    machine, reader = machine_here(1), GpuReader(deadline_s=5)
    known = reader.read()
    machine.hang(0, 15)

    late = reader.read(afresh=True)

    assert late.gpus == known.gpus
    assert "not answered" in late.reason
