"""Who gets a place, one rule at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.scheduler.machines import GIB, NOW, a_card, a_machine, a_request, hours
from workbench.scheduler.cards import Instance, Machine
from workbench.scheduler.placement import Decisions, decide
from workbench.scheduler.requests import Held, Request, Share, Slice, Whole


def pass_over(machine: Machine, queue: Sequence[Request], held: Sequence[Held] = ()) -> Decisions:
    return decide(machine, held, queue, {}, NOW)


def hold(machine: Machine, request: Request, held: Sequence[Held] = ()) -> Held:
    [place] = pass_over(machine, [request], held).placed
    return Held(request=request, grants=place.grants, placed_at=NOW)


def placed(decisions: Decisions) -> list[Request]:
    return [each.request for each in decisions.placed]


def cards_of(decisions: Decisions, request: Request) -> list[str]:
    [place] = [each for each in decisions.placed if each.request == request]
    return [uuid for grant in place.grants for uuid in grant.uuids]


def reason(decisions: Decisions, request: Request) -> str:
    [wait] = [each for each in decisions.waiting if each.request == request]
    return wait.reason


def test_a_gang_is_placed_as_a_whole_or_not_at_all() -> None:
    fits, too_large = a_request(Whole(2), pods=2), a_request(Whole(1), pods=5)

    assert placed(pass_over(a_machine(4), [fits])) == [fits]
    assert placed(pass_over(a_machine(4), [too_large])) == []


def test_the_reason_says_what_is_free_and_who_holds_the_rest() -> None:
    machine = a_machine(4)
    held = hold(machine, a_request(Whole(3), name="train", owner="bob", lasts=hours(2)))
    wanted = a_request(Whole(2))

    said = reason(pass_over(machine, [wanted], [held]), wanted)

    assert said == "Waits for 2 GPUs: 1 free, 3 held by job train of bob until 14:00 UTC."


@pytest.mark.parametrize(
    ("holder", "waits", "named"),
    [
        ({}, {}, "job train of bob"),
        ({}, {"private": True}, "job train of bob"),
        ({"private": True}, {"private": True, "user_id": "bob"}, "job train of bob"),
        ({"private": True}, {"user_id": "bob"}, "a private job"),
        ({"private": True}, {"private": True}, "a private job"),
        ({"workspace_id": "2"}, {"user_id": "bob"}, "a job of another workspace"),
    ],
)
def test_a_reason_names_nobody_whom_one_of_its_readers_may_not_know(
    holder: dict[str, Any], waits: dict[str, Any], named: str
) -> None:
    machine = a_machine(2)
    holding = a_request(Whole(1), name="train", owner="bob", user_id="bob", **holder)
    first, second = a_request(Whole(2), **waits), a_request(Whole(1), **waits)
    urgent = a_request(Whole(2), priority=9, name="train", owner="bob", user_id="bob", **holder)
    weak = a_request(Whole(1), preemptible=True, **waits)

    decisions = pass_over(machine, [first, second], [hold(machine, holding)])
    assert f"held by {named}" in reason(decisions, first)
    assert f"kept for {first.words}" in reason(decisions, second)
    [leaves] = pass_over(machine, [urgent], [hold(machine, weak)]).preempted
    assert leaves.by_whom == f"{named} (priority 9)"


def test_what_no_longer_fits_the_machine_says_why_and_holds_up_nobody() -> None:
    machine = Machine(8, 64 * GIB, (a_card(0), a_card(1, problem="It fell off the bus.")))
    too_large, small = a_request(Whole(2)), a_request(Whole(1))

    decisions = pass_over(machine, [too_large, small])

    assert placed(decisions) == [small]
    assert reason(decisions, too_large) == (
        "2 GPUs wanted, this machine has 1 × NVIDIA A100 of 40 GiB. GPU 1: It fell off the bus."
    )


def test_priority_goes_before_age() -> None:
    old, urgent = a_request(Whole(1)), a_request(Whole(1), priority=9)

    assert placed(pass_over(a_machine(1), [old, urgent])) == [urgent]


def test_two_workspaces_that_ask_for_much_take_turns() -> None:
    first = [a_request(Whole(1), workspace_id="1") for _ in range(4)]
    second = [a_request(Whole(1), workspace_id="2") for _ in range(4)]

    given = placed(pass_over(a_machine(4), [*first, *second]))

    assert sorted(each.workspace_id for each in given) == ["1", "1", "2", "2"]


def test_who_used_less_of_late_is_served_first() -> None:
    heavy, light = a_request(Whole(1), user_id="bob"), a_request(Whole(1), user_id="carol")

    decisions = decide(a_machine(1), [], [heavy, light], {("1", "bob"): 5000.0}, NOW)

    assert placed(decisions) == [light]


def test_small_work_goes_ahead_if_it_ends_before_the_first_one_can_start() -> None:
    machine = a_machine(2)
    held = hold(machine, a_request(Whole(1), lasts=hours(2)))
    first, short, long = a_request(Whole(2)), a_request(Whole(1), lasts=hours(1)), a_request(Whole(1))

    decisions = pass_over(machine, [first, long, short], [held])

    assert placed(decisions) == [short]
    assert reason(pass_over(machine, [first, long], [held]), long) == (
        f"What it wants is free, but kept for {first.words}, which is ahead and starts by 14:00 UTC. "
        "Work that is known to end before then may go first."
    )


def test_work_that_needs_no_card_never_waits_for_work_that_does() -> None:
    machine = a_machine(1)
    held = hold(machine, a_request(Whole(1)))
    first, other = a_request(Whole(1)), a_request(None)

    assert placed(pass_over(machine, [first, other], [held])) == [other]


def test_cards_that_are_close_are_given_together() -> None:
    machine = a_machine(4)
    held = hold(machine, a_request(Whole(1)))
    pair = a_request(Whole(2))

    assert cards_of(pass_over(machine, [pair], [held]), pair) == ["GPU-2", "GPU-3"]


def test_a_single_card_breaks_no_pair_while_another_is_broken() -> None:
    machine = a_machine(4)
    held = hold(machine, a_request(Whole(1)))
    single = a_request(Whole(1))

    assert cards_of(pass_over(machine, [single], [held]), single) == ["GPU-1"]


def test_a_share_goes_where_it_leaves_the_least_and_off_the_empty_cards() -> None:
    machine = a_machine(3)
    held = [hold(machine, a_request(Share(10 * GIB)))]
    held.append(hold(machine, a_request(Share(35 * GIB)), held))
    small, whole = a_request(Share(4 * GIB)), a_request(Whole(1))

    decisions = pass_over(machine, [small, whole], held)

    assert cards_of(decisions, small) == ["GPU-1"]
    assert cards_of(decisions, whole) == ["GPU-2"]


def test_a_whole_card_is_never_one_that_is_shared() -> None:
    machine = a_machine(1)
    held = hold(machine, a_request(Share(GIB)))
    wanted = a_request(Whole(1))

    assert "1 GiB of one held" in reason(pass_over(machine, [wanted], [held]), wanted)


def test_a_model_is_found_by_a_part_of_its_name() -> None:
    machine = Machine(8, 64 * GIB, (a_card(0), a_card(1, model="NVIDIA A10")))
    wanted = a_request(Whole(1, "a10"), priority=2), a_request(Whole(1, "H100"))

    decisions = pass_over(machine, wanted)

    assert len(cards_of(decisions, wanted[0])) == 1
    assert "1 GPU (H100) wanted" in reason(decisions, wanted[1])


def test_a_divided_card_is_given_by_its_instances() -> None:
    parts = (Instance("MIG-a", "1g.5gb"), Instance("MIG-b", "2g.10gb"))
    machine = Machine(8, 64 * GIB, (a_card(0, divided=True, instances=parts),))
    by_profile, by_uuid, whole = a_request(Slice("2g.10gb")), a_request(Slice("MIG-a")), a_request(Whole(1))

    decisions = pass_over(machine, [by_profile, by_uuid, whole])

    assert cards_of(decisions, by_profile) == ["MIG-b"]
    assert cards_of(decisions, by_uuid) == ["MIG-a"]
    assert reason(decisions, whole)


def test_a_card_that_strangers_use_is_given_in_part_only() -> None:
    used = a_card(0, busy="30.0 GiB of it are in use by process 77", free_bytes=10 * GIB)
    machine = Machine(8, 64 * GIB, (used,))
    whole, too_much, fits = a_request(Whole(1)), a_request(Share(11 * GIB)), a_request(Share(5 * GIB))

    assert "process 77" in reason(pass_over(machine, [whole]), whole)
    assert placed(pass_over(machine, [too_much])) == []
    assert placed(pass_over(machine, [fits])) == [fits]


def test_nothing_is_given_of_a_card_whose_memory_is_not_back() -> None:
    machine = Machine(
        8, 64 * GIB, (a_card(0, settling="3.0 GiB of it are in use, although its holder is gone"),)
    )
    share = a_request(Share(GIB))

    assert "although its holder is gone" in reason(pass_over(machine, [share]), share)


def test_more_important_work_makes_preemptible_work_leave() -> None:
    machine = a_machine(2)
    held = [hold(machine, a_request(Whole(1)))]
    held.append(hold(machine, a_request(Whole(1), preemptible=True), held))
    urgent = a_request(Whole(1), priority=5)

    decisions = pass_over(machine, [urgent], held)

    assert [each.held for each in decisions.preempted] == [held[1]]
    assert "which makes way by 12:01 UTC" in reason(decisions, urgent)


def test_nobody_has_to_leave_where_it_would_not_help_or_enough_leave_already() -> None:
    machine = a_machine(2)
    stays = hold(machine, a_request(Whole(1)))
    leaves = hold(machine, a_request(Whole(1), preemptible=True), [stays])
    large, urgent = a_request(Whole(2), priority=9), a_request(Whole(1), priority=9)

    assert not pass_over(machine, [large], [stays, leaves]).preempted
    leaving = replace(leaves, leaves_by=NOW)
    assert not pass_over(machine, [urgent], [stays, leaving]).preempted


def test_work_of_the_same_priority_is_never_preempted() -> None:
    machine = a_machine(1)
    held = hold(machine, a_request(Whole(1), preemptible=True))

    assert not pass_over(machine, [a_request(Whole(1))], [held]).preempted


def test_more_cpus_than_are_promised_wait() -> None:
    machine = a_machine(cpus=4)
    held = hold(machine, a_request(cpus=3))
    wanted = a_request(cpus=2)

    assert reason(pass_over(machine, [wanted], [held]), wanted) == (
        f"Waits for 2 CPUs: 1 of 4 are left to promise, 3 held by {held.request.words} until it ends."
    )
