"""Who gets a place now, who waits and why, and who has to leave.

Pure: the machine, what is held and the queue in, decisions out. The queue is served in order
(`fairness`). The first request that does not fit keeps a reservation, and those behind it go
ahead only where they do not delay it. A request is placed with all of its pods or not at all.

One pass is cheap for a long queue: within a pass room only shrinks, so a size that did not
fit is not tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from workbench.scheduler import fairness
from workbench.scheduler.cards import Machine
from workbench.scheduler.fairness import Member
from workbench.scheduler.reasons import why_behind, why_never, why_waiting
from workbench.scheduler.requests import Grant, Held, Need, Request
from workbench.scheduler.reservation import Reservation, reserve, victims
from workbench.scheduler.room import Room

Size = tuple[Need, ...]

GRACE = timedelta(seconds=60)
"""What work that is preempted has to finish what it is at."""


@dataclass(frozen=True)
class Place:
    """Give it these cards, one grant a pod."""

    request: Request
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Wait:
    """Leave it in the queue. `position` counts from 1."""

    request: Request
    position: int
    reason: str


@dataclass(frozen=True)
class Preempt:
    """Ask it to leave, with a grace, for more important work; it goes back into the queue."""

    held: Held
    reason: str


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
) -> Decisions:
    """One pass over the queue.

    Args:
        held: Everything that has its place, whether it runs already or not.
        used: Recent use by member, in seconds of the whole machine.
    """
    shares: dict[Size, float] = {}

    def share(request: Request) -> float:
        if request.pods not in shares:
            shares[request.pods] = fairness.share_of(request.pods, machine)
        return shares[request.pods]

    running: dict[Member, float] = {}
    for each in held:
        member = (each.request.workspace_id, each.request.user_id)
        running[member] = running.get(member, 0.0) + share(each.request)
    a_pass = _Pass(machine, now, list(held), Room.of(machine, held))
    waiting = [each for each in fairness.in_order(queue, used, running, share) if not a_pass.place(each)]
    return Decisions(
        placed=tuple(a_pass.placed),
        waiting=tuple(
            Wait(request, position, a_pass.why(request)) for position, request in enumerate(waiting, 1)
        ),
        preempted=tuple(a_pass.preempted),
    )


@dataclass
class _Pass:
    """One walk through the queue. `spare` is what is free now and not kept for the reservation."""

    machine: Machine
    now: datetime
    held: list[Held]
    room: Room
    placed: list[Place] = field(default_factory=list)
    preempted: list[Preempt] = field(default_factory=list)
    reservation: Reservation | None = None
    spare: Room | None = None
    too_large: set[Size] = field(default_factory=set)
    """Sizes that do not fit into what is free."""
    kept_out: set[Size] = field(default_factory=set)
    """Sizes that do not fit beside the reservation."""
    reasons: dict[tuple[Size, bool], str] = field(default_factory=dict)

    def place(self, request: Request) -> bool:
        """Give a request its place, if it fits and delays nobody ahead of it."""
        if request.pods in self.too_large:
            return False
        if self.spare is None or self.reservation is None:
            return self._place_first(request)
        if self.reservation.allows(request.lasts, self.now):
            return self._place_for_a_while(request)
        return self._place_beside(request, self.reservation, self.spare)

    def why(self, request: Request) -> str:
        """The reason for which a request waits, once the pass is over."""
        key = (request.pods, request.pods in self.too_large)
        if key not in self.reasons:
            self.reasons[key] = self._why(*key)
        return self.reasons[key]

    def _place_first(self, request: Request) -> bool:
        grants = self.room.fit(request.pods)
        if grants is None:
            self.too_large.add(request.pods)
            self._make_way(request)
            self.reservation = reserve(request, self.machine, self.held, self.now)
            self._count_spare()
            return False
        self._note(request, grants)
        return True

    def _place_for_a_while(self, request: Request) -> bool:
        grants = self.room.fit(request.pods)
        if grants is None:
            self.too_large.add(request.pods)
            return False
        self._note(request, grants)
        self._count_spare()
        return True

    def _place_beside(self, request: Request, reservation: Reservation, spare: Room) -> bool:
        if request.pods in self.kept_out:
            return False
        grants = spare.fit(request.pods)
        if grants is None:
            self.kept_out.add(request.pods)
            return False
        self._note(request, grants)
        self.room.take(request.pods, grants)
        reservation.then.take(request.pods, grants)
        return True

    def _note(self, request: Request, grants: tuple[Grant, ...]) -> None:
        self.placed.append(Place(request, grants))
        self.held.append(Held(request=request, grants=grants, placed_at=self.now))

    def _count_spare(self) -> None:
        if self.reservation:
            self.spare = self.room.overlap(self.reservation.then)

    def _make_way(self, request: Request) -> None:
        for each in victims(request, self.machine, self.held):
            self.held[self.held.index(each)] = replace(each, leaves_by=self.now + GRACE)
            self.preempted.append(
                Preempt(each, f"Makes way for {request.words}, whose priority is {request.priority}.")
            )

    def _why(self, pods: Size, too_large: bool) -> str:
        if Room.of(self.machine, (), busy_too=True).fit(pods) is None:
            return why_never(pods, self.machine)
        if too_large or Room.of(self.machine, self.held).fit(pods) is None or self.reservation is None:
            return why_waiting(pods, self.machine, self.room, self.held)
        return why_behind(self.reservation.request, self.reservation.start)
