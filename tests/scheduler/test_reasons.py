"""Why work waits, as whoever waits reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.scheduler.machines import GIB, NOW, a_card, a_machine, a_request, hours
from workbench.scheduler.cards import Instance, Machine
from workbench.scheduler.placement import decide
from workbench.scheduler.requests import Cards, Grant, Held, Need, Request, Share, Slice, Whole

MIXED = Machine(
    64,
    256 * GIB,
    (
        a_card(0),
        a_card(1, model="NVIDIA A10", memory_bytes=24 * GIB),
        a_card(2, model="NVIDIA A10", memory_bytes=24 * GIB),
    ),
)


def held(name: str, cards: Cards, grant: Grant, **changes: object) -> Held:
    request = a_request(cards, name=name, owner="bob", **changes)
    return Held(request=request, grants=(grant,), placed_at=NOW)


def why(machine: Machine, wanted: Cards, *running: Held, **changes: object) -> str:
    [waiting] = decide(machine, running, [a_request(wanted, **changes)], {}, NOW).waiting
    return waiting.reason


def whole(name: str, card: int, **changes: object) -> Held:
    return held(name, Whole(1), Grant((f"GPU-{card}",)), **changes)


def test_of_a_model_only_its_own_cards_count() -> None:
    running = whole("train", 0, lasts=hours(2)), whole("tune", 1)

    assert why(MIXED, Whole(1, "A100"), *running) == (
        "Waits for 1 GPU (A100): 0 free, 1 held by job train of bob until 14:00 UTC."
    )
    assert why(MIXED, Whole(2, "A10"), *running) == (
        "Waits for 2 GPUs (A10): 1 free, 1 held by job train of bob until 14:00 UTC, "
        "1 held by job tune of bob until it ends."
    ), "an A100 has A10 in its name"


def test_of_many_holders_three_are_named() -> None:
    running = [whole(f"j{card}", card) for card in range(5)]

    assert why(a_machine(5), Whole(1), *running).endswith("j2 of bob until it ends, more by 2 others.")


def test_a_share_is_told_how_much_there_is_on_one_card() -> None:
    running = held("serve", Share(30 * GIB), Grant(("GPU-0",), 30 * GIB))

    assert why(a_machine(1), Share(20 * GIB), running) == (
        "Waits for 20 GiB of a GPU: at most 10 GiB free on one, "
        "30 GiB of one held by job serve of bob until it ends."
    )


def test_an_instance_is_told_how_many_there_are_of_its_profile() -> None:
    parts = (Instance("MIG-a", "1g.5gb"), Instance("MIG-b", "1g.5gb"), Instance("MIG-c", "3g.20gb"))
    machine = Machine(8, 64 * GIB, (a_card(0, divided=True, instances=parts),))
    both = [held(f"j{part}", Slice("1g.5gb"), Grant((f"MIG-{part}",))) for part in "ab"]

    assert why(machine, Slice("1g.5gb"), *both).startswith(
        "Waits for MIG instance 1g.5gb: 0 of 2 free, 1 held by job ja of bob"
    )
    assert why(machine, Slice("7g.40gb")) == (
        "MIG instance 7g.40gb wanted, this machine has 2 × MIG instance 1g.5gb, 1 × MIG instance 3g.20gb."
    )


def test_cpus_and_memory_are_told_with_who_has_most() -> None:
    machine = a_machine(cpus=8, memory_gib=8)
    small = held("small", None, Grant(), cpus=1)
    large = held("large", None, Grant(), cpus=6)

    assert why(machine, None, small, large, cpus=2) == (
        "Waits for 2 CPUs: 1 of 8 are left to promise, 6 held by job large of bob until it ends, "
        "1 held by job small of bob until it ends."
    )
    greedy = replace(a_request(), pods=(Need(1, 7 * GIB),))
    assert reason_of(machine, greedy, [small, large]).startswith(
        "Waits for 7 GiB of memory: 6 GiB of 8 GiB are left to promise, 1 GiB held by"
    )


def test_what_is_free_but_kept_says_for_whom_and_what_would_go_first() -> None:
    machine = a_machine(2)
    first = a_request(Whole(2), name="big", owner="ada")
    behind = a_request(Whole(1))

    assert reason_of(machine, behind, [whole("train", 0)], ahead=[first]) == (
        "What it wants is free, but kept for job big of ada, which is ahead and waits for more."
    )
    assert reason_of(machine, behind, [whole("train", 0, lasts=hours(2))], ahead=[first]) == (
        "What it wants is free, but kept for job big of ada, which is ahead and starts by 14:00 UTC. "
        "Work that is known to end before then may go first."
    )


def test_what_this_machine_never_has_is_told_with_what_it_has() -> None:
    assert why(MIXED, Share(50 * GIB)) == (
        "50 GiB of a GPU wanted, this machine has 1 × NVIDIA A100 of 40 GiB, 2 × NVIDIA A10 of 24 GiB."
    )
    assert why(a_machine(0), Whole(1)) == "1 GPU wanted, this machine has no GPU to give."
    assert why(a_machine(1), Whole(1), cpus=100) == "100 CPUs wanted, this machine can promise 64."


def reason_of(
    machine: Machine, request: Request, running: Sequence[Held], ahead: Sequence[Request] = ()
) -> str:
    waiting = decide(machine, running, [*ahead, request], {}, NOW).waiting
    return next(each.reason for each in waiting if each.request is request)
