"""Promises that hold whatever is asked for, tried on random workloads."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.machines import NOW, a_machine, a_request, hours, machines, over_committed, requests
from workbench.scheduler.cards import Machine
from workbench.scheduler.fairness import Member, Use, share_of
from workbench.scheduler.placement import Decisions, decide
from workbench.scheduler.records import pods_from_text, pods_to_text
from workbench.scheduler.requests import Held, Request, Whole
from workbench.scheduler.room import Room

queues = st.lists(requests, max_size=15)


@dataclass
class Simulation:
    """A machine through time: what is placed runs as long as it says, or for three hours."""

    machine: Machine
    now: datetime = NOW
    queue: list[Request] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    used: dict[Member, Use] = field(default_factory=dict)
    started: dict[str, datetime] = field(default_factory=dict)

    def decide(self) -> Decisions:
        amounts = {member: each.amount_s for member, each in self.used.items()}
        decisions = decide(self.machine, self.held, self.queue, amounts, self.now)
        for each in decisions.placed:
            self.held.append(Held(request=each.request, grants=each.grants, placed_at=self.now))
            self.started[each.request.id] = self.now
        self.queue = [each.request for each in decisions.waiting]
        leaving = {each.held.request.key for each in decisions.preempted}
        gone = [each for each in self.held if each.request.key in leaving]
        self.held = [each for each in self.held if each.request.key not in leaving]
        self.queue += [each.request for each in gone]
        return decisions

    def until_something_ends(self) -> None:
        self.pass_time(min(map(end_of, self.held)) - self.now)

    def pass_time(self, time: timedelta) -> None:
        shares: dict[Member, float] = {}
        for each in self.held:
            member = (each.request.workspace_id, each.request.user_id)
            shares[member] = shares.get(member, 0) + share_of(each.request.pods, self.machine)
        self.now += time
        for member in shares.keys() | self.used.keys():
            before = self.used.get(member, Use(0, self.now - time))
            self.used[member] = before.later(self.now, shares.get(member, 0))
        self.held = [each for each in self.held if end_of(each) > self.now]


def end_of(held: Held) -> datetime:
    return held.placed_at + (held.request.lasts or hours(3))


@settings(max_examples=700, deadline=None)
@given(machines, queues, queues)
def test_no_card_is_over_committed_and_no_gang_half_placed(
    machine: Machine, first: list[Request], second: list[Request]
) -> None:
    simulation = Simulation(machine, queue=first)
    for arriving in (second, [], []):
        decisions = simulation.decide()
        assert not over_committed(machine, simulation.held)
        for each in simulation.held:
            assert len(each.grants) == len(each.request.pods)
        assert len({each.request.key for each in decisions.placed}) == len(decisions.placed)
        if simulation.held:
            simulation.until_something_ends()
        simulation.queue += arriving


@settings(max_examples=400, deadline=None)
@given(machines, queues)
def test_nothing_waits_for_ever_while_it_fits(machine: Machine, queue: list[Request]) -> None:
    possible = [each for each in queue if Room.of(machine, ()).fit(each.pods)]
    simulation = Simulation(machine, queue=queue)

    for _ in range(4 * len(queue) + 4):
        if {each.id for each in possible} <= simulation.started.keys():
            break
        decisions = simulation.decide()
        waiting = [each for each in decisions.waiting if each.request in possible]
        if waiting:
            assert simulation.held or decisions.preempted, "an empty machine, and work that would fit"
        if simulation.held:
            simulation.until_something_ends()

    assert {each.id for each in possible} <= simulation.started.keys()


@settings(max_examples=700, deadline=None)
@given(machines, queues, requests, queues)
def test_backfill_never_delays_the_first_in_the_queue(
    machine: Machine, running: list[Request], first: Request, others: list[Request]
) -> None:
    simulation = Simulation(machine, queue=list(map(lasting, running)))
    simulation.decide()
    first = replace(lasting(first), priority=9)
    if Room.of(machine, ()).fit(first.pods) is None:
        return
    behind = [replace(lasting(each), priority=1) for each in others]

    alone, beside = (
        start_of(first, Simulation(machine, queue=[first, *rest], held=list(simulation.held)))
        for rest in ([], behind)
    )

    assert beside <= alone


def start_of(request: Request, simulation: Simulation) -> datetime:
    simulation.decide()
    while request.id not in simulation.started:
        simulation.until_something_ends()
        simulation.decide()
    return simulation.started[request.id]


def lasting(request: Request) -> Request:
    """The same work, and when it ends is known."""
    return replace(request, preemptible=False, lasts=request.lasts or hours(3))


@settings(max_examples=200, deadline=None)
@given(machines, queues)
def test_a_pass_after_a_pass_has_nothing_left_to_do(machine: Machine, queue: list[Request]) -> None:
    simulation = Simulation(machine, queue=list(map(lasting, queue)))
    simulation.decide()

    assert not simulation.decide().placed


@given(requests)
def test_what_is_asked_for_is_kept_as_it_was(request: Request) -> None:
    assert pods_from_text(pods_to_text(request.pods)) == request.pods


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_two_workspaces_that_always_want_more_become_equal(seed: int) -> None:
    chance = random.Random(seed)
    simulation = Simulation(a_machine(8))
    for _ in range(400):
        for workspace in ("1", "2"):
            while sum(each.workspace_id == workspace for each in simulation.queue) < 6:
                simulation.queue.append(work_of(workspace, chance))
        simulation.decide()
        simulation.until_something_ends()

    first, second = (
        sum(use.amount_s for (each, _), use in simulation.used.items() if each == workspace)
        for workspace in ("1", "2")
    )
    assert 0.8 < first / second < 1.25


def work_of(workspace: str, chance: random.Random) -> Request:
    """The first workspace asks for larger and longer work than the second."""
    large = workspace == "1"
    return a_request(
        Whole(chance.choice([1, 2, 4] if large else [1, 2])),
        workspace_id=workspace,
        user_id=chance.choice(["alice", "bob"]),
        lasts=hours(chance.uniform(0.5, 6 if large else 2)),
    )
