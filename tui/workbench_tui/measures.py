"""What is measured, from the daemon's answers to what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.wire.times import to_wire
from workbench_tui import values
from workbench_tui.resource import Scope, Series
from workbench_tui.texts import say
from workbench_tui.widgets.gpu_meter import GpuReading

_KEPT = 400
_RATES = (("↓", "ReceivedBytesPerSecond"), ("↑", "SentBytesPerSecond"))


@dataclass(frozen=True)
class Gauge:
    """One measured quantity: its past as shares of the whole, and now in words."""

    history: tuple[float, ...] = ()
    amount: str = ""


@dataclass(frozen=True)
class Gauges:
    """The machine: processor, memory, disk, network."""

    cpu: Gauge = field(default_factory=Gauge)
    memory: Gauge = field(default_factory=Gauge)
    disk: Gauge = field(default_factory=Gauge)
    network: Gauge = field(default_factory=Gauge)


class History:
    """The machine's values over time, the newest last."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {"cpus": [], "memory": [], "disk": [], "network": []}
        self._newest = ""

    def begin_with(self, answer: Mapping[str, Any]) -> None:
        """Take QueryMetrics' values of the machine, from before the dashboard was opened."""
        self._newest = ""  # what was added before this came is added anew, behind it
        self._values["disk"] = []
        by_name = {each["Metric"]: each["Mean"] for each in answer["Series"] if not each["Id"]}
        received, sent = (by_name.get(name, []) for name in ("received_bytes_per_s", "sent_bytes_per_s"))
        self._values["cpus"] = _known(by_name.get("cpus", []))
        self._values["memory"] = _known(by_name.get("memory_bytes", []))
        self._values["network"] = [
            (down or 0.0) + (up or 0.0) for down, up in zip(received, sent, strict=False) if down is not None
        ]

    def add(self, answer: Mapping[str, Any]) -> Gauges:
        """Take GetLatestMetrics' values, once however often they are seen; what to draw now."""
        machine = answer["Machine"]
        if answer["Time"] != self._newest:
            self._newest = answer["Time"]
            self._append(machine)
        rates = " ".join(f"{sign}{values.size(machine.get(name) or 0)}/s" for sign, name in _RATES)
        disk = _fullest(machine.get("Disks") or ())
        return Gauges(
            cpu=self._gauge("cpus", machine.get("Cpus") or 1),
            memory=self._gauge("memory", machine.get("MemoryBytes") or 1, size=True),
            disk=self._gauge("disk", disk["TotalBytes"] if disk else 1, size=True),
            network=Gauge(self._shares("network", max(*self._values["network"], 1e6)), rates),
        )

    def _append(self, machine: Mapping[str, Any]) -> None:
        disk = _fullest(machine.get("Disks") or ())
        used = disk["TotalBytes"] - disk["FreeBytes"] if disk else 0
        network = sum(machine.get(name) or 0.0 for _, name in _RATES)
        for name, value in (
            ("cpus", machine.get("CpusUsed") or 0.0),
            ("memory", float(machine.get("MemoryUsedBytes") or 0)),
            ("disk", float(used)),
            ("network", network),
        ):
            self._values[name] = [*self._values[name], value][-_KEPT:]

    def _gauge(self, name: str, whole: float, *, size: bool = False) -> Gauge:
        now = self._values[name][-1]
        of = values.size(whole) if size else f"{values.number(whole)} CPU"
        return Gauge(
            self._shares(name, whole), say("{share} of {whole}", share=values.share(now, whole), whole=of)
        )

    def _shares(self, name: str, whole: float) -> tuple[float, ...]:
        return tuple(value / whole for value in self._values[name])


def gpu_readings(answer: Mapping[str, Any]) -> list[GpuReading]:
    """The cards of GetLatestMetrics."""
    return [
        GpuReading(
            index=each.get("Index", number),
            name=each.get("Name", ""),
            utilisation=each.get("Utilisation"),
            memory_bytes=each.get("MemoryBytes") or 0,
            memory_used_bytes=each.get("MemoryUsedBytes"),
            power_w=each.get("PowerWatts"),
            temperature_c=each.get("TemperatureCelsius"),
            holder=" ".join(holder(user) for user in each.get("Holders") or ()),
            idle=bool(each.get("Idle")),
            cordoned=each.get("Cordoned") or "",
            not_free=each.get("NotFree") or "",
            problem=each.get("Problem") or each.get("Stale") or "",
        )
        for number, each in enumerate(answer.get("Gpus") or ())
    ]


async def history(scope: Scope, seconds: float, **of: str) -> Mapping[str, Any]:
    """QueryMetrics for the last so many seconds; nothing where nothing is measured."""
    since = to_wire(datetime.now(UTC) - timedelta(seconds=seconds))
    answer = await scope.offered("workbench", "QueryMetrics", Since=since, **of)
    return answer or {"Times": [], "Series": []}


def curves(answer: Mapping[str, Any], shown: Mapping[str, tuple[str, str, float]]) -> list[Series]:
    """The series of QueryMetrics, as charts draw them.

    Args:
        shown: By metric: its title, its unit, and what values are multiplied with for that.
    """
    times = answer["Times"]
    found = {each["Metric"]: each for each in answer["Series"]}
    return [
        Series(
            title=say(title),
            unit=unit,
            points=[
                (moment, value * factor)
                for moment, value in zip(times, found[name]["Mean"], strict=False)
                if value is not None
            ],
        )
        for name, (title, unit, factor) in shown.items()
        if name in found
    ]


def holder(user: Mapping[str, Any]) -> str:
    """Who uses a GPU and for what: `alice/train`. What others do is theirs, in one's own workspace too."""
    if not user.get("Name"):
        return say("somebody else")
    return "/".join(each for each in (user.get("UserName"), user["Name"]) if each)


def _known(points: Sequence[float | None]) -> list[float]:
    return [point for point in points if point is not None]


def _fullest(disks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return min(disks, key=lambda disk: disk["FreeBytes"] / (disk["TotalBytes"] or 1), default=None)
