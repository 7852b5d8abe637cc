"""Metrics over time survive restarts, full disks, damaged files and clocks that jump."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_disk import filled, small_disk
from workbench.telemetry.metric_buckets import DAY, HOUR, MINUTE, Bucket
from workbench.telemetry.metric_store import MetricStore, Selection
from workbench.telemetry.series import Series

__all__ = ["small_disk"]

CPUS = Series(name="cpus", kind="node")
NOW = 500_000 * HOUR
"""At the beginning of an hour, in Unix seconds."""


class Steady:
    """A clock that never jumps, moved by the test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def store(tmp_path: Path, steady: Steady) -> MetricStore:
    return open_store(tmp_path, steady)


def open_store(folder: Path, steady: Steady, *, cap_bytes: int = 1 << 30) -> MetricStore:
    return MetricStore(folder / "metrics.db", cap_bytes=cap_bytes, monotonic=steady)


def fill(
    store: MetricStore,
    steady: Steady,
    *,
    begin: int,
    end: int,
    step: int = 5,
    series: Series = CPUS,
    value: Callable[[int], float] = lambda time: 1.0,
) -> None:
    """Samples at a steady pace."""
    for time in range(begin, end, step):
        store.add(time, [(series, value(time))])
        steady.now += step


def read(store: MetricStore, *, since: int, until: int, step: int, now: int = NOW) -> list[Bucket]:
    _, found = store.query(Selection(name="cpus"), since=since, until=until, step_s=step, now=now)
    return found.get(CPUS, [])


def test_every_sample_of_the_last_day_is_there_the_minute_under_way_too(
    store: MetricStore, steady: Steady
) -> None:
    fill(store, steady, begin=NOW - 150, end=NOW, value=lambda time: NOW - time)

    found = read(store, since=NOW - 150, until=NOW, step=5)

    assert [bucket.time for bucket in found] == list(range(NOW - 150, NOW, 5))
    assert [bucket.mean for bucket in found] == [NOW - bucket.time for bucket in found]


def test_a_coarser_step_has_the_mean_and_the_peak(store: MetricStore, steady: Steady) -> None:
    fill(store, steady, begin=NOW - 2 * HOUR, end=NOW, value=lambda time: time % HOUR / 5)

    for step in (MINUTE, 5 * MINUTE, HOUR):
        samples = step // 5
        first = read(store, since=NOW - 2 * HOUR, until=NOW, step=step)[0]
        assert (first.time, first.count) == (NOW - 2 * HOUR, samples)
        assert (first.mean, first.peak) == pytest.approx(((samples - 1) / 2, samples - 1))


def test_what_lies_further_back_is_answered_in_the_step_that_is_kept(
    store: MetricStore, steady: Steady
) -> None:
    fill(store, steady, begin=NOW - 2 * DAY, end=NOW - 2 * DAY + HOUR, step=30)

    step, found = store.query(Selection(name="cpus"), since=NOW - 2 * DAY, until=NOW, step_s=5, now=NOW)

    assert step == MINUTE
    assert [bucket.count for bucket in found[CPUS]] == [2] * 60


def test_series_are_selected_by_whose_they_are(store: MetricStore, steady: Steady) -> None:
    mine = Series(name="cpus", kind="notebook", id="dsw-1", pod="main", workspace_id="1", user_id="7")
    store.add(NOW, [(CPUS, 1.0), (mine, 2.0)])
    store.flush()
    store.add(NOW + 1, [(mine, 3.0)])

    _, found = store.query(Selection(user_id="7"), since=NOW, until=NOW + 9, step_s=10, now=NOW)

    assert {series: bucket[0].mean for series, bucket in found.items()} == {mine: 2.5}


def test_a_restart_in_the_middle_of_a_minute_loses_none_of_it(
    tmp_path: Path, store: MetricStore, steady: Steady
) -> None:
    fill(store, steady, begin=NOW, end=NOW + 30, value=lambda time: 1.0)
    store.close()
    again = open_store(tmp_path, steady)
    fill(again, steady, begin=NOW + 30, end=NOW + 60, value=lambda time: 2.0)
    again.flush()

    assert len(read(again, since=NOW, until=NOW + 60, step=5)) == 12
    assert read(again, since=NOW, until=NOW + 60, step=60) == [Bucket(NOW, 1.5, 2.0, 12)]
    assert read(again, since=NOW, until=NOW + 60, step=HOUR) == [Bucket(NOW, 1.5, 2.0, 12)]


def test_samples_go_after_a_day_minutes_after_a_month_hours_stay(
    tmp_path: Path, store: MetricStore, steady: Steady
) -> None:
    for days_ago in (100, 2, 0.5):
        begin = NOW - int(days_ago * DAY)
        store.add(begin, [(CPUS, 1.0)])
        store.flush()
    steady.now += 2 * HOUR
    fill(store, steady, begin=NOW, end=NOW + 2 * HOUR, step=MINUTE)
    store.close()

    assert count(tmp_path, "samples", before=NOW) == 1
    assert count(tmp_path, "minutes", before=NOW) == 2
    assert count(tmp_path, "hours", before=NOW) == 3


def test_a_clock_that_jumps_ahead_and_back_costs_nothing_that_was_measured(
    tmp_path: Path, store: MetricStore, steady: Steady
) -> None:
    steady.now = 2 * HOUR
    fill(store, steady, begin=NOW, end=NOW + 10 * MINUTE)
    fill(store, steady, begin=NOW + 1000 * DAY, end=NOW + 1000 * DAY + 30 * MINUTE)
    fill(store, steady, begin=NOW + 40 * MINUTE, end=NOW + 3 * HOUR)
    store.close()

    assert count(tmp_path, "minutes", before=NOW + 10 * MINUTE) == 10
    assert count(tmp_path, "minutes", before=2 * NOW) == 10 + 140  # and none is left in the future


def test_a_file_at_its_cap_keeps_less_long(tmp_path: Path, steady: Steady) -> None:
    store = open_store(tmp_path, steady, cap_bytes=200_000)
    many = [(Series(name="cpus", kind="node", id=str(number)), 1.0) for number in range(20)]
    for time in range(NOW, NOW + DAY, 5 * MINUTE):
        store.add(time, many)
        steady.now += 5 * MINUTE
    store.close()

    assert (tmp_path / "metrics.db").stat().st_size < 400_000
    assert 0 < count(tmp_path, "samples", before=2 * NOW) < 20 * DAY / (5 * MINUTE)


def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path, steady: Steady) -> None:
    (tmp_path / "metrics.db").write_bytes(b"this is no database at all" * 1000)

    store = open_store(tmp_path, steady)
    fill(store, steady, begin=NOW, end=NOW + 120)

    assert store.problem == ""
    assert len(read(store, since=NOW, until=NOW + 120, step=60)) == 2
    assert (tmp_path / "metrics.db.damaged").read_bytes().startswith(b"this is no database")


def test_a_full_disk_drops_metrics_says_so_and_heals(small_disk: Path, steady: Steady) -> None:
    store = open_store(small_disk, steady)
    with filled(small_disk):
        many = [(Series(name="cpus", kind="node", id=str(number)), 1.0) for number in range(500)]
        store.add(NOW, many)
        store.add(NOW + MINUTE, [(CPUS, 1.0)])
        assert "full" in store.problem

    store.add(NOW + 2 * MINUTE, [(CPUS, 2.0)])

    assert store.problem == ""
    assert [each.mean for each in read(store, since=NOW, until=NOW + HOUR, step=60)] == [1.0, 2.0]
    store.close()


def count(folder: Path, table: str, *, before: int) -> int:
    with sqlite3.connect(folder / "metrics.db") as db:
        found = db.execute(f"SELECT count(*) FROM {table} WHERE time < ?", [before]).fetchone()
    return int(found[0])
