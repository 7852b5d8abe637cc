"""Programs that others wrote see what the state file says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulated_gpu import library
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.fixtures import StartMachine
from tests.emulated_gpu.machine import GIB


@pytest.fixture
def busy(emulated_machine: StartMachine) -> EmulatedMachine:
    """Three GPUs: one in use, one divided, one lost."""
    busy = emulated_machine(3)
    busy.machine.set_temperature(0, 61)
    busy.machine.set_utilisation(0, 87)
    busy.machine.add_process(0, os.getpid(), 8 * GIB)
    busy.machine.divide(1, 3, 2)
    busy.machine.lose(2)
    return busy


def run(program: str, *arguments: str, on: EmulatedMachine) -> str:
    """What a program of our environment prints."""
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found, f"{program} is a development requirement"
    command = [found, *arguments]
    return subprocess.run(
        command, env={**os.environ, **on.environment}, check=True, capture_output=True, text=True
    ).stdout


def test_gpustat_agrees(busy: EmulatedMachine) -> None:
    used, divided, lost = json.loads(run("gpustat", "--json", on=busy))["gpus"]

    assert [used["uuid"], divided["uuid"]] == busy.machine.uuids[:2]
    assert (used["temperature.gpu"], used["utilization.gpu"]) == (61, 87)
    assert (used["memory.used"], used["memory.total"]) == (8192, 40960)
    assert [process["pid"] for process in used["processes"]] == [os.getpid()]
    assert divided["utilization.gpu"] is None
    assert "lost" in lost["name"]


def test_nvitop_agrees(busy: EmulatedMachine) -> None:
    lines = run("nvitop", "--once", on=busy).splitlines()
    cards = "\n".join(lines)

    assert "Driver Version: 550.54.15" in cards
    assert "CUDA Driver Version: 12.4" in cards
    assert any("61C" in line and "8192MiB / 40.00GiB" in line and "87%" in line for line in lines)
    assert "3g.20gb @ GI/CI: 1/0" in cards
    assert "GPU is Lost" in cards
    assert any(str(os.getpid()) in line and "8192MiB" in line for line in lines)


def test_what_a_program_asks_for_can_be_traced(busy: EmulatedMachine, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    traced = EmulatedMachine(busy.machine, None, {**busy.environment, "FAKE_NVML_TRACE": str(trace)})
    run("gpustat", on=traced)
    assert "nvmlDeviceGetUtilizationRates" in trace.read_text().splitlines()


def test_no_memory_is_misused(busy: EmulatedMachine) -> None:
    sanitizer = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(sanitizer).is_absolute():
        pytest.skip("gcc has no address sanitizer here")
    library.compile_into(
        busy.machine.path.parent, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"
    )
    strict = {"LD_PRELOAD": sanitizer, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}

    watched = EmulatedMachine(busy.machine, None, {**busy.environment, **strict})
    assert json.loads(run("gpustat", "--json", on=watched))["gpus"]
    assert "GPU is Lost" in run("nvitop", "--once", on=watched)
