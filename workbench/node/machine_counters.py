"""What the machine as a whole has done since it started: CPU, memory, disks, network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, kw_only=True)
class MachineCounters:
    """Counted since boot, but for memory and load, which are of now. A counter that this machine
    does not have is None."""

    cpu_seconds: float
    memory_used_bytes: int
    memory_total_bytes: int
    load: float
    read_bytes: int | None = None
    written_bytes: int | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None


def read_machine() -> MachineCounters:
    """Read the counters.

    Memory in use is what cannot be had without swapping: the total less what is available.
    Traffic and disk I/O are those of real devices, so that what passes a bridge or a logical
    volume counts once; where a machine has only virtual ones, of those.
    """
    times, memory = psutil.cpu_times(), psutil.virtual_memory()
    disks = psutil.disk_io_counters(perdisk=True) or {}
    cards = psutil.net_io_counters(pernic=True)
    disk = [disks[name] for name in _real(disks, Path("/sys/block"), _is_whole_disk)]
    card = [cards[name] for name in _real(cards, Path("/sys/class/net"), _is_outward)]
    return MachineCounters(
        # Time of guests is in `user` and `nice` already.
        cpu_seconds=times.user + times.nice + times.system + times.irq + times.softirq + times.steal,
        memory_used_bytes=memory.total - memory.available,
        memory_total_bytes=memory.total,
        load=psutil.getloadavg()[0],
        read_bytes=sum(each.read_bytes for each in disk) if disk else None,
        written_bytes=sum(each.write_bytes for each in disk) if disk else None,
        received_bytes=sum(each.bytes_recv for each in card) if card else None,
        sent_bytes=sum(each.bytes_sent for each in card) if card else None,
    )


def _real(names: Iterable[str], folder: Path, otherwise: Callable[[Path], bool]) -> list[str]:
    known = list(names)
    real = [name for name in known if (folder / name / "device").exists()]
    return real or [name for name in known if otherwise(folder / name)]


def _is_whole_disk(entry: Path) -> bool:
    return entry.exists() and not entry.name.startswith("loop")


def _is_outward(entry: Path) -> bool:
    return entry.name != "lo" and not (entry / "bridge").exists() and not (entry / "brport").exists()
