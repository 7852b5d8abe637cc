"""Metrics over HTTP: the latest, over time, PAI's of one notebook, and Prometheus' text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from workbench import notebooks, workspaces
from workbench.daemon import compute, metrics_views
from workbench.daemon.kinds import RESIDENTS
from workbench.daemon.measuring import Measuring
from workbench.errors import InvalidInput, Unavailable
from workbench.parts import Handler, Parts, Route
from workbench.telemetry import exposition
from workbench.telemetry.metric_buckets import MINUTE, Bucket, aligned
from workbench.telemetry.metric_store import Selection
from workbench.telemetry.readings import Snapshot
from workbench.telemetry.series import GPU, METRICS, NODE, Series
from workbench.wire.call import Call, Text
from workbench.wire.operations import operation
from workbench.wire.times import from_wire

Answer = Mapping[str, Any]

_USUAL_BUCKETS = 300
_MOST_BUCKETS = 11_000
_USUAL_RANGE = timedelta(hours=1)
_USUAL_STEP_MINUTES = 5
_LONGEST_STEP_S = 366 * 24 * 3600
_FIRST_YEAR = 2000

_OF_PAI = {
    "CpuCoreUsage": "cpus",
    "MemoryUsage": "memory_bytes",
    "GpuCoreUsage": "gpu_utilisation",
    "GpuMemoryUsage": "gpu_memory_bytes",
    "NetworkInputRate": "received_bytes_per_s",
    "NetworkOutputRate": "sent_bytes_per_s",
    "DiskReadRate": "read_bytes_per_s",
    "DiskWriteRate": "written_bytes_per_s",
}


class NothingMeasured(Unavailable):
    """The daemon has only just started; the first look is a moment away."""

    code = "NothingMeasuredYet"


def routes(measuring: Measuring) -> tuple[Route, ...]:
    """The operations on what is measured."""

    def latest(parts: Parts, call: Call) -> Answer:
        snapshot = _latest(measuring)
        problems = [measuring.store.problem, measuring.pods.stale]
        return {
            "SampleSeconds": parts.settings.sample_s,
            "Problems": [each for each in problems if each],
            "GpuReason": snapshot.inventory.graphics.reason,
            **metrics_views.latest(
                snapshot, measuring.idle.flagged, compute.kept_back(parts), _shown(parts, call)
            ),
        }

    def query(parts: Parts, call: Call) -> Answer:
        shown = _shown(parts, call)
        step, since, until, found = _query(parts, measuring, call.fields, _selection(call.fields))
        times = list(range(since, until + 1, step))
        return {
            "Step": step,
            "Times": times,
            "Series": [
                _series(series, buckets, times)
                for series, buckets in found.items()
                if series.kind in (NODE, GPU) or shown(series.id, series.workspace_id, series.user_id)
            ],
        }

    def scrape(parts: Parts, call: Call) -> Text:
        shown = _shown(parts, call)
        content = exposition.expose(
            _latest(measuring), lambda pod: shown(pod.id, pod.owner.workspace_id, pod.owner.user_id)
        )
        return Text(content, exposition.MEDIA_TYPE)

    def of_notebook(parts: Parts, call: Call) -> Answer:
        with parts.store.reading() as db:
            notebook = notebooks.permitted(db, call)
        asked = call.fields.get("MetricType", "")
        if asked not in _OF_PAI:
            raise InvalidInput(f"MetricType is {asked!r}; {', '.join(_OF_PAI)} is wanted.")
        full = {
            "CpuCoreUsage": notebook.cpus,
            "MemoryUsage": notebook.memory_bytes,
            "GpuCoreUsage": 1,
            "GpuMemoryUsage": _gpu_memory(measuring.latest, notebook.id),
        }.get(asked)
        fields = {
            "Since": call.fields.get("StartTime"),
            "Until": call.fields.get("EndTime"),
            "Step": _minutes(call.fields.get("TimeStep", "")) * MINUTE,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        selection = Selection(name=_OF_PAI[asked], kind=notebooks.KIND, id=notebook.id)
        _, _, _, found = _query(parts, measuring, given, selection)
        return {
            "InstanceId": notebook.id,
            "PodMetrics": [
                {
                    "PodId": f"{notebook.id}-{series.pod}",
                    "Metrics": [
                        {"Time": each.time, "Value": each.mean * 100 / full if full else each.mean}
                        for each in buckets
                    ],
                }
                for series, buckets in found.items()
            ],
        }

    ours: Mapping[str, Handler] = {
        "GetLatestMetrics": latest,
        "QueryMetrics": query,
        "ScrapeMetrics": scrape,
        "ScrapeMetricsHere": scrape,
    }
    return (
        *(Route(operation("workbench", name), answer) for name, answer in ours.items()),
        Route(operation("dsw", "GetInstanceMetrics"), of_notebook),
    )


def _latest(measuring: Measuring) -> Snapshot:
    if measuring.latest is None:
        raise NothingMeasured("Nothing has been measured yet.", hint="Try again in a moment.")
    return measuring.latest


def _shown(parts: Parts, call: Call) -> workspaces.Knows:
    with parts.store.reading() as db:
        return workspaces.knows(db, call.caller, RESIDENTS)


def _selection(fields: Mapping[str, Any]) -> Selection:
    name = fields.get("Metric", "")
    if name and name not in METRICS:
        raise InvalidInput(f"Metric is {name!r}; one of {', '.join(METRICS)} is wanted.")
    return Selection(
        name=name,
        kind=fields.get("Kind", ""),
        id=fields.get("Id", ""),
        pod=fields.get("Pod", ""),
        workspace_id=fields.get("WorkspaceId", ""),
        user_id=fields.get("UserId", ""),
    )


def _query(
    parts: Parts, measuring: Measuring, fields: Mapping[str, Any], selection: Selection
) -> tuple[int, int, int, Mapping[Series, list[Bucket]]]:
    """The step, the first and the last time, and what was found."""
    now = parts.now()
    until = _moment(fields, "Until", now)
    since = _moment(fields, "Since", until - _USUAL_RANGE)
    length_s = int((until - since).total_seconds())
    step = fields.get("Step", max(int(parts.settings.sample_s), -(-length_s // _USUAL_BUCKETS), 1))
    if length_s < 0 or not 1 <= step <= _LONGEST_STEP_S:
        raise InvalidInput(
            f"From {since:%FT%TZ} to {until:%FT%TZ} in steps of {step} s: the end must not be before the "
            f"beginning, and a step is 1 to {_LONGEST_STEP_S} s."
        )
    if length_s / step > _MOST_BUCKETS:
        raise InvalidInput(f"{length_s // step} steps are too many; {_MOST_BUCKETS} are answered at most.")
    step, found = measuring.store.query(
        selection,
        since=int(since.timestamp()),
        until=int(until.timestamp()),
        step_s=step,
        now=int(now.timestamp()),
    )
    return step, int(since.timestamp()) // step * step, int(until.timestamp()), found


def _series(series: Series, buckets: list[Bucket], times: list[int]) -> dict[str, Any]:
    each = aligned(buckets, times)
    return {
        "Metric": series.name,
        "Kind": series.kind,
        "Id": series.id,
        "Pod": series.pod,
        "Mean": [bucket and bucket.mean for bucket in each],
        "Peak": [bucket and bucket.peak for bucket in each],
    }


def _moment(fields: Mapping[str, Any], name: str, otherwise: datetime) -> datetime:
    if name not in fields:
        return otherwise
    moment = from_wire(fields[name])
    if moment.year < _FIRST_YEAR:
        raise InvalidInput(f"{name} is {fields[name]}; nothing was measured before {_FIRST_YEAR}.")
    return moment


def _minutes(step: str) -> int:
    """PAI's `TimeStep`: `15m`, or a plain number of minutes."""
    if not step:
        return _USUAL_STEP_MINUTES
    found = re.fullmatch(r"(\d{1,6})m?", step)
    if not found or not int(found[1]):
        raise InvalidInput(f"TimeStep is {step!r}; minutes are wanted, like 15m.")
    return int(found[1])


def _gpu_memory(snapshot: Snapshot | None, notebook_id: str) -> int:
    """Memory of the GPUs that a notebook holds, 0 where that is not known."""
    cards = snapshot.cards if snapshot else ()
    return sum(card.gpu.memory_bytes for card in cards if (notebooks.KIND, notebook_id) in card.holders)
