"""What was read of the machine, its GPUs and its pods at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from workbench.node import Gpu, Inventory
from workbench.node.gpu_counters import GpuSample
from workbench.node.gpu_readers import GpuState
from workbench.node.group_counters import GroupCounters
from workbench.node.machine_counters import MachineCounters

Work = tuple[str, str]
"""Kind and id of an object that runs in pods: `("notebook", "dsw-1f…")`."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose an object is; all empty for what is Workbench's own."""

    name: str = ""
    workspace_id: str = ""
    workspace_name: str = ""
    user_id: str = ""
    user_name: str = ""


NOBODY = Owner()


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How fast counters rose between two readings; None while there is only one, or where the
    counter is missing or began anew. `cpus` is the CPUs in use."""

    cpus: float | None = None
    read_bytes_per_s: float | None = None
    written_bytes_per_s: float | None = None
    received_bytes_per_s: float | None = None
    sent_bytes_per_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class CardReading:
    """One GPU. `holders` are the objects that it is given to; `fault` is an error that the driver
    reported of it, in words."""

    gpu: Gpu
    state: GpuState = field(default_factory=GpuState)
    fault: str = ""
    holders: tuple[Work, ...] = ()

    @property
    def fresh(self) -> GpuSample | None:
        """Its counters, if they are of now."""
        return None if self.state.stale else self.state.sample


@dataclass(frozen=True, kw_only=True)
class PodCard:
    """What a pod does on one GPU that it was given or is seen on. None is unknown."""

    uuid: str
    utilisation: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class PodReading:
    """One container of ours that runs."""

    kind: str
    id: str
    pod: str
    owner: Owner
    counters: GroupCounters
    rates: Rates
    cards: tuple[PodCard, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything at one moment. `pids` says which object a process on a GPU belongs to, `owners` whose
    each object is."""

    time: datetime
    inventory: Inventory
    machine: MachineCounters
    rates: Rates
    cards: tuple[CardReading, ...] = ()
    pods: tuple[PodReading, ...] = ()
    pids: Mapping[int, Work] = field(default_factory=dict)
    owners: Mapping[Work, Owner] = field(default_factory=dict)


Counters = GroupCounters | MachineCounters


def rates(before: Counters | None, now: Counters, elapsed_s: float) -> Rates:
    """How fast counters rose.

    Args:
        elapsed_s: Between the two readings, by a clock that never jumps.
    """
    if before is None or elapsed_s <= 0:
        return Rates()

    def rate(old: float | None, new: float | None) -> float | None:
        return None if old is None or new is None or new < old else (new - old) / elapsed_s

    return Rates(
        cpus=rate(before.cpu_seconds, now.cpu_seconds),
        read_bytes_per_s=rate(before.read_bytes, now.read_bytes),
        written_bytes_per_s=rate(before.written_bytes, now.written_bytes),
        received_bytes_per_s=rate(before.received_bytes, now.received_bytes),
        sent_bytes_per_s=rate(before.sent_bytes, now.sent_bytes),
    )
