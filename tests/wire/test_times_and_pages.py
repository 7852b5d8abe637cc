"""Moments, pages and orders as PAI spells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidInput
from workbench.wire.paging import Page, Sorting, page, sorting
from workbench.wire.times import from_wire, through, to_wire

COLUMNS = {"GmtCreateTime": "created_at", "InstanceName": "name"}


def test_a_moment_is_spelt_in_utc() -> None:
    moment = datetime(2026, 1, 2, 5, 4, 5, 678000, tzinfo=timezone(timedelta(hours=2)))

    assert to_wire(moment) == "2026-01-02T03:04:05Z"
    assert to_wire(moment, milliseconds=True) == "2026-01-02T03:04:05.678Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_spelt_is_read_back(moment: datetime) -> None:
    assert from_wire(to_wire(moment)) == moment.replace(microsecond=0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_the_end_of_a_range_holds_what_is_told_to_be_of_that_moment(moment: datetime) -> None:
    for milliseconds, lasts in ((False, timedelta(seconds=1)), (True, timedelta(milliseconds=1))):
        told = to_wire(moment, milliseconds=milliseconds)
        assert moment <= through(told) < from_wire(told) + lasts


@pytest.mark.parametrize(
    "text", ["", "now", "2026-01-02", "2026-01-02T03:04:05", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="2026-01-02T03:04:05Z is wanted"):
        from_wire(text)


def test_a_list_begins_with_its_first_page() -> None:
    assert page({}) == Page(1, 10)
    assert page({"PageNumber": 3, "PageSize": 20}).offset == 40


@pytest.mark.parametrize(
    "fields", [{"PageNumber": 0}, {"PageSize": 0}, {"PageSize": 100_000}, {"PageNumber": 2**62}]
)
def test_a_page_out_of_bounds_is_refused_and_never_cut_down(fields: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="is wanted"):
        page(fields)


def test_an_order_is_understood_in_any_case() -> None:
    assert sorting({"SortBy": "instancename", "Order": "asc"}, COLUMNS, default="GmtCreateTime") == Sorting(
        "name", descending=False
    )
    assert sorting({}, COLUMNS, default="GmtCreateTime") == Sorting("created_at", descending=True)


@pytest.mark.parametrize("fields", [{"SortBy": "Colour"}, {"Order": "sideways"}])
def test_an_order_that_does_not_exist_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="is wanted"):
        sorting(fields, COLUMNS, default="GmtCreateTime")
