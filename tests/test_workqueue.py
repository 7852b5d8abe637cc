"""The work queue: one object never twice at once, failures back off, and nothing is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import EngineAway
from workbench.workqueue import AT_ONCE, EVERYTHING, NOT_UNTIL_WOKEN, Again, WorkQueue, back_off_s

KIND = "notebook"


@contextmanager
def working(
    step: Callable[[str], Again],
    everything: Callable[[], list[str]] = list,
    *,
    workers: int = 4,
    resync_s: float = 60,
) -> Iterator[WorkQueue]:
    queue = WorkQueue(workers=workers, resync_s=resync_s)
    queue.serve(KIND, step, everything)
    queue.start()
    try:
        yield queue
    finally:
        queue.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_everything_is_looked_at_when_it_starts() -> None:
    seen: list[str] = []

    def look(id: str) -> Again:
        seen.append(id)
        return NOT_UNTIL_WOKEN

    with working(look, lambda: ["a", "b", "c"]):
        until(lambda: sorted(seen) == ["a", "b", "c"])


def test_one_object_is_never_worked_on_twice_at_once_however_often_it_is_woken() -> None:
    at_once, two_at_once, looks = set[str](), threading.Event(), []

    def look(id: str) -> Again:
        assert id not in at_once
        at_once.add(id)
        if len(at_once) > 1:
            two_at_once.set()
        two_at_once.wait(60)  # others are looked at beside it
        time.sleep(0.001)
        at_once.discard(id)
        looks.append(id)
        return NOT_UNTIL_WOKEN

    with working(look) as queue:
        for number in range(300):
            queue.wake(KIND, str(number % 3))
        until(lambda: not at_once and len(looks) >= 3)
        assert queue.failures() == {}
    assert two_at_once.is_set()


def test_a_wake_during_a_look_is_followed_by_another_look() -> None:
    begun, go_on, looks = threading.Event(), threading.Event(), []

    def look(id: str) -> Again:
        begun.set()
        go_on.wait(60)
        looks.append(id)
        return NOT_UNTIL_WOKEN

    with working(look) as queue:
        queue.wake(KIND, "a")
        begun.wait(60)
        queue.wake(KIND, "a")
        queue.wake(KIND, "a")
        go_on.set()
        until(lambda: len(looks) == 2)


def test_a_step_says_when_it_wants_to_be_looked_at_again() -> None:
    looks: list[float] = []

    def look(id: str) -> Again:
        looks.append(time.monotonic())
        return AT_ONCE if len(looks) < 3 else Again(0.05) if len(looks) < 5 else NOT_UNTIL_WOKEN

    with working(look) as queue:
        queue.wake(KIND, "a")
        until(lambda: len(looks) == 5)
    assert looks[4] - looks[3] >= 0.05


def test_a_wake_comes_before_a_later_look() -> None:
    looks: list[str] = []

    def look(id: str) -> Again:
        looks.append(id)
        return Again(3600)

    with working(look) as queue:
        queue.wake(KIND, "a")
        until(lambda: len(looks) == 1)
        queue.wake(KIND, "a")
        until(lambda: len(looks) == 2)


@pytest.mark.parametrize("error", [EngineAway("Docker does not answer."), ValueError("a mistake of ours")])
def test_a_failure_is_counted_and_tried_again_and_harms_no_other(error: Exception) -> None:
    tries: list[str] = []
    well: list[str] = []

    def look(id: str) -> Again:
        if id == "well":
            well.append(id)
            return NOT_UNTIL_WOKEN
        tries.append(id)
        if len(tries) < 3:
            raise error
        return NOT_UNTIL_WOKEN

    with working(look, lambda: ["sick"]) as queue:
        until(lambda: queue.failures().get((KIND, "sick")) == 2)
        queue.wake(KIND, "well")
        until(lambda: bool(well))
        until(lambda: len(tries) == 3 and queue.failures() == {})


@pytest.mark.parametrize("error", [EngineAway("Docker does not answer."), ValueError("a mistake of ours")])
def test_the_resync_finds_what_nobody_told_of_and_outlives_a_list_that_fails(error: Exception) -> None:
    seen: list[str] = []
    mended = threading.Event()

    def everything() -> list[str]:
        if not mended.is_set():
            raise error
        return ["found"]

    def look(id: str) -> Again:
        seen.append(id)
        return NOT_UNTIL_WOKEN

    with working(look, everything, resync_s=0.01) as queue:
        until(lambda: queue.failures().get((KIND, EVERYTHING), 0) >= 2)
        queue.wake(KIND, "well")
        until(lambda: "well" in seen)
        mended.set()
        until(lambda: "found" in seen and queue.failures() == {})


def test_stopping_waits_for_what_is_under_way_and_begins_nothing_new() -> None:
    begun, go_on, looks = threading.Event(), threading.Event(), []

    def look(id: str) -> Again:
        begun.set()
        assert go_on.wait(60)
        looks.append(id)
        return AT_ONCE

    others = set(threading.enumerate())
    with working(look, workers=1) as queue:
        queue.wake(KIND, "a")
        assert begun.wait(60)
        queue.wake(KIND, "b")
        stopping = threading.Thread(target=queue.stop)
        stopping.start()
        until(lambda: "workqueue" not in {each.name for each in {*threading.enumerate()} - others})
        assert stopping.is_alive()
        go_on.set()
        stopping.join()
        assert looks == ["a"]


@given(st.integers(1, 10_000))
def test_back_off_grows_up_to_a_minute_and_never_beyond(failures: int) -> None:
    assert 0 < back_off_s(failures) <= back_off_s(failures + 1) <= 60
