"""When a notebook stops by itself: at a time, or after a while without use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.errors import Conflict
from workbench.notebooks import records, rules, saving
from workbench.notebooks.api import requests, views
from workbench.notebooks.api.instances import permitted
from workbench.notebooks.records import Status, Wanted
from workbench.notebooks.session import KIND
from workbench.parts import Parts, Route
from workbench.wire.call import Call
from workbench.wire.operations import operation

Answer = Mapping[str, Any]


class NotRunning(Conflict):
    """A shutdown time is set for a notebook that is to run."""

    code = "InstanceNotRunning"

    def __init__(self, name: str) -> None:
        super().__init__(f"Notebook {name!r} does not run.", hint="Start it, then set the time.")


def set_shutdown_timer(parts: Parts, call: Call) -> Answer:
    """CreateInstanceShutdownTimer; a second one replaces the first."""
    due = requests.shutdown_time(call.fields, parts.now())
    with parts.store.transaction() as db:
        notebook = permitted(db, call)
        if notebook.wanted is not Wanted.RUNNING:
            raise NotRunning(notebook.name)
        records.save(db, replace(notebook, shutdown_at=due, modified_at=parts.now()))
    parts.queue.wake(KIND, notebook.id)
    return {"InstanceId": notebook.id}


def get_shutdown_timer(parts: Parts, call: Call) -> Answer:
    """GetInstanceShutdownTimer."""
    with parts.store.reading() as db:
        return views.shutdown_timer(permitted(db, call), parts.now())


def delete_shutdown_timer(parts: Parts, call: Call) -> Answer:
    """DeleteInstanceShutdownTimer."""
    with parts.store.transaction() as db:
        notebook = permitted(db, call)
        records.save(db, replace(notebook, shutdown_at=None, modified_at=parts.now()))
    return {"InstanceId": notebook.id}


def set_idle_culler(parts: Parts, call: Call) -> Answer:
    """CreateIdleInstanceCuller; a second one replaces the first. It counts from now on, so that the
    same one once more lets an idle notebook be for as long again."""
    limit, now = requests.idle_limit(call.fields), parts.now()
    with parts.store.transaction() as db:
        notebook = replace(permitted(db, call), idle_limit=limit, modified_at=now)
        if notebook.status is Status.RUNNING:
            notebook = rules.idling(rules.used(notebook, now), now)
        notebook = saving.record(db, notebook)
    saving.pass_on(parts, notebook)
    return {"InstanceId": notebook.id}


def get_idle_culler(parts: Parts, call: Call) -> Answer:
    """GetIdleInstanceCuller."""
    with parts.store.reading() as db:
        return views.idle_culler(permitted(db, call), parts.now())


def delete_idle_culler(parts: Parts, call: Call) -> Answer:
    """DeleteIdleInstanceCuller."""
    with parts.store.transaction() as db:
        notebook = replace(permitted(db, call), idle_limit=None, modified_at=parts.now())
        if notebook.status is Status.RUNNING:
            notebook = rules.idling(notebook, parts.now())
        notebook = saving.record(db, notebook)
    saving.pass_on(parts, notebook)
    return {"InstanceId": notebook.id}


ROUTES = tuple(
    Route(operation("dsw", name), answer)
    for name, answer in {
        "CreateInstanceShutdownTimer": set_shutdown_timer,
        "GetInstanceShutdownTimer": get_shutdown_timer,
        "DeleteInstanceShutdownTimer": delete_shutdown_timer,
        "CreateIdleInstanceCuller": set_idle_culler,
        "GetIdleInstanceCuller": get_idle_culler,
        "DeleteIdleInstanceCuller": delete_idle_culler,
    }.items()
)
