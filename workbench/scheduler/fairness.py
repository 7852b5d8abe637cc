"""Who is served first. Pure.

Priority decides, then how much of the machine a workspace, and in it a member, used of late,
then age. Use is measured in seconds of the whole machine: of CPUs, memory and cards, the one
that most of is taken counts (dominant share). It halves with every day that passes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

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
    largest = max((card.memory_bytes for card in machine.cards), default=0)
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
    queue: Iterable[Request],
    used: Mapping[Member, float],
    running: Mapping[Member, float],
    share: Callable[[Request], float],
) -> list[Request]:
    """The queue in the order in which it is served.

    Each request counts against its member and its workspace as soon as it stands in the queue, so
    that two who both ask for much take turns.

    Args:
        used: Recent use by member, in seconds of the machine.
        running: The share of the machine that each member holds now.
        share: The share of the machine that a request wants.
    """
    standing: defaultdict[Member, float] = defaultdict(float)
    of_workspace: defaultdict[str, float] = defaultdict(float)
    for amounts, weight in ((used, 1.0), (running, _STAKE_S)):
        for member, amount in amounts.items():
            standing[member] += amount * weight
            of_workspace[member[0]] += amount * weight

    by_age = sorted(
        ((-each.priority, each.asked_at.timestamp(), each.id, each) for each in queue),
        key=itemgetter(0, 1, 2),
    )
    in_workspace = []
    for priority, age, id, request in by_age:
        member = (request.workspace_id, request.user_id)
        in_workspace.append((priority, standing[member], age, id, request))
        standing[member] += share(request) * _STAKE_S
    in_workspace.sort(key=itemgetter(0, 1, 2, 3))
    ordered = []
    for number, (priority, _, age, _, request) in enumerate(in_workspace):
        ordered.append((priority, of_workspace[request.workspace_id], age, number, request))
        of_workspace[request.workspace_id] += share(request) * _STAKE_S
    ordered.sort(key=itemgetter(0, 1, 2, 3))
    return [each[-1] for each in ordered]
