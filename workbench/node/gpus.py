"""The machine's NVIDIA GPUs, as the driver's library tells of them.

A machine without the library or the driver is a normal machine with no GPU, and a sentence
saying why. The library may be slow or hang: it is read in a thread of its own, and whoever
asks waits no longer than a deadline. It is started anew for each reading, so that a driver
installed later is noticed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pynvml

from workbench.node.gpu_health import sickness
from workbench.node.topology import distances

log = logging.getLogger(__name__)

_DEADLINE_S = 10.0
"""Eight cards without persistence mode take some seconds to wake."""

_KEPT_S = 60.0
_KEPT_IN_TROUBLE_S = 10.0
"""Without a card, or with a sick one, it is soon looked whether that has changed."""

_REASONS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "No NVIDIA driver is installed.",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "The NVIDIA driver is installed but not loaded.",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "The NVIDIA driver was updated, and the old one still runs.",
    pynvml.NVML_ERROR_NO_PERMISSION: "The daemon's user may not ask the NVIDIA driver.",
}

_UNTOLD = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_NO_PERMISSION,
}


@dataclass(frozen=True)
class MigInstance:
    """A part of a divided card that works like a card of its own. Its profile is like `1g.5gb`; `number`
    is the driver's for it on this card."""

    uuid: str
    profile: str
    memory_bytes: int = 0
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One card. `problem` is empty for a card that can be given away; `uuid` may then be
    empty too, and memory 0.

    `minor` is the number of its device file. A divided card is given away by its `instances` only.
    `distances` to other cards, by UUID, are as in `topology`.
    """

    index: int
    uuid: str = ""
    name: str = ""
    memory_bytes: int = 0
    minor: int | None = None
    divided: bool = False
    instances: tuple[MigInstance, ...] = ()
    distances: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """All cards. `reason` says in words why there are none, or why this is an old reading;
    `mismatch` that the library and the loaded driver differ in version, `unloaded` that there is no
    loaded driver; `answered` is false before the first answer. `cuda` is the newest CUDA version the
    driver supports."""

    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    cuda: str = ""
    reason: str = ""
    mismatch: bool = False
    unloaded: bool = False
    answered: bool = True


class GpuReader:
    """Asks the driver, one question at a time.

    Args:
        deadline_s: How long the driver may take before it counts as not answering.
    """

    def __init__(self, *, deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._last = GpuReading(reason="The NVIDIA driver has not answered yet.", answered=False)
        self._answered_at: float | None = None
        self._asked_at = 0.0
        self._answer: threading.Event | None = None

    def read(self, *, afresh: bool = False) -> GpuReading:
        """The cards, as they were a minute ago at most; in trouble, some seconds ago.

        Only the first question and one asked afresh are waited for, and no longer than the
        deadline; others return at once with what was last known while the driver is asked.

        Returns:
            The cards. A driver that does not answer in time shows in `reason`, and is not
            asked again before it has answered.
        """
        with self._lock:
            wait = afresh or self._answered_at is None
            answer = self._answer or (self._ask() if wait or self._is_old() else None)
        if answer and wait:
            answer.wait(max(0.0, self._asked_at + self._deadline_s - time.monotonic()))
        with self._lock:
            if self._answer and time.monotonic() - self._asked_at >= self._deadline_s:
                late = f"The NVIDIA driver has not answered for {self._deadline_s:g} s or more."
                return replace(self._last, reason=late)
            return self._last

    def _is_old(self) -> bool:
        sound = self._last.gpus and not any(card.problem for card in self._last.gpus)
        kept_s = _KEPT_S if sound else _KEPT_IN_TROUBLE_S
        return self._answered_at is None or time.monotonic() - self._answered_at > kept_s

    def _ask(self) -> threading.Event:
        self._answer = threading.Event()
        self._asked_at = time.monotonic()
        threading.Thread(target=self._listen, args=(self._answer,), name="nvml", daemon=True).start()
        return self._answer

    def _listen(self, answer: threading.Event) -> None:
        try:
            reading = read_now()
        except Exception:
            log.exception("gpus not read")
            reading = GpuReading(reason="The GPUs could not be read; the daemon's log says why.")
        with self._lock:
            known = {card.index: card for card in self._last.gpus}
            cards = tuple(card if card.uuid else _remembered(card, known) for card in reading.gpus)
            self._last, self._answered_at = replace(reading, gpus=cards), time.monotonic()
            self._answer = None
        answer.set()


def _remembered(card: Gpu, known: Mapping[int, Gpu]) -> Gpu:
    """A card that is lost does not even tell its UUID: it is still the one that was there."""
    return replace(known.get(card.index, card), problem=card.problem)


def read_now() -> GpuReading:
    """Read all cards in this thread, however long it takes."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return GpuReading(
            reason=_REASONS.get(error.value, f"{_words(error)}."),
            mismatch=error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
            unloaded=error.value == pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        )
    try:
        return _read_all()
    except pynvml.NVMLError as error:
        return GpuReading(reason=f"{_words(error)}.")


def _read_all() -> GpuReading:
    try:
        cuda = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        return GpuReading(
            gpus=_with_distances([_read_card(index) for index in range(pynvml.nvmlDeviceGetCount())]),
            driver=str(pynvml.nvmlSystemGetDriverVersion()),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}",
        )
    finally:
        pynvml.nvmlShutdown()


def _read_card(index: int) -> Gpu:
    card = Gpu(index=index)
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        card = replace(card, uuid=str(pynvml.nvmlDeviceGetUUID(handle)))
        card = replace(card, name=str(pynvml.nvmlDeviceGetName(handle)))
        card = replace(card, minor=_if_told(pynvml.nvmlDeviceGetMinorNumber, handle))
        card = replace(card, memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total))
        if (_if_told(pynvml.nvmlDeviceGetMigMode, handle) or [0])[0]:
            card = replace(card, divided=True, instances=tuple(_instances(handle)))
        return replace(card, problem=sickness(handle))
    except pynvml.NVMLError as error:
        return replace(card, problem=f"{_words(error)}.")


def _instances(handle: Any) -> Iterator[MigInstance]:
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
        except pynvml.NVMLError:
            continue  # the numbers of instances have gaps
        attributes = pynvml.nvmlDeviceGetAttributes_v2(part)
        gib = round(attributes.memorySizeMB / 1024)
        yield MigInstance(
            uuid=str(pynvml.nvmlDeviceGetUUID(part)),
            profile=f"{attributes.computeInstanceSliceCount}g.{gib}gb",
            memory_bytes=attributes.memorySizeMB * 2**20,
            number=_if_told(pynvml.nvmlDeviceGetGpuInstanceId, part),
        )


def _if_told(read: Callable[[Any], Any], handle: Any) -> Any:
    """What an older card or driver may not tell; None then. A card that is lost is another matter."""
    try:
        return read(handle)
    except pynvml.NVMLError as error:
        if error.value in _UNTOLD:
            return None
        raise


def _with_distances(cards: list[Gpu]) -> tuple[Gpu, ...]:
    handles = {each.uuid: pynvml.nvmlDeviceGetHandleByIndex(each.index) for each in cards if not each.problem}
    known = distances(handles)
    return tuple(replace(each, distances=known.get(each.uuid, {})) for each in cards)


def _words(error: pynvml.NVMLError) -> str:
    return f"The NVIDIA driver says: {error}"
