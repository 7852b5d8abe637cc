"""Who gets a place on this machine, who waits, and why."""

from workbench.scheduler import faults
from workbench.scheduler.cards import Card, Machine, OnRecord, problem
from workbench.scheduler.faults import Fault
from workbench.scheduler.passes import Outcome, Overcommit, machine_now, schedule
from workbench.scheduler.portions import gpus_of
from workbench.scheduler.queue import (
    PASS,
    Granted,
    Waiting,
    ask,
    asked_for,
    give_back,
    placement,
    queue_now,
    rate,
    requeue,
    wants,
)
from workbench.scheduler.records import Entry, Holder, cordon, holders, name, on_record
from workbench.scheduler.requests import Grant, Key, Need, Request, Share, Slice, Whole
from workbench.scheduler.schema import MIGRATIONS

__all__ = [
    "MIGRATIONS",
    "PASS",
    "Card",
    "Entry",
    "Fault",
    "Grant",
    "Granted",
    "Holder",
    "Key",
    "Machine",
    "Need",
    "OnRecord",
    "Outcome",
    "Overcommit",
    "Request",
    "Share",
    "Slice",
    "Waiting",
    "Whole",
    "ask",
    "asked_for",
    "cordon",
    "faults",
    "give_back",
    "gpus_of",
    "holders",
    "machine_now",
    "name",
    "on_record",
    "placement",
    "problem",
    "queue_now",
    "rate",
    "requeue",
    "schedule",
    "wants",
]
