"""Who is served first. Pure.

Priority decides, then how much of the machine a workspace, and in it a member, used of late,
then age. Use is measured in seconds of the whole machine: of CPUs, memory and cards, the one
that most of is taken counts (dominant share). It halves with every day that passes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from workbench.scheduler.cards import Machine
from workbench.scheduler.requests import Need, Request, Share, Slice, Whole

Member = tuple[str, str]
"""Workspace and user."""

_HALF_LIFE = timedelta(days=1)
_STAKE_S = 3600.0
"""What runs now, or goes ahead in the same queue, counts as if it had run for so long: who has much
already is behind at once, and not only once it has been used for a while."""


@dataclass(frozen=True)
class Use:
    """Recent use of the machine, in seconds of all of it, as it was `at` a moment."""

    amount_s: float
    at: datetime

    def later(self, now: datetime, share: float = 0.0) -> Use:
        """The use as it is now, if this share of the machine was held all the time since.

        A clock that was set back counts as one that stood still.
        """
        passed_s = max(0.0, (now - self.at).total_seconds())
        left = 0.5 ** (passed_s / _HALF_LIFE.total_seconds())
        added = share * (1 - left) * _HALF_LIFE.total_seconds() / math.log(2)
        return Use(self.amount_s * left + added, now)


def share_of(pods: Iterable[Need], machine: Machine) -> float:
    """The part of the machine that pods take: of whatever they take the largest part of."""
    cpus, memory, cards = 0.0, 0, 0.0
    largest = machine.largest_card_bytes
    for need in pods:
        cpus += need.cpus
        memory += need.memory_bytes
        match need.cards:
            case Whole(count):
                cards += count
            case Share(size):
                cards += size / largest if largest else 1
            case Slice():
                cards += 0.5
    return max(cpus / machine.cpus, memory / machine.memory_bytes, cards / max(len(machine.cards), 1))


def in_order(
    queue: Sequence[Request],
    shares: Sequence[float],
    used: Mapping[Member, float],
    running: Mapping[Member, float],
) -> list[int]:
    """The order in which the queue is served, as indexes of it.

    Each request counts against its member and its workspace as soon as it stands in the queue, so
    that two who both ask for much take turns.

    Args:
        shares: The share of the machine that each request wants.
        used: Recent use by member, in seconds of the machine.
        running: The share of the machine that each member holds now.
    """
    of_member: defaultdict[Member, float] = defaultdict(float)
    of_workspace: defaultdict[str, float] = defaultdict(float)
    for amounts, weight in ((used, 1.0), (running, _STAKE_S)):
        for member, amount in amounts.items():
            of_member[member] += amount * weight
            of_workspace[member[0]] += amount * weight

    by_age = sorted(
        range(len(queue)),
        key=lambda number: (-queue[number].priority, queue[number].asked_at, queue[number].id),
    )
    before = [0.0] * len(queue)
    order: list[int] = []
    for _, group in groupby(by_age, key=lambda number: queue[number].priority):
        equals = list(group)  # sorting is stable: what is alike stays in the order of its age
        for number in equals:
            member = (queue[number].workspace_id, queue[number].user_id)
            before[number] = of_member[member]
            of_member[member] += shares[number] * _STAKE_S
        for number in sorted(equals, key=before.__getitem__):
            workspace = queue[number].workspace_id
            before[number] = of_workspace[workspace]
            of_workspace[workspace] += shares[number] * _STAKE_S
        order += sorted(equals, key=before.__getitem__)
    return order
