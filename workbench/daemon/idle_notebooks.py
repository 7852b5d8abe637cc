"""Tells notebooks when their containers last did something, by what was measured of them.

A kernel that is at rest says nothing of a program that a terminal started, nor of training that
a kernel started and left. So a container that uses more of the CPUs or of its GPUs than
the notebook's floors is in use; one that was not measured for a while may have been. And so is one
to which somebody sent something through the gateway: an open page only reads.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from workbench import notebooks
from workbench.errors import WorkbenchError
from workbench.notebooks import IdleLimit
from workbench.parts import Parts
from workbench.telemetry.metric_buckets import MINUTE, Bucket
from workbench.telemetry.metric_store import MetricStore, Selection
from workbench.telemetry.readings import PodReading, Snapshot
from workbench.telemetry.rules import unused_since

log = logging.getLogger(__name__)

_LOOKED_BACK_S = 5 * MINUTE


def look(parts: Parts, store: MetricStore, snapshot: Snapshot) -> None:
    """Once a minute: say of each notebook that runs when it was last in use. What is not seen to be
    unused is not stopped."""
    with parts.store.reading() as db:
        floors = notebooks.idle_floors(db)
    inputs = parts.gateway.inputs()
    for pod in snapshot.pods:
        if pod.kind != notebooks.KIND or pod.id not in floors:
            continue
        try:
            used = _last_use(store, pod, floors[pod.id], int(snapshot.time.timestamp()))
            known = [each for each in (used, inputs.get(pod.id)) if each]
            notebooks.note_use(parts, pod.id, max(known, default=None))
        except WorkbenchError as error:
            log.warning("use not noted kind=notebook id=%s reason=%s", pod.id, error)


def _last_use(store: MetricStore, pod: PodReading, floors: IdleLimit, now: int) -> datetime | None:
    """When a container last used more than its floors; None where that is longer ago than is looked."""
    cpus = [replace(each, peak=each.mean) for each in _minutes(store, pod, "cpus", now)]
    quiet = [unused_since(cpus, now=now, floor=floors.cpu_percent / 100)]
    if pod.cards:
        # Measured as the average of its cards: one that is busy among many is use all the same.
        floor = floors.gpu_percent / 100 / len(pod.cards)
        quiet.append(unused_since(_minutes(store, pod, "gpu_utilisation", now), now=now, floor=floor))
    latest = max(now if since is None else since for since in quiet)
    begin = now - _LOOKED_BACK_S
    return None if latest <= begin + MINUTE else datetime.fromtimestamp(latest, UTC)


def _minutes(store: MetricStore, pod: PodReading, metric: str, now: int) -> Sequence[Bucket]:
    selection = Selection(name=metric, kind=pod.kind, id=pod.id, pod=pod.pod)
    _, found = store.query(selection, since=now - _LOOKED_BACK_S, until=now, step_s=MINUTE, now=now)
    return next(iter(found.values()), [])
