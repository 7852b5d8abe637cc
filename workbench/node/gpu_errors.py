"""Listens to the errors that the driver reports by itself, its XIDs.

Each card has a listener of its own: one that hangs or is lost makes no other deaf. Whatever the
driver answers, a listener tries again later. A listener holds the driver, so that it can neither be
exchanged nor its card be reset; whoever wants to do that first has `follow` let go.

Only XIDs are listened to: the driver reports double bit errors, lost NVLinks and the like under a
number too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pynvml

log = logging.getLogger(__name__)

_WAIT_MS = 1000
_AGAIN_S = 5.0
_NO_INSTANCE = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class GpuError:
    """An error that the driver reported of a card; on a divided one perhaps of one part of it alone.

    `instance` is that part's number as in `MigInstance`.
    """

    uuid: str
    xid: int
    at: datetime
    instance: int | None = None


class GpuErrors:
    """The listeners.

    Args:
        heard: Is handed each error, in a thread of the listener's.
        again_s: Seconds until a listener that was refused tries again.
    """

    def __init__(self, heard: Callable[[GpuError], None], *, again_s: float = _AGAIN_S) -> None:
        self._heard = heard
        self._again_s = again_s
        self._listeners: dict[str, _Listener] = {}

    def follow(self, uuids: Iterable[str]) -> None:
        """Listen to these cards from now on and to no other; the others are let go within a second or
        two. Returns at once."""
        wanted = set(uuids)
        for uuid in self._listeners.keys() - wanted:
            self._listeners.pop(uuid).end()
        for uuid in wanted - self._listeners.keys():
            self._listeners[uuid] = _Listener(uuid, self._heard, self._again_s)

    def stop(self) -> None:
        """Listen no more."""
        self.follow(())


class _Listener:
    def __init__(self, uuid: str, heard: Callable[[GpuError], None], again_s: float) -> None:
        self._uuid = uuid
        self._heard = heard
        self._again_s = again_s
        self._ended = threading.Event()
        self._trouble = ""
        threading.Thread(target=self._run, name=f"xid-{uuid[:12]}", daemon=True).start()

    def end(self) -> None:
        """Let go of the driver, soon."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._hold_and_listen()
            except pynvml.NVMLError as error:
                self._note(str(error))
                if error.value == pynvml.NVML_ERROR_NOT_SUPPORTED:
                    return  # this card reports nothing, and never will
            except Exception:
                log.exception("gpu errors not heard uuid=%s", self._uuid)
            self._ended.wait(self._again_s)

    def _hold_and_listen(self) -> None:
        pynvml.nvmlInit()
        try:
            card = pynvml.nvmlDeviceGetHandleByUUID(self._uuid)
            if not pynvml.nvmlDeviceGetSupportedEventTypes(card) & pynvml.nvmlEventTypeXidCriticalError:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            events = pynvml.nvmlEventSetCreate()
            try:
                pynvml.nvmlDeviceRegisterEvents(card, pynvml.nvmlEventTypeXidCriticalError, events)
                self._note("")
                while not self._ended.is_set():
                    self._wait(events)
            finally:
                pynvml.nvmlEventSetFree(events)
        finally:
            pynvml.nvmlShutdown()

    def _wait(self, events: pynvml.c_nvmlEventSet_t) -> None:
        try:
            event = pynvml.nvmlEventSetWait_v2(events, _WAIT_MS)
        except pynvml.NVMLError as error:
            if error.value == pynvml.NVML_ERROR_TIMEOUT:
                return
            raise
        instance = None if event.gpuInstanceId == _NO_INSTANCE else int(event.gpuInstanceId)
        self._heard(
            GpuError(uuid=self._uuid, xid=int(event.eventData), at=datetime.now(UTC), instance=instance)
        )

    def _note(self, trouble: str) -> None:
        """Log a trouble once, however often it comes."""
        if trouble and trouble != self._trouble:
            log.warning("gpu errors not heard uuid=%s reason=%s", self._uuid, trouble)
        self._trouble = trouble
