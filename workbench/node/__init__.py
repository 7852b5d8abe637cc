"""The machine: what it has, what its process groups use, and how work asks for a share of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.node import specs
from workbench.node.gpus import Gpu, GpuReader, GpuReading
from workbench.node.inventory import Disk, Inventory, look
from workbench.node.requests import (
    BadAmount,
    NotEnough,
    NotEnoughGPUs,
    Resources,
    check_fits,
    parse_resources,
)
from workbench.node.specs import Spec, UnknownSpec

__all__ = [
    "BadAmount",
    "Disk",
    "Gpu",
    "GpuReading",
    "Inventory",
    "Node",
    "NotEnough",
    "NotEnoughGPUs",
    "Resources",
    "Spec",
    "UnknownSpec",
    "check_fits",
    "parse_resources",
    "specs",
]


class Node:
    """This machine.

    Args:
        places: Directories whose disks matter, by what is kept there (`home`, `docker`).
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self._gpus = GpuReader()

    def inventory(self, *, afresh: bool = False) -> Inventory:
        """What the machine has. GPUs may be as they were a minute ago, unless wanted afresh."""
        return look(self._gpus.read(afresh=afresh), self._places)
