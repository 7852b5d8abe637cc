"""The hands of the tester: what can happen to a machine with GPUs.

A `Machine` is the state file that the emulated library reads. Each method is one thing that
can happen; programs that are running see it at their next call. The file is replaced as a
whole, under a lock, so any number of processes may read it and change it at once.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.emulated_gpu.faults import CannotEmulate

GIB = 1 << 30
A100 = "NVIDIA A100-SXM4-40GB"

_DRIVER_NOT_LOADED = 9
_VERSIONS_DIFFER = 18
_XID_EVENT = 8
_FELL_OFF_THE_BUS = 79
_MEMORY_OF_ONE_SLICE = 5 * GIB
_SLICES = (1, 2, 3, 4, 7)
_ALL_SLICES = 7
_ROWS = ("sound", "pending", "failure")

# Bits of nvmlClocksEventReason: idle; hardware, with heat or a power brake beside it.
_SLOWDOWNS = {"nothing": 0x1, "heat": 0x48, "power": 0x88, "hardware": 0x8}

# Levels of nvmlGpuTopologyLevel_t: the same board, the same CPU, across CPUs.
_SAME, _NODE, _SYSTEM = 0, 40, 50

JSON = dict[str, Any]


class Machine:
    """A machine with emulated GPUs, numbered from 0.

    Args:
        path: The state file; what programs find in `FAKE_NVML_CONFIG`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls,
        path: Path,
        gpus: int,
        *,
        name: str = A100,
        memory_bytes: int = 40 * GIB,
        own_device_numbers: bool = False,
    ) -> Self:
        """A machine whose GPUs are healthy and idle.

        Args:
            own_device_numbers: Device files get NVIDIA's own numbers (195:0, 195:1, ...), which
                nothing here can open, instead of a null device's, which everything can. This is
                how a container's isolation shows: a forbidden device answers EPERM, an allowed
                one ENXIO.
        """
        machine = cls(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        machine._replace(
            {
                "driver_version": "550.54.15",
                "nvml_version": "12.550.54.15",
                "cuda_version": 12040,
                "init_error": 0,
                "scan_fd": True,
                "errors": {},
                "delay_ms": {},
                "gpus": [_gpu(i, gpus, name, memory_bytes, own_device_numbers) for i in range(gpus)],
            }
        )
        return machine

    @property
    def state(self) -> JSON:
        """What the file says now."""
        read: JSON = json.loads(self.path.read_text())
        return read

    def gpu(self, index: int) -> JSON:
        """One GPU's part of the state."""
        found: JSON = self.state["gpus"][index]
        return found

    @property
    def uuids(self) -> list[str]:
        """The GPUs' UUIDs, by index."""
        return [gpu["uuid"] for gpu in self.state["gpus"]]

    def lose(self, index: int) -> None:
        """The GPU falls off the bus: XID 79, and from then on it answers nothing."""
        self.xid(index, _FELL_OFF_THE_BUS)
        self.set(index, lost=True)

    def recover(self, index: int) -> None:
        """The GPU answers again, at once and without errors."""
        self.set(index, lost=False, errors={}, delay_ms={})

    def xid(self, index: int, code: int, *, gi: int | None = None) -> None:
        """The driver reports an error of this GPU, as it does in the kernel's log.

        Args:
            gi: The MIG instance that it is an error of, where it is of one alone.
        """
        with self.changing_gpu(index) as gpu:
            events = gpu["events"]
            events.append({"seq": len(events) + 1, "type": _XID_EVENT, "data": code, "gi": gi})

    def hang(self, index: int, seconds: float) -> None:
        """Every call about this GPU takes this long, until it recovers."""
        _expect(seconds >= 0, f"No call takes {seconds:g} seconds.")
        self.set(index, delay_ms={"*": round(seconds * 1000)})

    def fail(self, index: int, function: str, error: int) -> None:
        """One of NVML's functions fails for this GPU with one of NVML's error numbers."""
        with self.changing_gpu(index) as gpu:
            gpu["errors"][function] = error

    def set_temperature(self, index: int, celsius: int) -> None:
        """Heat it or cool it."""
        self.set(index, temperature=celsius)

    def set_utilisation(self, index: int, percent: int) -> None:
        """How much of the time a kernel runs."""
        _expect(0 <= percent <= 100, f"No GPU is in use for {percent} percent of the time.")
        self.set(index, gpu_util=percent)

    def set_base_memory(self, index: int, mebibytes: int) -> None:
        """Memory in use that belongs to no process, as a leak leaves it."""
        _expect(mebibytes >= 0, f"{mebibytes} MiB cannot be in use.")
        self.set(index, memory_base=mebibytes << 20)

    def set_uncorrected_errors(self, index: int, count: int) -> None:
        """Memory errors that ECC could not correct, since the driver was loaded."""
        _expect(count >= 0, f"There are never {count} errors.")
        with self.changing_gpu(index) as gpu:
            gpu["ecc"]["uncorrected_volatile"] = count

    def set_slowdown(self, index: int, cause: str) -> None:
        """Its clocks are held down: by `heat`, by `power`, by its `hardware`, or by `nothing`."""
        _expect(cause in _SLOWDOWNS, f"{cause!r} slows nothing down; one of {', '.join(_SLOWDOWNS)} does.")
        self.set(index, clocks_event_reasons=_SLOWDOWNS[cause])

    def set_rows(self, index: int, state: str) -> None:
        """Its memory is `sound`, or a faulty row waits for a reset (`pending`) or stays (`failure`)."""
        _expect(state in _ROWS, f"Rows are never {state!r}, but one of {', '.join(_ROWS)}.")
        with self.changing_gpu(index) as gpu:
            gpu["remapped"] = dict.fromkeys(("corrected", "uncorrected", "pending", "failure"), 0)
            if state != "sound":
                gpu["remapped"][state] = 1

    def add_process(self, index: int, pid: int, memory_bytes: int | None, **more: Any) -> None:
        """A process that uses this GPU, besides those that hold its device file open.

        Args:
            memory_bytes: None where the driver does not know it.
            more: `type` (`C`, `G` or `M`), `sm` (percent), `gi` and `ci` within MIG.
        """
        with self.changing_gpu(index) as gpu:
            gpu["processes"].append({"pid": pid, "memory": memory_bytes, "type": "C", **more})

    def divide(self, index: int, *slices: int) -> list[str]:
        """Turn MIG on and cut the GPU into instances of so many slices; returns their UUIDs.

        Args:
            slices: Compute slices of each, for instance `3, 2, 1, 1`; seven at most in all.
        """
        possible = all(size in _SLICES for size in slices) and sum(slices) <= _ALL_SLICES
        _expect(possible, f"A GPU has {_ALL_SLICES} slices; an instance has one of {_SLICES} of them.")
        with self.changing_gpu(index) as gpu:
            gpu["mig"] = {"mode": 1, "devices": [_mig(gpu, i, size) for i, size in enumerate(slices)]}
            gpu["gpu_util"] = gpu["mem_util"] = None  # as the real one: not known for a divided GPU
            return [mig["uuid"] for mig in gpu["mig"]["devices"]]

    def unite(self, index: int) -> None:
        """Turn MIG off: the GPU is whole again."""
        self.set(index, mig={"mode": 0, "devices": []}, gpu_util=0, mem_util=0)

    def remove_gpus(self) -> None:
        """The driver answers and knows of no GPU."""
        with self.changing() as state:
            state["gpus"] = []

    def remove_driver(self) -> None:
        """No driver is loaded: nothing answers, in programs that are running neither."""
        with self.changing() as state:
            state.update(init_error=_DRIVER_NOT_LOADED, errors={"*": _DRIVER_NOT_LOADED})

    def upgrade_driver(self) -> None:
        """The library is newer than the loaded driver: what runs goes on, nothing new starts."""
        with self.changing() as state:
            state.update(init_error=_VERSIONS_DIFFER)

    def restore_driver(self) -> None:
        """The driver is loaded and fits the library."""
        with self.changing() as state:
            state.update(init_error=0, errors={})

    def set(self, index: int, **values: Any) -> None:
        """Change fields of one GPU; None is what a card does not support."""
        with self.changing_gpu(index) as gpu:
            gpu.update(values)

    @contextmanager
    def changing_gpu(self, index: int) -> Iterator[JSON]:
        """One GPU's part of the state, written back with the rest when the block ends well.

        Raises:
            CannotEmulate: No GPU has this number.
        """
        with self.changing() as state:
            if not 0 <= index < len(state["gpus"]):
                raise CannotEmulate(f"There is no GPU {index}: {len(state['gpus'])} exist, counted from 0.")
            yield state["gpus"][index]

    @contextmanager
    def changing(self) -> Iterator[JSON]:
        """The state, written back as one when the block ends well."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self.state
            yield state
            self._replace(state)

    def _replace(self, state: JSON) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(state, ensure_ascii=False, indent=1))
        new.replace(self.path)


def _expect(possible: bool, otherwise: str) -> None:
    if not possible:
        raise CannotEmulate(otherwise)


def _gpu(index: int, count: int, name: str, memory_bytes: int, own_device_numbers: bool) -> JSON:
    return {
        "name": name,
        "uuid": f"GPU-{index:08x}-e0e0-4e0e-8e0e-{index:012x}",
        "serial": f"132100000{index:04d}",
        "bus_id": _bus_id(index),
        "minor": index,
        "device": [195, index] if own_device_numbers else [1, 3],
        "capability": 80,
        "memory_total": memory_bytes,
        "memory_base": 0,
        "memory_reserved": 0,
        "bar1_total": 64 * GIB,
        "bar1_used": 1 << 20,
        "gpu_util": 0,
        "mem_util": 0,
        "encoder_util": 0,
        "decoder_util": 0,
        "sampling_period_us": 167000,
        "temperature": 31,
        "temperature_thresholds": [92, 89, 95, 85],
        "power_mw": 52000,
        "power_limit_mw": 400000,
        "fan": None,
        "performance_state": 0,
        "persistence_mode": 1,
        "compute_mode": 0,
        "display_active": 0,
        "display_mode": 0,
        "driver_model": None,
        "clocks_mhz": [210, 210, 1215, 585],
        "max_clocks_mhz": [1410, 1410, 1215, 1290],
        "clocks_event_reasons": 1,
        "pcie_generation": 4,
        "pcie_width": 16,
        "pcie_kb_per_s": [0, 0],
        "topology": [_distance(index, other) for other in range(count)],
        "nvlinks": [_bus_id(index ^ 1)] * 4 if index ^ 1 < count else [],
        "ecc": {
            "enabled": 1,
            "corrected_volatile": 0,
            "uncorrected_volatile": 0,
            "corrected_aggregate": 0,
            "uncorrected_aggregate": 0,
        },
        "remapped": {"corrected": 0, "uncorrected": 0, "pending": 0, "failure": 0},
        "retired_pages_pending": None,
        "fields": {"82": 34},
        "event_types": _XID_EVENT,
        "mig": {"mode": 0, "devices": []},
        "processes": [],
        "events": [],
        "errors": {},
        "delay_ms": {},
        "lost": False,
    }


def _bus_id(index: int) -> str:
    return f"00000000:{index + 1:02X}:00.0"


def _distance(index: int, other: int) -> int:
    if index == other:
        return _SAME
    return _NODE if index // 4 == other // 4 else _SYSTEM


def _mig(gpu: JSON, number: int, slices: int) -> JSON:
    memory = slices * _MEMORY_OF_ONE_SLICE if slices < 3 else (slices + 1) * _MEMORY_OF_ONE_SLICE
    profile = f"{slices}g.{memory // GIB}gb"
    return {
        "name": f"{gpu['name']} MIG {profile}",
        "uuid": f"MIG-{gpu['minor']:08x}-e0e0-5e0e-8e0e-{number:012x}",
        "profile": profile,
        "slices": slices,
        "gi": number + 1,
        "ci": 0,
        "cap": gpu["minor"] * 100 + number * 10 + 3,
        "memory_total": memory,
        "bar1_total": 32 * GIB,
        "bar1_used": 0,
    }
