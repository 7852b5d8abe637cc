"""Filters, amounts and ages, as users read and write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench_tui import values
from workbench_tui.filtering import Filter, Seen

ROW = Seen(
    [
        ("Name", "train-resnet"),
        ("State", "● 运行中"),
        ("State", "Running"),
        ("状态", "● 运行中"),
        ("状态", "Running"),
        ("Owner", "alice"),
        ("Time", "2026-01-02 02:37:11"),
    ],
    {"team": "vision", "Stage": "Beta"},
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "train",
        "RESNET",
        "trnres",
        "state:run",
        "!bob",
        "owner:ali",
        "tag:team",
        "tag:stage=beta",
        "alice !state:stop",
        "running",
        "状态:运行",
        "状态\uff1a运行",
        "02:37",
        "!03:37",
    ],
)
def test_a_filter_lets_through_what_it_names(text: str) -> None:
    assert Filter(text).lets_through(ROW)


@pytest.mark.parametrize(
    "text",
    ["bob", "!alice", "state:stop", "tag:owner", "tag:team=speech", "train bob", "zz", "03:37", "!02:37"],
)
def test_a_filter_keeps_out_what_it_does_not_name(text: str) -> None:
    assert not Filter(text).lets_through(ROW)


@given(st.text())
def test_no_filter_breaks_whatever_is_typed(text: str) -> None:
    assert Filter(text).lets_through(ROW) in (True, False)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1))
def test_a_term_and_its_opposite_never_agree(text: str) -> None:
    assert Filter(text).lets_through(ROW) is not Filter(f"!{text}").lets_through(ROW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (61, "1m1s"), (720, "12m"), (9000, "2h30m"), (90000, "1d1h"), (864000, "10d")],
)
def test_a_time_span_has_its_largest_two_units(seconds: int, text: str) -> None:
    assert values.duration(seconds) == text


@given(st.floats(min_value=0, max_value=2**60))
def test_a_size_is_short(amount: float) -> None:
    assert len(values.size(amount)) <= 9


def test_what_is_no_time_has_no_age() -> None:
    assert values.age("", datetime.now(UTC)) == values.age("soon", datetime.now(UTC)) == ""
