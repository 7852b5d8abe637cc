"""What the end of a container means, and how its owner is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.notebooks.examples import NOW, a_notebook, a_pod, an_ended_pod
from workbench.notebooks import rules
from workbench.notebooks.records import Status, Wanted

RUNNING = a_notebook(status=Status.RUNNING, running_since=NOW)
STARTING = a_notebook(status=Status.STARTING)


def test_out_of_memory_is_told_with_the_memory_it_had_and_what_to_do() -> None:
    judged = rules.judge(RUNNING, an_ended_pod(137, oom_killed=True), [], NOW)

    assert (judged.status, judged.reason_code) == (Status.FAILED, "OutOfMemory")
    assert "4 GiB" in judged.reason
    assert "Start it with more memory" in judged.reason


def test_a_kernel_that_was_out_of_memory_is_not_blamed_for_a_later_end() -> None:
    judged = rules.judge(RUNNING, an_ended_pod(3, oom_killed=True), ["bad config"], NOW)

    assert judged.reason_code == "Exited"


@pytest.mark.parametrize("exit_code", [126, 127])
def test_an_image_without_jupyter_is_told_by_name(exit_code: int) -> None:
    judged = rules.judge(STARTING, an_ended_pod(exit_code), ["jupyter: not found"], NOW)

    assert (judged.status, judged.reason_code) == (Status.FAILED, "CommandNotFound")
    assert "The image notebook cannot start `jupyter lab`" in judged.reason
    assert "jupyter: not found" in judged.reason


@pytest.mark.parametrize("exit_code", [129, 130, 137, 143, 255])
def test_what_was_ended_from_outside_is_started_again(exit_code: int) -> None:
    judged = rules.judge(RUNNING, an_ended_pod(exit_code), [], NOW)

    assert (judged.status, judged.generation, judged.interruptions) == (Status.RECOVERING, 2, 1)


def test_a_signal_that_jupyter_tells_of_came_from_outside_too() -> None:
    said = ["[C 2026-05-04 ServerApp] received signal 15, stopping"]

    assert rules.judge(RUNNING, an_ended_pod(0), said, NOW).status is Status.RECOVERING


def test_a_shutdown_from_inside_is_a_stop() -> None:
    judged = rules.judge(RUNNING, an_ended_pod(0), ["Shutting down on /api/shutdown request."], NOW)

    assert (judged.wanted, judged.status) == (Wanted.STOPPED, Status.STOPPING)
    assert judged.reason_code == "ShutDown"


def test_an_end_without_error_before_it_ever_answered_is_a_failure() -> None:
    judged = rules.judge(STARTING, an_ended_pod(0), [], NOW)

    assert (judged.status, judged.reason_code) == (Status.FAILED, "Exited")
    assert "It said nothing." in judged.reason


def test_exit_code_and_last_lines_are_told_but_no_more_than_one_can_read() -> None:
    lines = [*(f"line {number}" for number in range(30)), "", "ValueError: no licence"]

    judged = rules.judge(STARTING, an_ended_pod(3), lines, NOW)

    assert "exit code 3" in judged.reason
    assert judged.reason.endswith("line 29\nValueError: no licence")
    assert "line 22\n" not in judged.reason
    assert len(rules.judge(STARTING, an_ended_pod(3), ["x" * 10**6], NOW).reason) < 2100


def test_being_ended_from_outside_again_and_again_becomes_a_failure_in_words() -> None:
    notebook = RUNNING
    for _ in range(rules.MOST_INTERRUPTIONS):
        notebook = rules.recover(notebook, NOW)
        assert notebook.status is Status.RECOVERING
        notebook = rules.become(notebook, Status.RUNNING, NOW)

    failed = rules.recover(notebook, NOW)

    assert (failed.status, failed.reason_code) == (Status.FAILED, "KeptBeingKilled")
    assert "4 times in a row" in failed.reason


def test_interruptions_are_forgiven_after_a_healthy_while() -> None:
    notebook = a_notebook(status=Status.RUNNING, running_since=NOW, interruptions=3)

    later = rules.recover(notebook, NOW + timedelta(minutes=11))

    assert (later.status, later.interruptions) == (Status.RECOVERING, 1)


def test_what_never_answers_fails_with_what_it_said_last() -> None:
    failed = rules.unanswered(STARTING, ["waiting for a disk"], timedelta(seconds=120), NOW)

    assert failed.reason_code == "StartTimeout"
    assert failed.reason == "JupyterLab did not answer within 120 s. It said last:\nwaiting for a disk"


@pytest.mark.parametrize(("age_s", "again_s"), [(0.3, 0.05), (10, 0.5), (110, 1.0), (-3600, 0.05)])
def test_a_new_session_is_asked_often_at_first_and_seldom_later(age_s: float, again_s: float) -> None:
    pod = a_pod(started_at=NOW - timedelta(seconds=age_s))

    assert rules.seconds_to_probe(pod, NOW) == pytest.approx(again_s)
