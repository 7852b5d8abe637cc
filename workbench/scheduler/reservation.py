"""What is kept for the first request that has to wait, so that nothing behind it delays it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workbench.scheduler.cards import Machine
from workbench.scheduler.requests import Held, Request, Share, Slice, Whole
from workbench.scheduler.room import Room


@dataclass(frozen=True)
class Reservation:
    """A place in the future.

    `start` is when it can be taken at the latest, None where nobody knows. `then` is what is
    free beside it from that moment on.
    """

    request: Request
    start: datetime | None
    then: Room

    def allows(self, lasts: timedelta | None, now: datetime) -> bool:
        """Whether work that begins now and lasts so long is over before the place is needed."""
        return self.start is not None and lasts is not None and now + lasts <= self.start


def reserve(request: Request, machine: Machine, held: Sequence[Held], now: datetime) -> Reservation | None:
    """Find the first moment at which a request fits; None where this machine never could.

    What runs is expected to end as it said. Where that is not enough, nobody knows the moment, and
    the request keeps whatever it could use of what is free now.
    """
    idle = Room.of(machine, ())
    if not Room.of(machine, (), busy_too=True).fits(request.pods):
        return None
    staying = sorted((each for each in held if each.ends_by), key=_end, reverse=True)
    unknown = [each for each in held if not each.ends_by]
    if idle.fits(request.pods):
        while staying:
            start = max(_end(staying[-1]), now)
            staying.pop()
            then = Room.of(machine, [*unknown, *staying])
            if then.fit(request.pods):
                return Reservation(request, start, then)
    return Reservation(request, None, _beside(request, Room.of(machine, held)))


def victims(request: Request, machine: Machine, held: Sequence[Held]) -> list[Held]:
    """The work that has to leave so that a request fits: preemptible and of lower priority, the least
    important and youngest first. Empty where that would not help, or where enough leaves already."""
    staying = [each for each in held if not each.leaves_by]
    if Room.of(machine, staying).fits(request.pods):
        return []
    chosen: list[Held] = []
    for each in sorted(staying, key=lambda each: (each.request.priority, -each.placed_at.timestamp())):
        if each.request.preemptible and each.request.priority < request.priority:
            chosen.append(each)
            if Room.of(machine, _without(staying, chosen)).fits(request.pods):
                return _needed(request, machine, staying, chosen)
    return []


def _needed(request: Request, machine: Machine, staying: Sequence[Held], chosen: list[Held]) -> list[Held]:
    """Those of the chosen without whom it does not do."""
    needed = chosen
    for each in chosen:
        fewer = [one for one in needed if one is not each]
        if Room.of(machine, _without(staying, fewer)).fits(request.pods):
            needed = fewer
    return needed


def _without(held: Sequence[Held], gone: Sequence[Held]) -> list[Held]:
    keys = {each.request.key for each in gone}
    return [each for each in held if each.request.key not in keys]


def _beside(request: Request, free: Room) -> Room:
    """What is left of the room once a request has taken what it could use of it, all or not."""
    rest = free.copy()
    for need in request.pods:
        rest.cpus = max(0.0, rest.cpus - need.cpus)
        rest.memory_bytes = max(0, rest.memory_bytes - need.memory_bytes)
        bare = replace(need, cpus=0, memory_bytes=0)
        match need.cards:
            case Whole(count, model):
                for _ in range(count):
                    rest.fit([replace(bare, cards=Whole(1, model))])
            case Slice():
                rest.fit([bare])
            case Share() if rest.fit([bare]) is None:
                _keep_fullest(rest)
    return rest


def _keep_fullest(rest: Room) -> None:
    """The shared card with the most room is the one where a share will fit first."""
    if rest.shared:
        uuid = max(rest.shared, key=lambda uuid: rest.shared[uuid])
        del rest.shared[uuid]


def _end(held: Held) -> datetime:
    assert held.ends_by
    return held.ends_by
