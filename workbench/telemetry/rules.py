"""When a GPU counts as held and unused.

Pure. What counts is an unbroken stretch up to now: a burst of work years ago says nothing, and
neither does a time that nobody measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from workbench.telemetry.metric_buckets import MINUTE, Bucket

_LONGEST_GAP_S = 2 * MINUTE
"""Not measured for longer, it may have been in use: a daemon that was restarted is quicker."""


class WhenIdle(StrEnum):
    """What happens to a notebook whose GPUs are held and unused."""

    NOTIFY = "notify"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class IdlePolicy:
    """A GPU is idle once it was used no more than `floor` (a share, 0 to 1) for so long. `grace` is the
    time from the warning to the stop, where that is wanted."""

    after: timedelta
    floor: float
    action: WhenIdle = WhenIdle.NOTIFY
    grace: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class IdleGpus:
    """The GPUs of some work are held and unused."""

    since: datetime
    policy: IdlePolicy


def unused_since(minutes: Sequence[Bucket], *, now: int, floor: float) -> int | None:
    """Since when work is known not to have used its GPUs, in Unix seconds; None where it does, or
    where that is not known. The minute in which it stopped, or began to be measured, does not count.

    Args:
        minutes: Its utilisation, by the minute, oldest first.
        floor: A peak up to this is no use.
    """
    since, later = None, now
    for minute in reversed(minutes):
        end = minute.time + MINUTE
        if minute.peak > floor or later - end > _LONGEST_GAP_S:
            break
        since, later = min(end, now), minute.time
    return since


def is_idle(since: int | None, *, now: int, policy: IdlePolicy) -> bool:
    """Whether that is so long that its holder should hear of it."""
    return since is not None and now - since >= policy.after.total_seconds()


def is_over(idle: IdleGpus, *, now: int) -> bool:
    """Whether the work is to be stopped: its workspace wants that, and it was warned long enough ago."""
    policy = idle.policy
    idle_s = now - idle.since.timestamp()
    return policy.action is WhenIdle.STOP and idle_s >= (policy.after + policy.grace).total_seconds()
