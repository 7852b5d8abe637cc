"""Takes cards out of work that the driver reports an error of, tells who has to know, and lets them
back.

An error is an event of the card, for the machine's owner, and of what holds the card, for its holder.
What it means for the card is decided in `xids`, when it is over in `scheduler.faults`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlite_utils import Database

from workbench import scheduler
from workbench.errors import Unavailable
from workbench.node import Gpu, GpuError, GpuErrors, xids
from workbench.node.xids import Verdict
from workbench.parts import Parts
from workbench.scheduler import Fault, Holder
from workbench.telemetry import Change, Event, Level, events
from workbench.telemetry.readings import Snapshot
from workbench.telemetry.series import GPU

log = logging.getLogger(__name__)

CHANGE = "gpu-error"
"""Kind of the change that a holder is told; the id is that of the work, the status the XID."""

REASON = "GPUError"

_TOLD_EVERY_S = 60.0
"""A program in a loop, and a card that is failing, make thousands of the same error."""

_KEPT_UNWRITTEN = 1000


class GpuWatch:
    """Listens to the driver, and looks at each snapshot."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._errors = GpuErrors(self.heard)
        self._lock = threading.Lock()
        self._heard_at: dict[tuple[str, int, int | None], float] = {}
        self._unwritten: list[tuple[GpuError, bool]] = []
        self._seen: Snapshot | None = None
        self._well: frozenset[str] = frozenset()

    def stop(self) -> None:
        """Listen no more."""
        self._errors.stop()

    def heard(self, error: GpuError) -> None:
        """Keep an error and tell of it. One that the database has no room for is kept for later."""
        key, now = (error.uuid, error.xid, error.instance), time.monotonic()
        with self._lock:
            told = now - self._heard_at.get(key, -_TOLD_EVERY_S) < _TOLD_EVERY_S
            if told and xids.meaning(error.xid).verdict < Verdict.WORN:
                return
            if not told:
                self._heard_at[key] = now
            self._unwritten = [*self._unwritten, (error, told)][-_KEPT_UNWRITTEN:]
        self._write()

    def look(self, snapshot: Snapshot) -> None:
        """Write what could not be written, let back what is well again, have the queue looked at where
        a card falls ill or is well again, and listen to the cards there are.

        While somebody keeps work away from a card to see to it, the driver is let go: who holds it
        stands in the way of a reset, and of another driver.
        """
        self._seen = snapshot
        well = frozenset(card.gpu.uuid for card in snapshot.cards if card.fresh and not card.gpu.problem)
        for uuid in well ^ self._well:
            self._changed(uuid, "Well" if uuid in well else "Ill", "")
        self._well = well
        self._write()
        try:
            with self._parts.store.reading() as db:
                known = scheduler.on_record(db)
            self._let_back(snapshot, {uuid: each.fault for uuid, each in known.items() if each.fault})
        except Unavailable as error:  # a full disk, most likely
            log.warning("gpu faults not looked at reason=%s", error)
            return
        there = [card.gpu.uuid for card in snapshot.cards if card.gpu.uuid and not card.state.gone]
        seen_to = any(known[gpu.uuid].cordoned for gpu in _gpus(snapshot) if gpu.uuid in known)
        self._errors.follow(() if seen_to else there)

    def _write(self) -> None:
        with self._lock:
            while self._unwritten:
                error, told = self._unwritten.pop(0)
                try:
                    self._keep(error, told=told)
                except Unavailable as trouble:
                    self._unwritten.insert(0, (error, told))
                    log.warning("gpu error not written yet xid=%d reason=%s", error.xid, trouble)
                    return

    def _keep(self, error: GpuError, *, told: bool) -> None:
        """Write an error and tell of it; one that was told just now only if it takes the card out anew."""
        verdict = xids.meaning(error.xid).verdict
        fault = Fault(xid=error.xid, at=error.at, boot=boot_id()) if verdict >= Verdict.WORN else None
        level = Level.ERROR if verdict is Verdict.BROKEN else Level.WARNING
        with self._parts.store.transaction() as db:
            taken_out = fault is not None and scheduler.faults.note(db, error.uuid, fault)
            if told and not taken_out:
                return
            holders = list(self._holders(db, error))
            events.add(db, _event(error.uuid, error.at, level, REASON, xids.words(error.xid)))
            for each in holders:
                events.add(
                    db,
                    Event(
                        kind=each.kind,
                        id=each.id,
                        workspace_id=each.workspace_id,
                        owner_id=each.user_id,
                        time=error.at,
                        level=level,
                        reason=REASON,
                        message=xids.to_holder(error.xid),
                    ),
                )
        log.warning("gpu error uuid=%s xid=%d instance=%s", error.uuid, error.xid, error.instance)
        for each in holders:
            self._tell(each, error)
        if fault:
            self._changed(error.uuid, f"XID{error.xid}", fault.words)
            self._note_loss_seen_before(error)

    def _note_loss_seen_before(self, error: GpuError) -> None:
        """A card's loss can be seen before the driver reports it, and be over before the next look. Read
        after the fault is written, as `look` is kept before it reads the faults: one of the two sees both.
        """
        if error.xid == xids.OFF_THE_BUS and self._seen and _is_gone(self._seen, error.uuid):
            with self._parts.store.transaction() as db:
                scheduler.faults.note_gone(db, error.uuid)

    def _holders(self, db: Database, error: GpuError) -> Iterator[Holder]:
        """Who has the card, or the part of it that the error is one of."""
        held = scheduler.holders(db)
        parts = [part for gpu in _gpus(self._seen) if gpu.uuid == error.uuid for part in gpu.instances]
        if error.instance is not None:
            parts = [part for part in parts if part.number in (None, error.instance)]
        for uuid in (error.uuid, *(part.uuid for part in parts)):
            yield from held.get(uuid, ())

    def _tell(self, holder: Holder, error: GpuError) -> None:
        self._parts.live.tell(
            Change(
                kind=CHANGE,
                id=holder.id,
                workspace_id=holder.workspace_id,
                private_to=holder.user_id,
                status=f"XID{error.xid}",
                message=xids.to_holder(error.xid),
            )
        )

    def _let_back(self, snapshot: Snapshot, faults: Mapping[str, Fault | None]) -> None:
        cards = {card.gpu.uuid: card for card in snapshot.cards}
        for uuid, fault in faults.items():
            if fault is None:
                continue
            card = cards.get(uuid)
            if fault.boot != boot_id():
                self._clear(uuid, "The machine was restarted since its error.")
            elif not fault.gone and _is_gone(snapshot, uuid):
                with self._parts.store.transaction() as db:
                    scheduler.faults.note_gone(db, uuid)
            elif fault.gone and card and card.fresh and not card.gpu.problem:
                self._clear(uuid, "It was gone and answers again: it was reset, or its driver loaded anew.")

    def _clear(self, uuid: str, why: str) -> None:
        with self._parts.store.transaction() as db:
            scheduler.faults.clear(db, uuid)
            events.add(db, _event(uuid, self._parts.now(), Level.NORMAL, "GPUBack", why))
        log.info("gpu fault over uuid=%s", uuid)
        self._changed(uuid, "Back", why)

    def _changed(self, uuid: str, status: str, message: str) -> None:
        self._parts.live.tell(Change(kind=GPU, id=uuid, status=status, message=message))
        self._parts.queue.wake(*scheduler.PASS)


def _event(uuid: str, time: datetime, level: Level, reason: str, message: str) -> Event:
    """An event of a card, which stands in no workspace: the machine's owner sees it."""
    return Event(kind=GPU, id=uuid, workspace_id="", time=time, level=level, reason=reason, message=message)


@cache
def boot_id() -> str:
    """What tells one start of the machine from another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _gpus(snapshot: Snapshot | None) -> tuple[Gpu, ...]:
    return snapshot.inventory.graphics.gpus if snapshot else ()


def _is_gone(snapshot: Snapshot, uuid: str) -> bool:
    """Whether the driver says that a card is not there, rather than nothing."""
    for card in snapshot.cards:
        if card.gpu.uuid == uuid:
            return card.state.gone
    return snapshot.inventory.graphics.unloaded or bool(_gpus(snapshot))
