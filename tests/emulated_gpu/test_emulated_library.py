"""The emulated library, asked through NVIDIA's own bindings."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pynvml
import pytest

from tests.emulated_gpu.fixtures import StartMachine
from tests.emulated_gpu.machine import GIB, Machine

StartHere = Callable[[int], Machine]


@contextmanager
def the_driver() -> Iterator[None]:
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def test_gpus_have_what_the_state_says(machine_here: StartHere) -> None:
    machine = machine_here(2)
    machine.set_temperature(1, 61)
    machine.set_utilisation(1, 87)

    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByUUID(machine.uuids[1])
        assert pynvml.nvmlDeviceGetCount() == 2
        assert pynvml.nvmlDeviceGetIndex(card) == 1
        assert pynvml.nvmlDeviceGetTemperature(card, pynvml.NVML_TEMPERATURE_GPU) == 61
        assert pynvml.nvmlDeviceGetUtilizationRates(card).gpu == 87
        assert pynvml.nvmlDeviceGetMemoryInfo(card).total == 40 * GIB


def test_reserved_memory_counts_as_used_only_in_the_first_version(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set(0, memory_reserved=GIB)
    machine.add_process(0, os.getpid(), 2 * GIB)

    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        assert pynvml.nvmlDeviceGetMemoryInfo(card).used == 3 * GIB
        assert pynvml.nvmlDeviceGetMemoryInfo(card, version=pynvml.nvmlMemory_v2).used == 2 * GIB


def test_processes_are_listed_with_their_memory_where_it_is_known(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.add_process(0, 4242, 8 * GIB)
    machine.add_process(0, 4343, None)
    machine.add_process(0, 4444, GIB, type="G")

    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        compute = pynvml.nvmlDeviceGetComputeRunningProcesses(card)
        graphics = pynvml.nvmlDeviceGetGraphicsRunningProcesses(card)
    assert [(process.pid, process.usedGpuMemory) for process in compute] == [(4242, 8 * GIB), (4343, None)]
    assert [process.pid for process in graphics] == [4444]


def test_no_samples_of_processes_is_an_error_as_in_the_real_one(machine_here: StartHere) -> None:
    machine = machine_here(1)
    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        with pytest.raises(pynvml.NVMLError_NotFound):
            pynvml.nvmlDeviceGetProcessUtilization(card, 0)

        machine.add_process(0, 4242, GIB, sm=80)
        assert [sample.smUtil for sample in pynvml.nvmlDeviceGetProcessUtilization(card, 0)] == [80]


def test_a_lost_gpu_answers_nothing_until_it_recovers(machine_here: StartHere) -> None:
    machine = machine_here(2)
    with the_driver():
        cards = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(2)]
        machine.lose(1)
        with pytest.raises(pynvml.NVMLError_GpuIsLost):
            pynvml.nvmlDeviceGetName(cards[1])
        assert pynvml.nvmlDeviceGetName(cards[0])

        machine.recover(1)
        assert pynvml.nvmlDeviceGetName(cards[1])


def test_an_xid_is_told_once_to_who_listened_before(machine_here: StartHere) -> None:
    machine = machine_here(2)
    machine.xid(1, 13)
    with the_driver():
        listening = pynvml.nvmlEventSetCreate()
        for index in range(2):
            card = pynvml.nvmlDeviceGetHandleByIndex(index)
            pynvml.nvmlDeviceRegisterEvents(card, pynvml.nvmlEventTypeXidCriticalError, listening)
        machine.xid(1, 79)

        assert pynvml.nvmlEventSetWait(listening, 0).eventData == 79
        with pytest.raises(pynvml.NVMLError_Timeout):
            pynvml.nvmlEventSetWait(listening, 0)
        pynvml.nvmlEventSetFree(listening)


def test_a_wait_ends_when_the_gpu_falls_off_the_bus(machine_here: StartHere) -> None:
    machine = machine_here(1)
    with the_driver(), ThreadPoolExecutor(1) as waiting:
        listening = pynvml.nvmlEventSetCreate()
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        pynvml.nvmlDeviceRegisterEvents(card, pynvml.nvmlEventTypeXidCriticalError, listening)
        told = waiting.submit(pynvml.nvmlEventSetWait, listening, 60_000)
        machine.lose(0)

        assert told.result().eventData == 79
        with pytest.raises(pynvml.NVMLError_GpuIsLost):
            pynvml.nvmlEventSetWait(listening, 60_000)


def test_one_function_can_fail_alone(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.fail(0, "nvmlDeviceGetPowerUsage", pynvml.NVML_ERROR_UNKNOWN)
    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        with pytest.raises(pynvml.NVMLError_Unknown):
            pynvml.nvmlDeviceGetPowerUsage(card)
        with pytest.raises(pynvml.NVMLError_NotSupported):
            pynvml.nvmlDeviceGetFanSpeed(card)
        assert pynvml.nvmlDeviceGetName(card)


def test_a_divided_gpu_shows_its_instances(machine_here: StartHere) -> None:
    machine = machine_here(1)
    large, _ = machine.divide(0, 3, 1)
    machine.add_process(0, 4242, GIB, gi=1, ci=0)

    with the_driver():
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(card, 0)
        assert pynvml.nvmlDeviceGetMigMode(card) == [1, 1]
        assert pynvml.nvmlDeviceGetUUID(instance) == large
        assert pynvml.nvmlDeviceGetMemoryInfo(instance).used == GIB
        assert pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(card, 1)).used == 0
        with pytest.raises(pynvml.NVMLError_NotFound):
            pynvml.nvmlDeviceGetMigDeviceHandleByIndex(card, 2)


def test_without_a_driver_nothing_starts_and_with_a_newer_one_what_runs_goes_on(
    machine_here: StartHere,
) -> None:
    machine = machine_here(1)
    machine.remove_driver()
    with pytest.raises(pynvml.NVMLError_DriverNotLoaded):
        pynvml.nvmlInit()

    machine.restore_driver()
    with the_driver():
        machine.upgrade_driver()
        with pytest.raises(pynvml.NVMLError_LibRmVersionMismatch):
            pynvml.nvmlInit()
        assert pynvml.nvmlDeviceGetCount() == 1


def test_a_half_written_file_changes_nothing(machine_here: StartHere) -> None:
    machine = machine_here(3)
    with the_driver():
        assert pynvml.nvmlDeviceGetCount() == 3
        whole = machine.path.read_text()
        machine.path.write_text(whole[: len(whole) // 2])
        assert pynvml.nvmlDeviceGetCount() == 3

        machine.path.write_text(whole)
        machine.remove_gpus()
        assert pynvml.nvmlDeviceGetCount() == 0


def test_four_threads_read_while_the_file_is_replaced(machine_here: StartHere) -> None:
    machine = machine_here(4)
    replaced = threading.Event()

    def read(index: int) -> int:
        reads = 0
        card = pynvml.nvmlDeviceGetHandleByIndex(index)
        while not replaced.is_set() or not reads:
            memory = pynvml.nvmlDeviceGetMemoryInfo(card)
            assert memory.used + memory.free == memory.total
            assert pynvml.nvmlDeviceGetUUID(card) == uuids[index]
            reads += 1
        return reads

    uuids = machine.uuids
    with the_driver(), ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read, index) for index in range(4)]
        for mebibytes in range(200):
            machine.set_base_memory(mebibytes % 4, mebibytes)
        replaced.set()
        assert all(each.result() for each in reading)


def test_a_gpu_that_hangs_does_not_stop_the_others(emulated_machine: StartMachine) -> None:
    emulated = emulated_machine(2)
    program = """if True:
        import os, pynvml, threading
        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(2)]
        input("ready")
        hanging = threading.Thread(target=pynvml.nvmlDeviceGetName, args=[cards[1]])
        hanging.start()
        print(pynvml.nvmlDeviceGetName(cards[0]), hanging.is_alive(), flush=True)
        os._exit(0)
    """
    environment = {**os.environ, **emulated.environment}
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout and child.stdout.read(5) == "ready"
    emulated.machine.hang(1, 60)
    said, _ = child.communicate("go\n")
    assert said == f"{emulated.machine.gpu(0)['name']} True\n"
