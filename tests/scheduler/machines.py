"""Machines, requests and workloads for the scheduler's tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from workbench.scheduler.cards import Card, Instance, Machine
from workbench.scheduler.requests import Cards, Held, Need, Request, Share, Slice, Whole

GIB = 2**30
NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

_numbers = count(1)


def a_card(index: int, **changes: Any) -> Card:
    """A sound card of 40 GiB; cards 0 and 1, 2 and 3, ... are close."""
    near = {f"GPU-{other}": 5 if other // 2 == index // 2 else 40 for other in range(64) if other != index}
    values = {"uuid": f"GPU-{index}", "index": index, "model": "NVIDIA A100", "memory_bytes": 40 * GIB}
    return Card(**{**values, "distances": near, **changes})


def a_machine(cards: int = 0, *, cpus: float = 64, memory_gib: int = 256) -> Machine:
    """A machine with sound cards."""
    return Machine(cpus, memory_gib * GIB, tuple(map(a_card, range(cards))))


def a_request(cards: Cards = None, *, pods: int = 1, cpus: float = 1, **changes: Any) -> Request:
    """A request of one member, younger than all before."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "kind": "job",
        "id": f"{number:06}",
        "name": f"j{number}",
        "owner": "alice",
        "workspace_id": "1",
        "user_id": "alice",
        "asked_at": NOW - timedelta(days=1) + timedelta(seconds=number),
        "pods": (Need(cpus, GIB, cards),) * pods,
    }
    return Request(**{**values, **changes})


def hours(number: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=number)


def over_committed(machine: Machine, held: Sequence[Held]) -> str:
    """What was given away twice, or was not there to give; empty for nothing."""
    sizes = {card.uuid: card.memory_bytes for card in machine.cards}
    instances = {each.uuid for card in machine.cards for each in card.instances}
    whole: list[str] = []
    shared: dict[str, int] = {}
    for each in held:
        for need, grant in zip(each.request.pods, each.grants, strict=True):
            match need.cards:
                case Whole(number):
                    assert len(set(grant.uuids)) == number
                    whole += grant.uuids
                case Slice():
                    assert set(grant.uuids) <= instances
                    whole += grant.uuids
                case Share(size):
                    shared[grant.uuids[0]] = shared.get(grant.uuids[0], 0) + size
    if len(set(whole)) < len(whole) or set(whole) & shared.keys():
        return "a card has two holders"
    if any(size > sizes[uuid] for uuid, size in shared.items()):
        return "a card is shared beyond its memory"
    if sum(need.cpus for each in held for need in each.request.pods) > machine.cpus + 1e-6:
        return "more CPUs than there are"
    return ""


machines = st.builds(
    lambda cards, divided: Machine(
        cpus=32,
        memory_bytes=256 * GIB,
        cards=tuple(
            a_card(
                index,
                memory_bytes=(24 if index % 3 else 40) * GIB,
                model="A10" if index % 3 else "A100",
                divided=index in divided,
                instances=tuple(Instance(f"MIG-{index}-{part}", "1g.5gb") for part in range(2))
                if index in divided
                else (),
            )
            for index in range(cards)
        ),
    ),
    st.integers(0, 8),
    st.sets(st.integers(0, 8), max_size=1),
)

needs: st.SearchStrategy[Cards] = st.one_of(
    st.none(),
    st.builds(Whole, st.integers(1, 4), st.sampled_from(["", "", "A10", "A100"])),
    st.builds(Share, st.integers(1, 40).map(lambda gib: gib * GIB)),
    st.just(Slice("1g.5gb")),
)

requests = st.builds(
    a_request,
    needs,
    pods=st.integers(1, 3),
    cpus=st.sampled_from([0.5, 1, 4, 20]),
    priority=st.integers(1, 9),
    workspace_id=st.sampled_from(["1", "2"]),
    user_id=st.sampled_from(["alice", "bob", "carol"]),
    preemptible=st.booleans(),
    lasts=st.one_of(st.none(), st.integers(1, 10).map(hours)),
)
