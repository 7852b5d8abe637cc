"""What this machine has: CPUs, memory, disks, GPUs. Sizes in bytes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from workbench.node import cgroups
from workbench.node.gpus import Gpu, GpuReading


@dataclass(frozen=True)
class Disk:
    """The file system that a path is on."""

    path: Path
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The machine at one moment. `disks` are by what is kept there: `home`, `docker`."""

    cpus: float
    memory_bytes: int
    disks: Mapping[str, Disk] = field(default_factory=dict)
    graphics: GpuReading = field(default_factory=GpuReading)

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The cards that can be given away."""
        return tuple(gpu for gpu in self.graphics.gpus if not gpu.problem)

    @property
    def memory_gib(self) -> float:
        """Memory in GiB."""
        return self.memory_bytes / 2**30


def look(graphics: GpuReading, places: Mapping[str, Path]) -> Inventory:
    """Count CPUs, memory and disks.

    CPUs are those this process may run on, and no more than a container around us allows;
    the same for memory.

    Args:
        graphics: The GPUs, read before.
        places: Directories whose disks matter, by what is kept there; missing ones are left out.
    """
    cpus = float(len(os.sched_getaffinity(0)))
    memory = psutil.virtual_memory().total
    return Inventory(
        cpus=min(cpus, cgroups.machine_cpu_limit() or cpus),
        memory_bytes=min(memory, cgroups.machine_memory_limit() or memory),
        disks={name: _disk(path) for name, path in places.items() if path.exists()},
        graphics=graphics,
    )


def _disk(path: Path) -> Disk:
    usage = shutil.disk_usage(path)
    return Disk(path, usage.total, usage.free)
