"""Who gets a place now, who waits and why, and who has to leave.

Pure: the machine, what is held and the queue in, decisions out. The queue is served in order
(`fairness`). The first request that does not fit keeps a reservation, and those behind it go
ahead only where they do not delay it. A request is placed with all of its pods or not at all.

One pass is cheap for a long queue: within a pass room only shrinks, so a size that did not fit
is not tried again, whoever asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from workbench.scheduler import fairness
from workbench.scheduler.cards import Machine
from workbench.scheduler.fairness import Member
from workbench.scheduler.reasons import Holders, why_behind, why_never, why_no_cards, why_no_room
from workbench.scheduler.requests import Cards, Grant, Held, Key, Need, Readers, Request
from workbench.scheduler.reservation import Reservation, reserve, victims
from workbench.scheduler.room import Room

GRACE = timedelta(seconds=60)
"""What work that is preempted has to finish what it is at."""


@dataclass(frozen=True)
class Place:
    """Give it these cards, one grant a pod."""

    request: Request
    grants: tuple[Grant, ...]


class Wait(NamedTuple):
    """Leave it in the queue. `position` counts from 1."""

    request: Request
    position: int
    reason: str


@dataclass(frozen=True)
class Preempt:
    """Ask it to leave, with a grace, for more important work; it goes back into the queue."""

    held: Held
    by: Request
    leaves_by: datetime

    @property
    def by_whom(self) -> str:
        """The work that it leaves for, as who reads that may know."""
        return f"{self.by.words_for(self.held.request.readers)} (priority {self.by.priority})"


@dataclass(frozen=True)
class Decisions:
    """What one pass decided. Everything in the queue is either placed or waits."""

    placed: tuple[Place, ...] = ()
    waiting: tuple[Wait, ...] = ()
    preempted: tuple[Preempt, ...] = ()


def decide(
    machine: Machine,
    held: Sequence[Held],
    queue: Sequence[Request],
    used: Mapping[Member, float],
    now: datetime,
    *,
    ahead: Collection[Key] = (),
    grace: timedelta = GRACE,
) -> Decisions:
    """One pass over the queue.

    Args:
        held: Everything that has its place, whether it runs already or not.
        used: Recent use by member, in seconds of the whole machine.
        ahead: For whom others were asked to leave. Of its priority it comes first, so that nobody
            left in vain.
        grace: What work that is preempted has to finish what it is at.
    """
    running: defaultdict[Member, float] = defaultdict(float)
    for each in held:
        running[each.request.workspace_id, each.request.user_id] += fairness.share_of(
            each.request.pods, machine
        )
    sizes = _sizes(queue, machine)
    order = fairness.in_order(queue, [size.share for size in sizes], used, running)
    if ahead:
        order.sort(key=lambda number: (-queue[number].priority, queue[number].key not in ahead))

    a_pass = _Pass(machine, now, grace, list(held), Room.of(machine, held))
    waiting = [number for number in order if not a_pass.place(queue[number], sizes[number])]
    words = _Words(a_pass)
    return Decisions(
        placed=tuple(a_pass.placed),
        waiting=tuple(
            Wait(queue[number], position, words.why(sizes[number], queue[number].readers))
            for position, number in enumerate(waiting, 1)
        ),
        preempted=tuple(a_pass.preempted),
    )


class _Size:
    """What several requests want alike, and what a pass has found out about it.

    `too_large` says that it does not fit into what is free, `kept_out` that it does not fit beside
    the reservation.
    """

    def __init__(self, pods: tuple[Need, ...], machine: Machine) -> None:
        self.pods = pods
        self.share = fairness.share_of(pods, machine)
        self.too_large = False
        self.kept_out = False
        self.reasons: dict[Readers, str] = {}


def _sizes(queue: Sequence[Request], machine: Machine) -> list[_Size]:
    """The size of each request; those that want alike have the same."""
    known: dict[tuple[Need, ...], _Size] = {}
    sizes = []
    for each in queue:
        size = known.get(each.pods)
        if size is None:
            size = known[each.pods] = _Size(each.pods, machine)
        sizes.append(size)
    return sizes


@dataclass
class _Pass:
    """One walk through the queue. `spare` is what is free now and not kept for the reservation."""

    machine: Machine
    now: datetime
    grace: timedelta
    held: list[Held]
    room: Room
    placed: list[Place] = field(default_factory=list)
    preempted: list[Preempt] = field(default_factory=list)
    reservation: Reservation | None = None
    spare: Room | None = None

    def place(self, request: Request, size: _Size) -> bool:
        """Give a request its place, if it fits and delays nobody ahead of it."""
        if size.too_large:
            return False
        if self.reservation is None or self.spare is None:
            return self._place_first(request, size)
        if self.reservation.allows(request, self.now):
            return self._place_for_a_while(request, size)
        return self._place_beside(request, size, self.reservation, self.spare)

    def _place_first(self, request: Request, size: _Size) -> bool:
        if grants := self.room.fit(request.pods):
            self._note(request, grants)
            return True
        size.too_large = True
        self._make_way(request)
        self.reservation = reserve(request, self.machine, self.held, self.now)
        self._count_spare()
        return False

    def _place_for_a_while(self, request: Request, size: _Size) -> bool:
        if grants := self.room.fit(request.pods):
            self._note(request, grants)
            self._count_spare()
            return True
        size.too_large = True
        return False

    def _place_beside(self, request: Request, size: _Size, reservation: Reservation, spare: Room) -> bool:
        if size.kept_out:
            return False
        if grants := spare.fit(request.pods):
            self._note(request, grants)
            self.room.take(request.pods, grants)
            reservation.then.take(request.pods, grants)
            return True
        size.kept_out = True
        return False

    def _note(self, request: Request, grants: tuple[Grant, ...]) -> None:
        self.placed.append(Place(request, grants))
        self.held.append(Held(request=request, grants=grants, placed_at=self.now))

    def _count_spare(self) -> None:
        if self.reservation:
            self.spare = self.room.overlap(self.reservation.then)

    def _make_way(self, request: Request) -> None:
        leaves_by = self.now + self.grace
        for each in victims(request, self.machine, self.held):
            self.held[self.held.index(each)] = replace(each, leaves_by=leaves_by)
            self.preempted.append(Preempt(each, request, leaves_by))


class _Words:
    """Why each size waits, after a pass, as its readers may know."""

    def __init__(self, a_pass: _Pass) -> None:
        self._pass = a_pass
        self._idle = Room.of(a_pass.machine, (), busy_too=True)
        self._holders: dict[Readers, Holders] = {}
        self._no_cards: dict[tuple[Readers, tuple[Cards, ...]], str] = {}

    def why(self, size: _Size, readers: Readers) -> str:
        if readers not in size.reasons:
            size.reasons[readers] = self._why(size, readers)
        return size.reasons[readers]

    def _why(self, size: _Size, readers: Readers) -> str:
        reservation = self._pass.reservation
        if size.kept_out and reservation and self._pass.room.fits(size.pods):
            return why_behind(reservation.request, reservation.start, readers)
        if not self._idle.fits(size.pods):
            return why_never(size.pods, self._pass.machine)
        holders = self._holders.setdefault(readers, Holders(self._pass.held, readers))
        here = (self._pass.machine, self._pass.room, holders)
        if short := why_no_room(size.pods, *here):
            return short
        wanted = tuple([need.cards for need in size.pods if need.cards])
        if (readers, wanted) not in self._no_cards:
            self._no_cards[readers, wanted] = why_no_cards(wanted, *here)
        return self._no_cards[readers, wanted]
