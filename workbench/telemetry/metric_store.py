"""Metrics over time.

A minute of a series is written once: as its samples, which are kept for a day, and as their mean
and peak, kept for 30 days; the hour it belongs to is brought up to date with it, and kept for two
years. The minute under way is in memory only. What cannot be written is dropped, and said to be:
nothing that goes wrong here stops anything else.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from workbench.telemetry import metric_buckets
from workbench.telemetry.metric_buckets import HOUR, MINUTE, SAMPLES, TIERS, Bucket, Tier
from workbench.telemetry.metric_file import MetricFile, MetricsUnavailable
from workbench.telemetry.series import Series

log = logging.getLogger(__name__)

_PAIR = struct.Struct("<Bf")
"""A second after the row's time, and the value."""

_FITS_IN = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64)
"""Shares of each tier's length, tried until the file is within its cap."""

_PRUNE_EVERY_S = 600
_JUMP_S = 60
_COLUMNS = tuple(field.name for field in fields(Series))
_Sample = tuple[int, float]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which series; what is empty does not restrict."""

    name: str = ""
    kind: str = ""
    id: str = ""
    pod: str = ""
    workspace_id: str = ""
    user_id: str = ""

    def wants(self, series: Series) -> bool:
        """Whether a series is among them."""
        return all(getattr(series, name) == value for name, value in self.given.items())

    @property
    def given(self) -> Mapping[str, str]:
        """What restricts."""
        return {name: value for name, value in vars(self).items() if value}


class MetricStore:
    """What was measured.

    Args:
        path: The file, made where it is missing.
        cap_bytes: Size beyond which everything is kept less long.
        monotonic: A clock that never jumps, in seconds.
    """

    def __init__(
        self, path: Path, *, cap_bytes: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = MetricFile(path)
        self._cap_bytes = cap_bytes
        self._trust = _Trust(monotonic)
        self._monotonic = monotonic
        self._prune_at = 0.0
        self._lock = threading.Lock()
        self._minute = 0
        self._pending: dict[Series, list[_Sample]] = {}
        self.problem = ""
        """Why metrics are not being kept now; empty while they are."""
        self._guarded(lambda: self._file.write(lambda db: None))

    def add(self, now: int, values: Iterable[tuple[Series, float]]) -> None:
        """Keep values of one moment, given in Unix seconds. Only for one thread."""
        self._trust.look(now)
        if now // MINUTE != self._minute:
            self.flush()
            self._minute = now // MINUTE
            if self._trust.steady and self._monotonic() >= self._prune_at:
                self._prune_at = self._monotonic() + _PRUNE_EVERY_S
                self._guarded(lambda: self._prune(now))
        with self._lock:
            for series, value in values:
                self._pending.setdefault(series, []).append((now, value))

    def flush(self) -> None:
        """Write the minute under way. Only for the thread that adds."""
        if finished := self._pending:
            self._guarded(lambda: self._file.write(lambda db: _write(db, finished)))
        with self._lock:  # not before: whoever queries meanwhile should see them
            self._pending = {}

    def close(self) -> None:
        """Write the minute under way, and let the file go."""
        self.flush()
        self._file.close()

    def query(
        self, selection: Selection, *, since: int, until: int, step_s: int, now: int
    ) -> tuple[int, Mapping[Series, list[Bucket]]]:
        """Series over time.

        Args:
            since, until: Unix seconds, both within.
            step_s: Seconds from one bucket to the next; buckets begin at multiples of it.
            now: Unix seconds.

        Returns:
            The step, a coarser one where nothing finer is kept that far back, and the buckets of each
            series that has any, oldest first.

        Raises:
            MetricsUnavailable: The file cannot be read.
        """
        tier, step_s = metric_buckets.source(now - since, step_s)
        since = since // step_s * step_s
        pieces: dict[Series, list[Bucket]] = {}
        with self._lock:
            for series, samples in self._pending.items():
                if selection.wants(series):
                    pieces[series] = [
                        Bucket(time, value, value, 1) for time, value in samples if since <= time <= until
                    ]
        with self._file.reading() as db:
            for number, series in _select(db, selection.given):
                found = _stored(db, tier, number, since=since, until=until, step_s=step_s)
                pieces.setdefault(series, []).extend(found)
        return step_s, {
            series: metric_buckets.merged(found, step_s) for series, found in pieces.items() if found
        }

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except MetricsUnavailable as error:
            if not self.problem:
                log.error("metrics dropped reason=%s", error)
            self.problem = str(error)
        else:
            if self.problem:
                log.info("metrics kept again")
            self.problem = ""

    def _prune(self, now: int) -> None:
        """Drop what is older than it should be, and more until the file is within its cap."""
        for share in _FITS_IN:
            self._file.write(partial(_drop, now=now, share=share))
            if self._file.used_bytes() <= self._cap_bytes:
                break
            log.warning("metrics kept less long cap_mib=%d", self._cap_bytes >> 20)
        self._file.shrink()


class _Trust:
    """Whether the wall's clock is believed when it says that something is old, or yet to come.

    It is after an hour without a jump: one that was set wrong has been put right by then.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._offset: float | None = None
        self._from = monotonic() + HOUR

    def look(self, wall: float) -> None:
        offset = wall - self._monotonic()
        if self._offset is not None and abs(offset - self._offset) > _JUMP_S:
            log.warning("clock jumped by_s=%.0f", offset - self._offset)
            self._from = self._monotonic() + HOUR
        self._offset = offset

    @property
    def steady(self) -> bool:
        return self._monotonic() >= self._from


def _write(db: sqlite3.Connection, finished: Mapping[Series, list[_Sample]]) -> None:
    for series, samples in finished.items():
        number, begin = _number(db, series), min(time for time, _ in samples)
        values = [value for _, value in samples]
        pairs = b"".join(_PAIR.pack(time - begin, value) for time, value in samples)
        db.execute("INSERT OR REPLACE INTO samples VALUES (?, ?, ?)", [number, begin, pairs])
        # A daemon that was restarted, or a clock set back, comes upon the same minute again.
        db.execute(
            "INSERT INTO minutes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " mean = (mean * count + excluded.mean * excluded.count) / (count + excluded.count),"
            " peak = max(peak, excluded.peak), count = count + excluded.count",
            [number, begin // MINUTE * MINUTE, sum(values) / len(values), max(values), len(values)],
        )
        db.execute(
            "INSERT OR REPLACE INTO hours"
            " SELECT series, :hour, sum(mean * count) / sum(count), max(peak), sum(count) FROM minutes"
            " WHERE series = :series AND time >= :hour AND time < :hour + 3600",
            {"series": number, "hour": begin // HOUR * HOUR},
        )


def _number(db: sqlite3.Connection, series: Series) -> int:
    db.execute(
        "INSERT OR IGNORE INTO series (name, kind, id, pod, workspace_id, user_id)"
        " VALUES (:name, :kind, :id, :pod, :workspace_id, :user_id)",
        vars(series),
    )
    return next(number for number, _ in _select(db, vars(series)))


def _select(db: sqlite3.Connection, given: Mapping[str, str]) -> list[tuple[int, Series]]:
    where = " AND ".join(f"{column} = :{column}" for column in given) or "1"
    rows = db.execute(f"SELECT number, {', '.join(_COLUMNS)} FROM series WHERE {where}", given)  # noqa: S608
    return [(row[0], Series(**dict(zip(_COLUMNS, row[1:], strict=True)))) for row in rows]


def _stored(
    db: sqlite3.Connection, tier: Tier, number: int, *, since: int, until: int, step_s: int
) -> Iterator[Bucket]:
    if tier is SAMPLES:
        rows = db.execute(
            "SELECT time, pairs FROM samples WHERE series = ? AND time > ? AND time <= ?",
            [number, since - MINUTE, until],
        )
        for begin, pairs in rows:
            for second, value in _PAIR.iter_unpack(pairs):
                if since <= begin + second <= until:
                    yield Bucket(begin + second, value, value, 1)
        return
    rows = db.execute(
        f"SELECT time / :step * :step, sum(mean * count) / sum(count), max(peak), sum(count)"  # noqa: S608
        f" FROM {tier.table} WHERE series = :series AND time >= :since AND time <= :until GROUP BY 1",
        {"series": number, "since": since, "until": until, "step": step_s},
    )
    yield from (Bucket(*row) for row in rows)


def _drop(db: sqlite3.Connection, *, now: int, share: float) -> None:
    numbers = [row[0] for row in db.execute("SELECT number FROM series")]
    for tier in TIERS:
        # What a clock that was ahead wrote would stand in the future for ever.
        kept = [(number, now - int(tier.kept_s * share), now + HOUR) for number in numbers]
        db.executemany(f"DELETE FROM {tier.table} WHERE series = ? AND time < ?", [row[:2] for row in kept])  # noqa: S608
        db.executemany(f"DELETE FROM {tier.table} WHERE series = ? AND time > ?", [row[::2] for row in kept])  # noqa: S608
    points = " UNION ALL ".join(f"SELECT 1 FROM {tier.table} WHERE series = number" for tier in TIERS)  # noqa: S608
    db.execute(f"DELETE FROM series WHERE NOT EXISTS ({points})")  # noqa: S608
