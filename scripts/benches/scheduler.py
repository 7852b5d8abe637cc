"""One pass over 10,000 queued requests on a machine with 64 GPUs, in ratio to sorting that queue.

The queue is what a busy place has: CPU-only work, single cards, gangs, shares, of many sizes,
workspaces and priorities; the cards are half held. «sorted» is Python's own sort of the same
requests by priority and age, which any scheduler has to do at least.

They take turns, and what is printed is the median of many rounds in time of the processor: what
else the machine does at a moment then changes little.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from workbench.scheduler.cards import Card, Machine
from workbench.scheduler.fairness import Member
from workbench.scheduler.placement import decide
from workbench.scheduler.requests import Cards, Grant, Held, Need, Request, Share, Whole

_REQUESTS = 10_000
_CARDS = 64
_AIM = 20
_ROUNDS = 15
_GIB = 2**30
_NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def main() -> None:
    """Measure and print."""
    chance = random.Random(1)
    machine, held = _machine(), [_held(chance, number) for number in range(_CARDS // 2)]
    queue = [_request(chance, number) for number in range(_REQUESTS)]
    members = [(str(workspace), str(user)) for workspace in range(10) for user in range(20)]
    used: dict[Member, float] = {member: chance.random() * 1e5 for member in members}

    full = [_held(chance, number) for number in range(_CARDS)]
    measured = {
        "sorted": lambda: sorted(queue, key=lambda each: (-each.priority, each.asked_at)),
        "pass, half of it free": lambda: decide(machine, held, queue, used, _NOW),
        "pass, all of it held": lambda: decide(machine, full, queue, used, _NOW),
    }
    rounds = [{name: _time(run) for name, run in measured.items()} for _ in range(_ROUNDS)]

    print(f"{_REQUESTS} requests, {_CARDS} GPUs, median of {_ROUNDS}; aim: at most {_AIM} times sorted")
    print(f"{'':24}{'ms':>8}{'ratio':>8}")
    for name in measured:
        seconds = median(each[name] for each in rounds)
        ratio = median(each[name] / each["sorted"] for each in rounds)
        print(f"{name:24}{seconds * 1000:8.1f}{ratio:8.1f}")


def _time(run: Callable[[], object]) -> float:
    gc.collect()
    begun = time.process_time()
    run()
    return time.process_time() - begun


def _machine() -> Machine:
    cards = tuple(
        Card(
            uuid=f"GPU-{index}",
            index=index,
            model="A100",
            memory_bytes=40 * _GIB,
            distances={f"GPU-{other}": 5 if other // 8 == index // 8 else 40 for other in range(_CARDS)},
        )
        for index in range(_CARDS)
    )
    return Machine(cpus=2048, memory_bytes=8192 * _GIB, cards=cards)


def _request(chance: random.Random, number: int) -> Request:
    wanted: Cards = chance.choice(
        [None, Whole(chance.choice([1, 1, 2, 4, 8])), Share(chance.randint(2, 30) * _GIB)]
    )
    need = Need(chance.choice([1, 2, 4, 8, 16]), chance.choice([4, 8, 16, 32]) * _GIB, wanted)
    return Request(
        kind="job",
        id=f"job-{number}",
        name=f"train-{number}",
        owner=f"user{chance.randrange(20)}",
        workspace_id=str(chance.randrange(10)),
        user_id=str(chance.randrange(20)),
        asked_at=_NOW - timedelta(seconds=chance.randrange(10**6)),
        pods=(need,) * chance.choice([1, 1, 1, 2, 4]),
        priority=chance.randint(1, 9),
        lasts=chance.choice([None, timedelta(hours=chance.randint(1, 48))]),
    )


def _held(chance: random.Random, number: int) -> Held:
    request = _request(chance, -number - 1)
    whole = Request(**{**vars(request), "pods": (Need(4, 16 * _GIB, Whole(1)),)})
    return Held(request=whole, grants=(Grant((f"GPU-{number}",)),), placed_at=_NOW)


if __name__ == "__main__":
    main()
