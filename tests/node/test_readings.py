"""Counters as the kernel and the driver write them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.emulated_gpu.fixtures import emulated_machine, machine_here
from tests.emulated_gpu.machine import GIB, Machine
from workbench.node.cgroups import ProcessGone
from workbench.node.gpu_counters import GpuLost, sample
from workbench.node.gpu_readers import GpuReaders
from workbench.node.group_counters import (
    find_group,
    is_within,
    parse_blkio,
    parse_io_stat,
    parse_traffic,
)
from workbench.node.machine_counters import read_machine

__all__ = ["emulated_machine", "machine_here"]

StartHere = Callable[[int], Machine]


def test_disk_io_is_summed_over_devices_in_both_versions() -> None:
    version_1 = "8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n8:16 Read 1\n8:16 Write 2\nTotal 123\n"
    version_2 = "8:0 rbytes=100 wbytes=20 rios=3 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n"

    assert parse_blkio(version_1) == (101, 22)
    assert parse_io_stat(version_2) == (101, 22)
    assert parse_blkio("Total 0\n") == parse_io_stat("") == (0, 0)


def test_traffic_is_that_of_all_interfaces_but_the_loopback() -> None:
    text = (
        "Inter-|   Receive                            |  Transmit\n"
        " face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"
        "    lo:  999 1 0 0 0 0 0 0  999 1 0 0 0 0 0 0\n"
        "  eth0:3157 20 0 0 0 0 0 0 1766 15 0 0 0 0 0 0\n"
        "eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n"
    )

    assert parse_traffic(text) == (3158, 1768)


@pytest.mark.parametrize(
    ("group", "outer", "within"),
    [
        ("/docker/abc", "/docker/abc", True),
        ("/docker/abc/inner", "/docker/abc", True),
        ("/docker/abcd", "/docker/abc", False),
        ("/docker/abc", "/", False),
    ],
)
def test_a_process_belongs_to_the_container_whose_group_it_is_in(
    group: str, outer: str, within: bool
) -> None:
    assert is_within(group, outer) == within


def test_our_own_group_has_counters_and_shares_the_machines_network() -> None:
    counters = find_group(os.getpid()).read()

    assert counters.cpu_seconds > 0
    assert counters.received_bytes is None


def test_a_process_that_is_gone_has_no_group() -> None:
    with pytest.raises(ProcessGone):
        find_group(2**22 + 1)


def test_the_machine_is_used_and_no_more_than_it_has() -> None:
    machine = read_machine()

    assert machine.cpu_seconds > 0
    assert 0 < machine.memory_used_bytes < machine.memory_total_bytes


def test_a_card_tells_its_counters_in_plain_units(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set(0, gpu_util=87, power_mw=287_500, temperature=61, memory_base=2 * GIB)
    machine.add_process(0, os.getpid(), GIB, sm=80)

    read = sample(machine.uuids[0])

    assert (read.utilisation, read.power_w, read.temperature_c) == (0.87, 287.5, 61)
    assert (read.memory_used_bytes, read.memory_total_bytes) == (3 * GIB, 40 * GIB)
    assert [(each.pid, each.memory_bytes) for each in read.processes] == [(os.getpid(), GIB)]


def test_a_counter_that_a_card_lacks_is_none_and_hides_no_other(machine_here: StartHere) -> None:
    machine = machine_here(1)
    machine.set(0, power_mw=None, gpu_util=None)
    machine.fail(0, "nvmlDeviceGetTemperature", 999)
    machine.add_process(0, os.getpid(), None)

    read = sample(machine.uuids[0])

    assert (read.utilisation, read.power_w, read.temperature_c) == (None, None, None)
    assert read.memory_total_bytes == 40 * GIB
    assert [each.memory_bytes for each in read.processes] == [None]


def test_a_lost_card_and_a_driver_that_went_are_said_to_be_lost(machine_here: StartHere) -> None:
    machine = machine_here(2)
    machine.lose(0)
    with pytest.raises(GpuLost, match="lost"):
        sample(machine.uuids[0])

    machine.remove_driver()

    with pytest.raises(GpuLost, match="Driver"):
        sample(machine.uuids[1])


def test_a_card_that_hangs_makes_only_its_own_data_stale(machine_here: StartHere) -> None:
    machine, readers = machine_here(2), GpuReaders(deadline_s=5)
    hanging, sound = machine.uuids
    before = readers.read(machine.uuids)
    machine.hang(0, 15)
    machine.set_temperature(1, 77)

    states = readers.read(machine.uuids)

    assert "not answered" in states[hanging].stale
    assert states[hanging].sample == before[hanging].sample
    assert states[sound].stale == ""
    assert states[sound].sample and states[sound].sample.temperature_c == 77


def test_a_card_that_answers_again_is_fresh_again(machine_here: StartHere) -> None:
    machine, readers = machine_here(1), GpuReaders(deadline_s=60)
    machine.lose(0)
    assert "lost" in readers.read(machine.uuids)[machine.uuids[0]].stale

    machine.recover(0)

    assert readers.read(machine.uuids)[machine.uuids[0]].stale == ""
