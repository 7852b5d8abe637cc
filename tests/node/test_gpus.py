"""The real nvidia-ml-py against the emulated library, in a process of its own for each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
READ = """
import dataclasses, json
from workbench.node.gpus import read_now
print(json.dumps(dataclasses.asdict(read_now())))
"""
READ_WHILE_IT_HANGS = """
import dataclasses, json
from workbench.node import gpus
gpus.DEADLINE_S = 0.3
reader = gpus.GpuReader()
reader.read(), reader.read()
print(json.dumps(dataclasses.asdict(reader.read())))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TESTS)
        from emulated_gpu.faults import CannotEmulate
        from emulated_gpu.library import build

        try:
            return build(tmp_path_factory.mktemp("nvml"))
        except CannotEmulate as error:
            pytest.skip(str(error))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(TESTS)
    from emulated_gpu.machine import Machine

    return Machine.create(tmp_path / "machine.json", 2)


def read(library: Path, machine: Any, script: str = READ) -> dict[str, Any]:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(library.parent),
        "FAKE_NVML_CONFIG": str(machine.path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    reading: dict[str, Any] = json.loads(done.stdout)
    return reading


def test_every_card_is_listed(library: Path, machine: Any) -> None:
    reading = read(library, machine)

    assert [gpu["uuid"] for gpu in reading["gpus"]] == machine.uuids
    assert {gpu["memory_bytes"] for gpu in reading["gpus"]} == {40 * 2**30}
    assert (reading["driver"], reading["cuda"], reading["reason"]) == ("550.54.15", "12.4", "")


def test_a_card_that_is_lost_hides_no_other(library: Path, machine: Any) -> None:
    machine.lose(0)

    lost, sound = read(library, machine)["gpus"]

    assert "lost" in lost["problem"].lower()
    assert (sound["problem"], sound["uuid"]) == ("", machine.uuids[1])


def test_a_machine_without_driver_has_no_gpus_and_a_reason(library: Path, machine: Any) -> None:
    machine.remove_driver()

    reading = read(library, machine)

    assert reading["gpus"] == []
    assert "not loaded" in reading["reason"]


def test_a_driver_updated_under_way_is_noticed(library: Path, machine: Any) -> None:
    machine.upgrade_driver()

    assert read(library, machine)["mismatch"]


def test_a_driver_that_hangs_keeps_nobody_waiting(library: Path, machine: Any) -> None:
    machine.hang(0, 60)

    assert "not answered" in read(library, machine, READ_WHILE_IT_HANGS)["reason"]
