"""The queue, as capabilities use it: they ask, look at the answer, and give back.

Everything here runs inside the caller's transaction, so that the record of some work and its
request change together. Who gets a place is decided elsewhere, by a pass over the whole queue
(`passes`), which is woken by the caller: `parts.queue.wake(*scheduler.PASS)`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from workbench.scheduler import records
from workbench.scheduler.reasons import amount
from workbench.scheduler.records import Entry
from workbench.scheduler.requests import Grant, Key, Request
from workbench.wire.sizes import show

PASS: Key = ("scheduler", "all")
"""The work queue's key of a pass."""


@dataclass(frozen=True)
class Granted:
    """The work has its place, until it gives it back.

    Attributes:
        grants: One for each pod, in the order they were asked for.
        leave: For whom it has to stop and give back, for it was preempted; empty otherwise.
        leaves_by: When it has stopped by then; None where it may stay.
        lost: What is wrong with its cards; empty where they work.
    """

    grants: tuple[Grant, ...]
    leave: str = ""
    leaves_by: datetime | None = None
    lost: str = ""


@dataclass(frozen=True)
class Waiting:
    """The work has no place yet; `reason` says in words what it waits for. `position` counts from 1
    and is 0 before the first pass looked at it. `preempted` says that it had its place before."""

    reason: str = ""
    position: int = 0
    preempted: bool = False

    @property
    def words(self) -> str:
        """Reason and turn in one."""
        return f"{self.reason} Number {self.position} in the queue." if self.position else self.reason


def ask(db: Database, request: Request) -> Granted | Waiting:
    """Ask for a place; asking again changes nothing.

    Who asks for another size than before gives back what it holds and waits anew, which is for work
    that does not run. Its turn is counted from when it first asked, as long as it waits.

    Returns:
        What there is now. The caller wakes `PASS` for a new request.
    """
    entry = records.find(db, request.key)
    if entry is None:
        records.put(db, request)
        return Waiting()
    if entry.request.pods != request.pods and entry.placed_at:
        records.free(db, request.key, request.asked_at)
        records.put(db, request)
        return Waiting()
    kept = replace(request, asked_at=entry.request.asked_at)
    if kept != entry.request:
        records.describe(db, kept)
        entry = replace(entry, position=0)
    return _answer(db, entry)


def placement(db: Database, key: Key) -> Granted | Waiting | None:
    """What became of a request; None where there is none."""
    entry = records.find(db, key)
    return _answer(db, entry) if entry else None


def give_back(db: Database, key: Key, now: datetime) -> bool:
    """End a request, and free what it holds. True when there was one; the caller then wakes `PASS`."""
    if records.find(db, key) is None:
        return False
    records.free(db, key, now)
    records.remove(db, key)
    records.nobody_leaves_for(db, key)
    return True


def requeue(db: Database, key: Key, now: datetime) -> None:
    """Free what work holds that was asked to leave or whose card is lost, and let it wait again, its
    turn counted from when it first asked. The caller wakes `PASS`."""
    records.free(db, key, now)
    records.put_back(db, key)


def rate(db: Database, key: Key, *, priority: int, preemptible: bool) -> None:
    """Say anew how important work is, whether it waits or has its place. The caller wakes `PASS`."""
    if entry := records.find(db, key):
        records.describe(db, replace(entry.request, priority=priority, preemptible=preemptible))


def queue_now(db: Database) -> list[Entry]:
    """What waits, in its turn; what no pass has looked at yet comes last."""
    return sorted(records.entries(db, placed=False), key=lambda each: each.position or sys.maxsize)


def asked_for(db: Database) -> tuple[float, int]:
    """CPUs and bytes of memory of everything that has its place."""
    pods = [need for each in records.entries(db, placed=True) for need in each.request.pods]
    return sum(need.cpus for need in pods), sum(need.memory_bytes for need in pods)


def wants(request: Request) -> str:
    """What a request wants, in words."""
    cpus = sum(need.cpus for need in request.pods)
    memory = sum(need.memory_bytes for need in request.pods)
    cards = amount([need.cards for need in request.pods if need.cards])
    return f"{cpus:g} CPUs, {show(memory)}{f', {cards}' if cards else ''}"


def _answer(db: Database, entry: Entry) -> Granted | Waiting:
    if entry.placed_at is None:
        return Waiting(entry.why_it_waits, entry.position, preempted=bool(entry.preempted))
    return Granted(
        records.grants_of(db, entry.request),
        leave=entry.reason if entry.leaves_by else "",
        leaves_by=entry.leaves_by,
        lost=entry.lost,
    )
