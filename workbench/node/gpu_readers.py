"""All GPUs read at once, each by a reader of its own.

NVML calls may hang, and then for one card only. A card that has not answered by the deadline
keeps its last sample, said to be stale, and is neither asked nor waited for again before it has
answered; the others are not held up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.node.gpu_counters import GpuLost, GpuSample, sample

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class GpuState:
    """What is known of a card. `stale` says why the sample is old, or why there is none; it is empty
    for a sample of now. `gone` is as in `GpuLost`."""

    sample: GpuSample | None = None
    stale: str = ""
    gone: bool = False


class GpuReaders:
    """A reader a card.

    Args:
        deadline_s: How long one round may take in all.
    """

    def __init__(self, *, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._readers: dict[str, _Reader] = {}

    def read(self, uuids: Iterable[str]) -> Mapping[str, GpuState]:
        """The state of these cards, after no more than the deadline."""
        wanted = list(uuids)
        self._readers = {uuid: self._readers.get(uuid) or _Reader(uuid) for uuid in wanted}
        until = time.monotonic() + self._deadline_s
        asked = {uuid for uuid, reader in self._readers.items() if reader.ask()}
        return {
            uuid: reader.answer(until if uuid in asked else 0.0) for uuid, reader in self._readers.items()
        }


class _Reader:
    def __init__(self, uuid: str) -> None:
        self._uuid = uuid
        self._asked_at = 0.0
        self._answered = threading.Event()
        self._answered.set()
        self._state = GpuState(stale="It was not read yet.")

    def ask(self) -> bool:
        """Whether it was asked: not while it still thinks about the last question."""
        if not self._answered.is_set():
            return False
        self._answered.clear()
        self._asked_at = time.monotonic()
        threading.Thread(target=self._listen, name=f"nvml-{self._uuid[:12]}", daemon=True).start()
        return True

    def answer(self, until: float) -> GpuState:
        if self._answered.wait(max(0.0, until - time.monotonic())):
            return self._state
        silent_s = time.monotonic() - self._asked_at
        return GpuState(sample=self._state.sample, stale=f"It has not answered for {silent_s:.0f} s.")

    def _listen(self) -> None:
        last = self._state.sample
        try:
            self._state = GpuState(sample=sample(self._uuid))
        except GpuLost as error:
            self._state = GpuState(sample=last, stale=str(error), gone=error.gone)
        except Exception:
            log.exception("gpu not read uuid=%s", self._uuid)
            self._state = GpuState(sample=last, stale="It could not be read; the daemon's log says why.")
        finally:
            self._answered.set()
