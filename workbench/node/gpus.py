"""The machine's NVIDIA GPUs, as the driver's library tells of them.

A machine without the library or the driver is a normal machine with no GPU, and a sentence
saying why. The library may be slow or hang: it is read in a thread of its own, and whoever
asks waits no longer than a deadline. It is started anew for each reading, so that a driver
installed later is noticed.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace

import pynvml

DEADLINE_S = 5.0

_REASONS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "No NVIDIA driver is installed.",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "The NVIDIA driver is installed but not loaded.",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "The NVIDIA driver was updated, and the old one still runs.",
    pynvml.NVML_ERROR_NO_PERMISSION: "The daemon's user may not ask the NVIDIA driver.",
}


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One card. `problem` is empty for a card that can be given away; `uuid` may then be
    empty too, and memory 0."""

    index: int
    uuid: str = ""
    name: str = ""
    memory_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """All cards. `reason` says in words why there are none, or why this is an old reading;
    `mismatch` that the library and the loaded driver differ in version. `cuda` is the newest
    CUDA version the driver supports."""

    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    cuda: str = ""
    reason: str = ""
    mismatch: bool = False


class GpuReader:
    """Asks the driver, one question at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = GpuReading(reason="The NVIDIA driver has not answered yet.")
        self._under_way: Future[GpuReading] | None = None

    def read(self, *, deadline_s: float = DEADLINE_S) -> GpuReading:
        """Read all cards.

        Returns:
            The cards now; after the deadline those of the last reading, with a reason. A
            question that hangs is not asked again before it is answered.
        """
        with self._lock:
            if self._under_way is None:
                self._under_way = Future()
                threading.Thread(target=self._ask, args=(self._under_way,), name="nvml", daemon=True).start()
            answer = self._under_way
        try:
            self._last = answer.result(deadline_s)
        except TimeoutError:
            return replace(self._last, reason=f"The NVIDIA driver did not answer within {deadline_s:g} s.")
        return self._last

    def _ask(self, answer: Future[GpuReading]) -> None:
        try:
            answer.set_result(read_now())
        except Exception as error:
            answer.set_exception(error)  # for whoever asked; the next one asks anew
        finally:
            with self._lock:
                self._under_way = None


def read_now() -> GpuReading:
    """Read all cards in this thread, however long it takes."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        mismatch = error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
        return GpuReading(reason=_REASONS.get(error.value, f"{_words(error)}."), mismatch=mismatch)
    try:
        cuda = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        return GpuReading(
            gpus=tuple(_read_card(index) for index in range(pynvml.nvmlDeviceGetCount())),
            driver=str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
        )
    except pynvml.NVMLError as error:
        return GpuReading(reason=f"{_words(error)}.")
    finally:
        pynvml.nvmlShutdown()


def _read_card(index: int) -> Gpu:
    card = Gpu(index=index)
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        card = replace(card, uuid=str(pynvml.nvmlDeviceGetUUID(handle)))
        card = replace(card, name=str(pynvml.nvmlDeviceGetName(handle)))
        return replace(card, memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total))
    except pynvml.NVMLError as error:
        return replace(card, problem=f"{_words(error)}.")


def _words(error: pynvml.NVMLError) -> str:
    return f"The NVIDIA driver says: {error}"
