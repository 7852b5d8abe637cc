"""When a GPU counts as held and unused: what nobody measured proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.telemetry.metric_buckets import MINUTE, Bucket
from workbench.telemetry.rules import (
    IdleGpus,
    IdlePolicy,
    WhenIdle,
    is_idle,
    is_over,
    unused_since,
)

NOW = 1_000 * MINUTE
AN_HOUR = IdlePolicy(after=timedelta(hours=1), floor=0.01)

peaks = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=200)
"""The peak of each minute up to now, None where nothing was measured."""


def minutes(*peaks: float | None) -> list[Bucket]:
    begin = NOW - len(peaks) * MINUTE
    return [
        Bucket(begin + number * MINUTE, peak / 2, peak, 12)
        for number, peak in enumerate(peaks)
        if peak is not None
    ]


def since(*peaks: float | None) -> int | None:
    return unused_since(minutes(*peaks), now=NOW, floor=0.01)


def test_a_gpu_that_was_not_used_for_an_hour_is_idle() -> None:
    assert is_idle(since(*[0.0] * 61), now=NOW, policy=AN_HOUR)
    assert not is_idle(since(*[0.0] * 60), now=NOW, policy=AN_HOUR)  # of the first one, who knows how much


def test_one_burst_long_ago_hides_no_idleness_and_one_of_now_ends_it() -> None:
    assert is_idle(since(1.0, *[0.0] * 61), now=NOW, policy=AN_HOUR)
    assert since(*[0.0] * 61, 1.0) is None


def test_a_restart_of_the_daemon_is_bridged_and_a_longer_silence_is_not() -> None:
    assert is_idle(since(*[0.0] * 40, None, None, *[0.0] * 20), now=NOW, policy=AN_HOUR)
    assert since(*[0.0] * 40, None, None, None, *[0.0] * 20) == NOW - 19 * MINUTE
    assert since(*[0.0] * 60, None, None, None) is None


@given(peaks)
def test_no_use_lies_in_what_counts_as_unused(peaks: list[float | None]) -> None:
    begin = since(*peaks)

    if begin is not None:
        assert all(minute.peak <= 0.01 for minute in minutes(*peaks) if minute.time >= begin - MINUTE)


@given(peaks, peaks)
def test_what_was_before_the_last_use_makes_no_difference(
    before: list[float | None], after: list[float | None]
) -> None:
    assert since(*before, 1.0, *after) == since(1.0, *after)


@given(peaks)
def test_a_lower_floor_never_finds_more_idleness(peaks: list[float | None]) -> None:
    strict = unused_since(minutes(*peaks), now=NOW, floor=0.0)
    lax = unused_since(minutes(*peaks), now=NOW, floor=0.5)

    assert strict is None or (lax is not None and lax <= strict)


@pytest.mark.parametrize("action", WhenIdle)
def test_a_stop_follows_the_warning_and_only_where_it_is_wanted(action: WhenIdle) -> None:
    policy = IdlePolicy(after=timedelta(hours=1), floor=0, action=action, grace=timedelta(minutes=15))
    idle = IdleGpus(since=datetime.fromtimestamp(NOW, UTC), policy=policy)

    assert not is_over(idle, now=NOW + 74 * MINUTE)
    assert is_over(idle, now=NOW + 75 * MINUTE) == (action is WhenIdle.STOP)
