"""How finely metrics are kept, and how kept pieces become the buckets that were asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True)
class Tier:
    """A table, the seconds that one of its rows stands for, and how many seconds it goes back."""

    table: str
    step_s: int
    kept_s: int


SAMPLES = Tier("samples", 1, DAY)
MINUTES = Tier("minutes", MINUTE, 30 * DAY)
HOURS = Tier("hours", HOUR, 2 * 365 * DAY)
TIERS = (SAMPLES, MINUTES, HOURS)


@dataclass(frozen=True)
class Bucket:
    """A stretch of one series: its beginning in Unix seconds, the mean of its samples, the highest of
    them, and how many they were."""

    time: int
    mean: float
    peak: float
    count: int


def source(age_s: float, step_s: int) -> tuple[Tier, int]:
    """The tier to read from, and the step that it can give.

    Args:
        age_s: How far back the beginning lies.
        step_s: The step that is wanted; a coarser one where nothing finer is kept that far back.
    """
    finest = next((tier for tier in TIERS if tier.kept_s >= age_s), HOURS)
    coarsest = next((tier for tier in reversed(TIERS) if tier.step_s <= step_s), SAMPLES)
    tier = max(finest, coarsest, key=lambda tier: tier.step_s)
    return tier, -(-max(step_s, 1) // tier.step_s) * tier.step_s


def merged(pieces: Iterable[Bucket], step_s: int) -> list[Bucket]:
    """Pieces put together into buckets that begin at multiples of the step, oldest first."""
    ordered = sorted(pieces, key=lambda piece: piece.time)
    return [
        _joined(start * step_s, list(group))
        for start, group in groupby(ordered, key=lambda piece: piece.time // step_s)
    ]


def aligned(buckets: Sequence[Bucket], times: Sequence[int]) -> list[Bucket | None]:
    """The bucket of each time, None where there is none."""
    by_time: Mapping[int, Bucket] = {bucket.time: bucket for bucket in buckets}
    return [by_time.get(time) for time in times]


def _joined(time: int, pieces: Sequence[Bucket]) -> Bucket:
    count = sum(piece.count for piece in pieces)
    return Bucket(
        time,
        mean=sum(piece.mean * piece.count for piece in pieces) / count,
        peak=max(piece.peak for piece in pieces),
        count=count,
    )
