"""Recent use: how it fades, and that it does not matter how often it is counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduler.machines import NOW
from workbench.scheduler.fairness import Use

seconds = st.integers(0, 10**7).map(lambda number: timedelta(seconds=number))
shares = st.floats(0, 1)


@given(st.floats(0, 1e6), seconds, seconds, shares)
def test_counting_more_often_changes_nothing(
    amount: float, first: timedelta, second: timedelta, share: float
) -> None:
    before = Use(amount, NOW)

    twice = before.later(NOW + first, share).later(NOW + first + second, share)

    assert twice.amount_s == pytest.approx(before.later(NOW + first + second, share).amount_s)


def test_use_halves_in_a_day() -> None:
    assert Use(1000, NOW).later(NOW + timedelta(days=1)).amount_s == pytest.approx(500)


@given(seconds, shares)
def test_a_clock_that_is_set_back_takes_and_gives_nothing(back: timedelta, share: float) -> None:
    assert Use(1000, NOW).later(NOW - back, share).amount_s == pytest.approx(1000)
