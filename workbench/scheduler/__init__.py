"""Who gets a place on this machine, who waits, and why."""

from workbench.scheduler.passes import Outcome, Overcommit, machine_now, schedule
from workbench.scheduler.queue import PASS, Granted, Waiting, ask, give_back, placement, requeue
from workbench.scheduler.records import MIGRATIONS
from workbench.scheduler.requests import Grant, Need, Request, Share, Slice, Whole

__all__ = [
    "MIGRATIONS",
    "PASS",
    "Grant",
    "Granted",
    "Need",
    "Outcome",
    "Overcommit",
    "Request",
    "Share",
    "Slice",
    "Waiting",
    "Whole",
    "ask",
    "give_back",
    "machine_now",
    "placement",
    "requeue",
    "schedule",
]
