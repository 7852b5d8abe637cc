"""What is kept for the first request that has to wait, so that nothing behind it delays it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, combinations, islice

from workbench.scheduler.cards import Machine
from workbench.scheduler.requests import Held, Request, Share, Slice, Whole
from workbench.scheduler.room import Room

_MOST_TRIES = 500
"""Ways to make room that are looked at before one that will do is taken."""


@dataclass(frozen=True)
class Reservation:
    """A place in the future.

    `start` is when it can be taken at the latest, None where nobody knows. `then` is what is
    free beside it from that moment on.
    """

    request: Request
    start: datetime | None
    then: Room

    def allows(self, request: Request, now: datetime) -> bool:
        """Whether work that begins now is over before the place is needed."""
        if self.start is None:
            return False
        end = request.ends_by(now)
        return end is not None and end <= self.start


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
    """The work that has to leave so that a request fits: preemptible, of lower priority, and as few as
    possible; among as many, the least important and what started last. Empty where that would not
    help, and where enough leaves already or is about to be free."""
    staying = [each for each in held if not each.leaves_by]
    candidates = sorted(
        (each for each in staying if each.request.preemptible and each.request.priority < request.priority),
        key=lambda each: (each.request.priority, -each.placed_at.timestamp()),
    )

    def fits_without(gone: Sequence[Held]) -> bool:
        return Room.of(machine, _without(staying, gone), soon_too=True).fits(request.pods)

    if not candidates or fits_without([]) or not fits_without(candidates):
        return []
    ways = chain.from_iterable(combinations(candidates, count) for count in range(1, len(candidates)))
    few = next((way for way in islice(ways, _MOST_TRIES) if fits_without(way)), None)
    return list(few) if few else _needed(candidates, fits_without)


def _needed(candidates: Sequence[Held], enough: Callable[[Sequence[Held]], bool]) -> list[Held]:
    """Candidates without whom it would not do; the first ones go before the others."""
    needed = list(candidates)
    for each in reversed(candidates):
        fewer = [one for one in needed if one is not each]
        if enough(fewer):
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
