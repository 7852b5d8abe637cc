"""What a notebook needs next, whatever was asked for and whatever the engine shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.notebooks.examples import NOW, a_notebook, a_pod, an_ended_pod
from workbench.notebooks import rules
from workbench.notebooks.records import IdleLimit, Status, Wanted
from workbench.notebooks.rules import (
    BeingDeleted,
    Forget,
    Judge,
    Launch,
    Probe,
    Recover,
    Remove,
    Settle,
    Stop,
    Tend,
)
from workbench.runtime import PodState

CREATED = a_pod(state=PodState.CREATED, started_at=None)
RUNNING = a_pod()
ENDED = an_ended_pod()
EARLIER = a_pod(generation=0)

ON_THE_WAY_UP = [
    Status.CREATING,
    Status.QUEUING,
    Status.ENV_PREPARING,
    Status.STARTING,
    Status.RECOVERING,
]


@pytest.mark.parametrize("status", ON_THE_WAY_UP)
def test_what_should_run_is_launched_probed_and_judged(status: Status) -> None:
    notebook = a_notebook(status=status)

    assert rules.next_step(notebook, None) == Launch()
    assert rules.next_step(notebook, CREATED) == Launch()
    assert rules.next_step(notebook, RUNNING) == Probe(RUNNING)
    assert rules.next_step(notebook, ENDED) == Judge(ENDED)


def test_what_runs_is_tended_and_brought_back_when_its_container_is_lost() -> None:
    notebook = a_notebook(status=Status.RUNNING, running_since=NOW)

    assert rules.next_step(notebook, RUNNING) == Tend(RUNNING)
    assert rules.next_step(notebook, ENDED) == Judge(ENDED)
    assert rules.next_step(notebook, None) == Recover()
    assert rules.next_step(notebook, CREATED) == Recover()


@pytest.mark.parametrize(
    ("wanted", "status", "at_last"),
    [
        (Wanted.STOPPED, Status.STOPPING, Settle()),
        (Wanted.STOPPED, Status.STOPPED, Settle()),
        (Wanted.RUNNING, Status.FAILED, Settle()),
        (Wanted.DELETED, Status.DELETING, Forget()),
    ],
)
def test_what_should_not_run_is_stopped_then_removed_then_let_go(
    wanted: Wanted, status: Status, at_last: rules.Step
) -> None:
    notebook = a_notebook(wanted=wanted, status=status)

    assert rules.next_step(notebook, RUNNING) == Stop(RUNNING)
    assert rules.next_step(notebook, ENDED) == Remove(ENDED)
    assert rules.next_step(notebook, CREATED) == Remove(CREATED)
    assert rules.next_step(notebook, None) == at_last


@pytest.mark.parametrize("status", [*ON_THE_WAY_UP, Status.RUNNING])
def test_the_container_of_an_earlier_start_makes_room_first(status: Status) -> None:
    assert rules.next_step(a_notebook(status=status), EARLIER) == Stop(EARLIER)


def test_asking_twice_for_the_same_changes_nothing() -> None:
    running = a_notebook(status=Status.RUNNING)
    stopping = rules.stop(running, NOW)
    deleting = rules.delete(running, NOW)

    assert rules.start(running, NOW) == running
    assert rules.stop(stopping, NOW) == stopping
    assert rules.delete(deleting, NOW) == deleting


def test_a_start_is_a_new_generation_and_forgets_interruptions_and_shutdown_time() -> None:
    stopped = a_notebook(
        wanted=Wanted.STOPPED, status=Status.STOPPED, generation=4, interruptions=2, shutdown_at=NOW
    )

    started = rules.start(stopped, NOW)

    assert (started.generation, started.interruptions, started.shutdown_at) == (5, 0, None)
    assert (started.wanted, started.status) == (Wanted.RUNNING, Status.STARTING)


def test_a_failed_notebook_is_started_anew_by_its_owner_only() -> None:
    failed = rules.failed(a_notebook(status=Status.STARTING), NOW, "Exited", "It ended.")

    assert rules.next_step(failed, None) == Settle()
    assert rules.settled(failed, NOW) == failed
    assert rules.start(failed, NOW).status is Status.STARTING


def test_nothing_more_can_be_asked_of_what_is_being_deleted() -> None:
    deleting = rules.delete(a_notebook(), NOW)

    with pytest.raises(BeingDeleted, match="'mine' is being deleted"):
        rules.start(deleting, NOW)
    with pytest.raises(BeingDeleted):
        rules.stop(deleting, NOW)


def test_the_time_that_it_ran_is_added_up_over_its_starts() -> None:
    running = rules.become(a_notebook(status=Status.STARTING, ran_ms=500), Status.RUNNING, NOW)
    later = NOW + timedelta(seconds=2)

    assert rules.ran_ms(running, later) == 2500
    assert rules.stop(running, later).ran_ms == 2500
    assert rules.ran_ms(rules.stop(running, later), later + timedelta(hours=1)) == 2500


def test_what_is_preempted_stops_as_by_the_ladder_and_launches_again() -> None:
    running = a_notebook(status=Status.RUNNING, running_since=NOW)

    preempted = rules.preempted(running, "job x of alice (priority 7)", NOW)

    assert (preempted.status, preempted.reason_code) == (Status.RECOVERING, "Preempted")
    assert "Preempted by job x of alice (priority 7); it starts again by itself" in preempted.reason
    assert preempted.interruptions == 0, "nobody's fault"
    assert rules.next_step(preempted, RUNNING) == Stop(RUNNING)
    assert rules.next_step(preempted, ENDED) == Remove(ENDED)
    assert rules.next_step(preempted, None) == Launch()
    stopped = rules.stop(preempted, NOW)
    assert rules.next_step(stopped, None) == Settle(), "its owner stopped it meanwhile"


def idle(minutes: float, **changes: object) -> rules.Notebook:
    """A notebook in which nothing was done for so long."""
    used = NOW - timedelta(minutes=minutes)
    return a_notebook(status=Status.RUNNING, running_since=used, last_active=used, **changes)


def test_an_idle_notebook_stops_at_its_limit_and_says_why() -> None:
    stopping = rules.idling(idle(31, idle_limit=IdleLimit(minutes=30)), NOW)

    assert (stopping.wanted, stopping.reason_code) == (Wanted.STOPPED, rules.IDLE)
    assert "31 minutes" in stopping.reason


@pytest.mark.parametrize(("limit", "quiet", "warned"), [(30, 24, 25), (6, 2, 3), (1, 0, 0.5)])
def test_it_is_warned_some_minutes_before_and_the_warning_goes_when_it_is_used(
    limit: int, quiet: float, warned: float
) -> None:
    settings = {"idle_limit": IdleLimit(minutes=limit), "name": "mine"}

    assert rules.idling(idle(quiet, **settings), NOW).reason == ""
    told = rules.idling(idle(warned, **settings), NOW)
    assert (told.status, told.reason_code) == (Status.RUNNING, "IdleSoon")
    assert "`workbench notebook snooze mine` keeps it" in told.reason
    assert rules.idling(rules.used(told, NOW), NOW).reason == ""
    assert rules.idling(idle(500), NOW).reason == "", "it has no limit"


def test_what_else_its_owner_has_to_know_is_not_overwritten_by_a_warning() -> None:
    lost = idle(29, idle_limit=IdleLimit(minutes=30), reason_code="GPULost", reason="It fell off the bus.")

    assert rules.idling(lost, NOW) == lost


def test_a_notebook_stops_at_its_shutdown_time_however_busy_it_is() -> None:
    busy = idle(0, shutdown_at=NOW)

    assert rules.overdue(busy, NOW - timedelta(seconds=1)) is None
    stopping = rules.overdue(busy, NOW)
    assert stopping is not None
    assert "12:00 UTC" in stopping.reason
    assert rules.settled(stopping, NOW).shutdown_at is None


def test_one_that_runs_and_is_on_no_network_is_marked_until_it_is_found_again() -> None:
    running = a_notebook(status=Status.RUNNING, address="172.18.0.2")

    lost = rules.found_at(running, "", NOW)
    assert (lost.status, lost.reason_code, lost.address) == (Status.RUNNING, "NoAddress", "")
    assert rules.found_at(lost, "", NOW) == lost

    found = rules.found_at(lost, "172.18.0.3", NOW)
    assert (found.reason_code, found.reason, found.address) == ("", "", "172.18.0.3")


def test_what_its_owner_was_told_of_a_gpu_stays_though_it_is_on_no_network() -> None:
    ill = a_notebook(status=Status.RUNNING, reason_code="GPULost", reason="It fell off the bus.")

    assert rules.found_at(ill, "", NOW).reason_code == "GPULost"
    assert rules.found_at(ill, "172.18.0.3", NOW).reason_code == "GPULost"
