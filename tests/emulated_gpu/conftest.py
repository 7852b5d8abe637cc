"""Machines for the tests of the emulation itself."""

from __future__ import annotations

from tests.emulated_gpu.fixtures import emulated_machine, machine_here

__all__ = ["emulated_machine", "machine_here"]
