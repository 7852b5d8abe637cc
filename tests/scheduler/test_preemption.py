"""Who is stopped for whom, in any queue on any machine: never in vain, and never back and forth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduler.machines import (
    GIB,
    NOW,
    a_card,
    a_machine,
    a_request,
    machines,
    over_committed,
    requests,
)
from workbench.node import Node
from workbench.scheduler import MIGRATIONS, Granted, Overcommit, Waiting, placement, queue, schedule
from workbench.scheduler.cards import Machine
from workbench.scheduler.placement import Decisions, decide
from workbench.scheduler.requests import Held, Key, Request, Share, Whole
from workbench.store import Store

queues = st.lists(requests, max_size=12)


@dataclass
class Place:
    """A machine on which nothing ends by itself: only who has to leave leaves, after the grace."""

    machine: Machine
    queue: list[Request]
    held: list[Held] = field(default_factory=list)
    made_way: dict[Key, Key] = field(default_factory=dict)
    now: datetime = NOW

    def a_pass(self) -> Decisions:
        decisions = decide(
            self.machine, self.held, self.queue, {}, self.now, ahead=frozenset(self.made_way.values())
        )
        for place in decisions.placed:
            self.held.append(Held(request=place.request, grants=place.grants, placed_at=self.now))
            self._nobody_leaves_for(place.request.key)
        for each in decisions.preempted:
            self.made_way[each.held.request.key] = each.by.key
            at = self.held.index(each.held)
            self.held[at] = replace(each.held, leaves_by=each.leaves_by)
        self.queue = [each.request for each in decisions.waiting]
        return decisions

    def grace_is_over(self) -> None:
        self.now += timedelta(minutes=2)
        self.queue += [each.request for each in self.held if each.leaves_by]
        self.held = [each for each in self.held if not each.leaves_by]

    def arrive(self, arriving: list[Request]) -> None:
        self.queue += arriving

    def _nobody_leaves_for(self, key: Key) -> None:
        self.held = [
            replace(each, leaves_by=None) if self.made_way.get(each.request.key) == key else each
            for each in self.held
        ]
        self.made_way = {who: by for who, by in self.made_way.items() if by != key}


@settings(max_examples=500, deadline=None)
@given(machines, queues, queues)
def test_only_preemptible_work_of_lower_priority_ever_has_to_leave(
    machine: Machine, running: list[Request], arriving: list[Request]
) -> None:
    place = Place(machine, running)
    place.a_pass()
    place.arrive(arriving)

    for _ in range(4):
        for each in place.a_pass().preempted:
            assert each.held.request.preemptible
            assert each.held.request.priority < each.by.priority
        place.grace_is_over()
        assert not over_committed(machine, place.held)


@settings(max_examples=500, deadline=None)
@given(machines, queues, queues)
def test_whoever_others_leave_for_starts_as_soon_as_they_have_left(
    machine: Machine, running: list[Request], arriving: list[Request]
) -> None:
    place = Place(machine, running)
    place.a_pass()
    place.arrive(arriving)

    for _ in range(6):
        made_way_for = {each.by.key for each in place.a_pass().preempted}
        place.grace_is_over()
        started = {each.request.key for each in place.a_pass().placed}
        assert made_way_for <= started
        place.grace_is_over()


@settings(max_examples=200, deadline=None)
@given(machines, queues, queues)
def test_no_two_take_each_others_place_again_and_again(
    machine: Machine, running: list[Request], arriving: list[Request]
) -> None:
    place = Place(machine, running)
    place.a_pass()
    place.arrive(arriving)
    left = Counter[tuple[Key, Key]]()

    for _ in range(2 * len(running + arriving) + 2):
        decisions = place.a_pass()
        left.update((each.held.request.key, each.by.key) for each in decisions.preempted)
        place.grace_is_over()

    assert not decisions.preempted, "it comes to rest"
    assert not decisions.placed
    assert all(count == 1 for count in left.values())


def held(machine: Machine, *asked: Request) -> list[Held]:
    """These have their place, each a minute younger than the one before."""
    found: list[Held] = []
    for number, each in enumerate(asked):
        [place] = decide(machine, found, [each], {}, NOW).placed
        since = NOW - timedelta(hours=1) + timedelta(minutes=number)
        found.append(Held(request=each, grants=place.grants, placed_at=since))
    return found


def names_of(decisions: Decisions) -> list[str]:
    return [each.held.request.name for each in decisions.preempted]


def spare(name: str, gpus: int = 1, **changes: object) -> Request:
    return a_request(Whole(gpus), name=name, preemptible=True, **changes)


def test_as_few_as_possible_leave_even_where_they_are_older() -> None:
    machine = a_machine(4)
    running = held(machine, spare("two", 2), spare("one"), spare("other"))

    assert names_of(decide(machine, running, [a_request(Whole(2), priority=5)], {}, NOW)) == ["two"]


def test_among_as_many_the_least_important_leaves_and_then_what_started_last() -> None:
    machine = a_machine(3)
    running = held(machine, spare("old"), spare("young"), spare("urgent", priority=2))

    assert names_of(decide(machine, running, [a_request(Whole(1), priority=5)], {}, NOW)) == ["young"]


def test_nobody_leaves_while_a_card_is_about_to_come_back() -> None:
    settling = "the driver has not said yet that its memory is free again"
    back_soon = Machine(8, 64 * GIB, (a_card(0), a_card(1, settling=settling, soon=True)))
    stuck = Machine(8, 64 * GIB, (a_card(0), a_card(1, settling=settling)))
    running = held(a_machine(1), spare("spare"))
    urgent = a_request(Whole(1), priority=5)

    assert not decide(back_soon, running, [urgent], {}, NOW).preempted
    assert names_of(decide(stuck, running, [urgent], {}, NOW)) == ["spare"]


def test_a_share_leaves_for_a_share_and_who_uses_the_rest_of_the_card_stays() -> None:
    machine = a_machine(1)
    running = held(
        machine, a_request(Share(20 * GIB)), a_request(Share(20 * GIB), name="spare", preemptible=True)
    )

    assert names_of(decide(machine, running, [a_request(Share(8 * GIB), priority=2)], {}, NOW)) == ["spare"]


GENEROUS = Overcommit(cpus=1, memory=1)


@dataclass
class Here:
    """The queue of this machine, which has no cards; half of its CPUs are one request."""

    store: Store
    node: Node = field(default_factory=lambda: Node({}))

    def a_pass(self) -> tuple[Key, ...]:
        return schedule(self.store, self.node, GENEROUS, NOW, grace=timedelta(0)).changed

    def ask(self, request: Request) -> Granted | Waiting | None:
        with self.store.transaction() as db:
            queue.ask(db, request)
        self.a_pass()
        return self.now(request)

    def now(self, request: Request) -> Granted | Waiting | None:
        with self.store.reading() as db:
            return placement(db, request.key)

    def leave(self, request: Request) -> None:
        with self.store.transaction() as db:
            queue.requeue(db, request.key, NOW)
        self.a_pass()

    def give_back(self, request: Request) -> None:
        with self.store.transaction() as db:
            queue.give_back(db, request.key, NOW)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    store = Store(tmp_path / "state.db")
    store.migrate([MIGRATIONS])
    yield Here(store)
    store.close()


@pytest.fixture
def all_cpus(here: Here) -> float:
    return here.node.inventory().cpus


def test_who_left_is_told_for_whom_waits_in_its_old_turn_and_starts_again(
    here: Here, all_cpus: float
) -> None:
    low = a_request(cpus=all_cpus, preemptible=True, name="low")
    high = a_request(cpus=all_cpus, priority=7, name="high")
    same = a_request(cpus=all_cpus, name="same")
    assert isinstance(here.ask(low), Granted)
    here.ask(same)

    here.ask(high)
    leaving = here.now(low)
    assert isinstance(leaving, Granted)
    assert (leaving.leave, leaving.leaves_by) == ("job high of alice (priority 7)", NOW)

    here.leave(low)
    assert isinstance(here.now(high), Granted)
    waiting = here.now(low)
    assert isinstance(waiting, Waiting)
    assert waiting.words.startswith(
        "Preempted by job high of alice (priority 7); it starts again by itself. Waits for"
    )
    assert waiting.position == 1, "before what asked later"

    here.give_back(high)
    here.a_pass()
    again = here.now(low)
    assert isinstance(again, Granted)
    assert (again.leave, again.leaves_by) == ("", None)


def test_who_has_not_left_yet_stays_when_the_other_no_longer_wants_its_place(
    here: Here, all_cpus: float
) -> None:
    low, high = a_request(cpus=all_cpus, preemptible=True), a_request(cpus=all_cpus, priority=7)
    here.ask(low)
    here.ask(high)

    here.give_back(high)

    kept = here.now(low)
    assert isinstance(kept, Granted)
    assert (kept.leave, kept.leaves_by) == ("", None)


def test_who_has_not_left_yet_stays_when_something_else_ends_in_time(here: Here, all_cpus: float) -> None:
    half = all_cpus / 2
    stays, low = a_request(cpus=half), a_request(cpus=half, preemptible=True)
    high = a_request(cpus=half, priority=7)
    for each in (stays, low, high):
        here.ask(each)

    here.give_back(stays)

    assert {high.key, low.key} <= set(here.a_pass()), "both are told"
    assert isinstance(here.now(high), Granted)
    kept = here.now(low)
    assert isinstance(kept, Granted)
    assert kept.leaves_by is None


def test_whoever_others_left_for_comes_before_others_of_its_priority(here: Here, all_cpus: float) -> None:
    low = a_request(cpus=all_cpus, preemptible=True)
    high = a_request(cpus=all_cpus, priority=7)
    here.ask(low)
    here.ask(high)
    older = a_request(cpus=all_cpus, priority=7, asked_at=NOW - timedelta(days=9), user_id="bob")

    here.ask(older)
    here.leave(low)

    assert isinstance(here.now(high), Granted)
    assert isinstance(here.now(older), Waiting)


def test_work_that_is_no_longer_preemptible_stays(here: Here, all_cpus: float) -> None:
    low = a_request(cpus=all_cpus, preemptible=True)
    here.ask(low)
    with here.store.transaction() as db:
        queue.rate(db, low.key, priority=1, preemptible=False)

    here.ask(a_request(cpus=all_cpus, priority=7))

    kept = here.now(low)
    assert isinstance(kept, Granted)
    assert kept.leaves_by is None
