"""The machine: what it has, what its process groups use, and how work asks for a share of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from workbench.node import specs
from workbench.node.gpus import Gpu, GpuReader, GpuReading
from workbench.node.inventory import Disk, Inventory, look
from workbench.node.requests import (
    BadRequest,
    NotEnough,
    NotEnoughGPUs,
    Resources,
    check_fits,
    parse_resources,
)
from workbench.node.specs import Spec

__all__ = [
    "BadRequest",
    "Disk",
    "Gpu",
    "GpuReading",
    "Inventory",
    "Node",
    "NotEnough",
    "NotEnoughGPUs",
    "Resources",
    "Spec",
    "check_fits",
    "parse_resources",
    "specs",
]

_KEPT_S = 60.0


class Node:
    """This machine.

    Args:
        places: Directories whose disks matter, by what is kept there (`home`, `docker`).
    """

    def __init__(self, places: Mapping[str, Path]) -> None:
        self._places = places
        self._gpus = GpuReader()
        self._lock = threading.Lock()
        self._inventory: Inventory | None = None
        self._looked_at = 0.0

    def inventory(self, *, afresh: bool = False) -> Inventory:
        """What the machine has. Up to a minute old unless it is wanted afresh."""
        with self._lock:
            old = time.monotonic() - self._looked_at > _KEPT_S
            if self._inventory is None or old or afresh:
                self._inventory = look(self._gpus.read(), self._places)
                self._looked_at = time.monotonic()
            return self._inventory
