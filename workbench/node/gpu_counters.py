"""What one GPU does now, as the driver's library counts it.

A card tells what it can: a counter that it does not have is None, and hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pynvml

from workbench.errors import Unavailable
from workbench.node.asking import if_told
from workbench.node.gpu_health import warnings

_GONE = {
    pynvml.NVML_ERROR_GPU_IS_LOST,
    pynvml.NVML_ERROR_NOT_FOUND,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
}


class GpuLost(Unavailable):
    """The card, or the driver as a whole, no longer answers.

    `gone` says that it is not there, rather than in trouble: should it answer again, it or its driver
    was started anew.
    """

    code = "GpuLost"

    def __init__(self, message: str, error: pynvml.NVMLError) -> None:
        super().__init__(message)
        self.gone = error.value in _GONE


@dataclass(frozen=True, kw_only=True)
class GpuProcess:
    """A process that uses a card, by the host's process id.

    `utilisation` is its own share of the card's time, None where the driver does not tell.
    """

    pid: int
    memory_bytes: int | None = None
    utilisation: float | None = None


@dataclass(frozen=True, kw_only=True)
class GpuSample:
    """One card's counters; None for what it does not report. Units as in `sample`. `warnings` are
    sentences about a card that works."""

    uuid: str
    utilisation: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    power_w: float | None = None
    temperature_c: int | None = None
    processes: tuple[GpuProcess, ...] = ()
    warnings: tuple[str, ...] = ()


def sample(gpu_uuid: str) -> GpuSample:
    """Read one GPU's counters, however long that takes.

    The driver is held only while it is read, so that it can be exchanged in between.

    Args:
        gpu_uuid: As `nvidia-smi -L` prints it; an index may change with a reboot.

    Returns:
        `utilisation` is the share (0 to 1) of NVML's last sampling period, 1/6 s to 1 s
        by product, in which a kernel ran: not how much of the card was busy. Power in
        watts (NVML gives milliwatts), memory in bytes, temperature in °C. What this
        card does not report is None.

    Raises:
        GpuLost: The card no longer answers. Take it out of scheduling; what ran on it
            is marked, not forgotten.

    Source: https://docs.nvidia.com/deploy/nvml-api/structnvmlUtilization__t.html
    """
    try:
        pynvml.nvmlInit()
        try:
            return _read(gpu_uuid, pynvml.nvmlDeviceGetHandleByUUID(gpu_uuid))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise GpuLost(f"The NVIDIA driver says: {error}.", error) from error


def _read(gpu_uuid: str, card: Any) -> GpuSample:
    memory = if_told(pynvml.nvmlDeviceGetMemoryInfo, card)
    rates = if_told(pynvml.nvmlDeviceGetUtilizationRates, card)
    power_mw = if_told(pynvml.nvmlDeviceGetPowerUsage, card)
    temperature = if_told(pynvml.nvmlDeviceGetTemperature, card, pynvml.NVML_TEMPERATURE_GPU)
    return GpuSample(
        uuid=gpu_uuid,
        utilisation=None if rates is None else rates.gpu / 100,
        memory_used_bytes=None if memory is None else int(memory.used),
        memory_total_bytes=None if memory is None else int(memory.total),
        power_w=None if power_mw is None else power_mw / 1000,
        temperature_c=temperature,
        processes=tuple(_processes(card)),
        warnings=tuple(warnings(card)),
    )


def _processes(card: Any) -> Iterator[GpuProcess]:
    busy = _busy_by_pid(card)
    seen: set[int] = set()
    for list_ in (
        pynvml.nvmlDeviceGetComputeRunningProcesses,
        pynvml.nvmlDeviceGetGraphicsRunningProcesses,
        pynvml.nvmlDeviceGetMPSComputeRunningProcesses,
    ):
        for each in if_told(list_, card) or ():
            if each.pid not in seen:  # one that computes and draws is in two lists
                seen.add(each.pid)
                yield GpuProcess(
                    pid=each.pid, memory_bytes=each.usedGpuMemory, utilisation=busy.get(each.pid)
                )


def _busy_by_pid(card: Any) -> dict[int, float]:
    samples = if_told(pynvml.nvmlDeviceGetProcessUtilization, card, 0) or ()
    # The driver's buffer holds some seconds of each process; the newest sample counts.
    return {each.pid: each.smUtil / 100 for each in sorted(samples, key=lambda each: each.timeStamp)}
