"""Fixtures for tests that need GPUs.

A test file or a conftest takes them with
`from tests.emulated_gpu.fixtures import emulated_machine`; no GPU, driver or root is needed
unless an engine is asked for. What this computer lacks skips the test and says so.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.emulated_gpu import emulation
from tests.emulated_gpu.emulation import EmulatedMachine
from tests.emulated_gpu.faults import NotHere
from tests.emulated_gpu.library import SONAME
from tests.emulated_gpu.machine import Machine
from tests.emulated_gpu.newer_docker import newer_docker

StartMachine = Callable[..., EmulatedMachine]
"""`(gpus, **options)`, with the options of `emulation.emulated_machine`, and `newer=True` for
an engine newer than the installed one."""


@pytest.fixture
def emulated_machine() -> Iterator[StartMachine]:
    """Starts machines that end with the test."""
    with starting_machines() as start:
        yield start


@pytest.fixture
def machine_here(emulated_machine: StartMachine, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Machine]:
    """Puts the test's own process on a machine with so many GPUs."""

    def start(gpus: int) -> Machine:
        emulated = emulated_machine(gpus)
        monkeypatch.setenv("FAKE_NVML_CONFIG", emulated.environment["FAKE_NVML_CONFIG"])
        # A process reads LD_LIBRARY_PATH when it starts, so we load the library first ourselves:
        # whoever asks for its bare name later gets the one that is there.
        ctypes.CDLL(str(emulated.machine.path.parent / SONAME))
        maps = Path("/proc/self/maps").read_text()
        real = [line for line in maps.splitlines() if SONAME in line and "emulated-gpus" not in line]
        assert not real, "the real driver's library was loaded before"
        return emulated.machine

    return start


@contextmanager
def starting_machines() -> Iterator[StartMachine]:
    """All machines that were started end with the block; for a fixture that outlives one test,
    since an engine takes seconds to start."""
    with ExitStack() as stack:

        def start(gpus: int, **options: Any) -> EmulatedMachine:
            try:
                if options.pop("newer", False):
                    options["programs"] = newer_docker(emulation.programs_folder())
                return stack.enter_context(emulation.emulated_machine(gpus, **options))
            except NotHere as error:
                pytest.skip(str(error))

        yield start
