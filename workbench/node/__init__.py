"""The machine: what it has, what its process groups use, and how work asks for a share of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from workbench.node import specs, xids
from workbench.node.gpu_errors import GpuError, GpuErrors
from workbench.node.gpu_readers import GpuReaders, GpuState
from workbench.node.gpus import Gpu, GpuReader, GpuReading, MigInstance
from workbench.node.inventory import Disk, Inventory, look
from workbench.node.requests import (
    BadAmount,
    NotEnough,
    NotEnoughGPUs,
    Resources,
    check_fits,
    parse_resources,
    share_of_a_gpu,
)
from workbench.node.specs import Spec, UnknownSpec

__all__ = [
    "BadAmount",
    "Disk",
    "Gpu",
    "GpuError",
    "GpuErrors",
    "GpuReading",
    "GpuState",
    "Inventory",
    "MigInstance",
    "Node",
    "NotEnough",
    "NotEnoughGPUs",
    "Resources",
    "Spec",
    "UnknownSpec",
    "check_fits",
    "parse_resources",
    "share_of_a_gpu",
    "specs",
    "xids",
]

_CARD_ANSWERS_WITHIN_S = 2.0


class Node:
    """This machine.

    Args:
        places: Directories whose disks matter, by what is kept there (`home`, `docker`).
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self._gpus = GpuReader()
        self._states = GpuReaders(deadline_s=_CARD_ANSWERS_WITHIN_S)
        self._reading_states = threading.Lock()

    def inventory(self, *, afresh: bool = False) -> Inventory:
        """What the machine has. GPUs may be as they were a minute ago, unless wanted afresh."""
        return look(self._gpus.read(afresh=afresh), self._places)

    def gpu_states(self) -> Mapping[str, GpuState]:
        """What each card does now, by UUID; one that does not answer holds up no other."""
        with self._reading_states:
            return self._states.read([gpu.uuid for gpu in self.inventory().graphics.gpus if gpu.uuid])
