"""What Prometheus is told passes its own parser, and the dashboards ask for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from workbench.node import Disk, Gpu, GpuReading, GpuState, Inventory
from workbench.node.gpu_counters import GpuProcess, GpuSample
from workbench.node.group_counters import GroupCounters
from workbench.node.machine_counters import MachineCounters
from workbench.telemetry.exposition import METRICS, expose
from workbench.telemetry.readings import CardReading, Owner, PodCard, PodReading, Rates, Snapshot

DASHBOARDS = sorted((Path(__file__).resolve().parents[2] / "compose/observability/dashboards").glob("*.json"))
CARD = Gpu(index=0, uuid="GPU-a", name="A100", memory_bytes=40 << 30)
SAMPLE = GpuSample(
    uuid="GPU-a",
    utilisation=0.5,
    memory_used_bytes=1 << 30,
    memory_total_bytes=40 << 30,
    power_w=52.5,
    temperature_c=61,
    processes=(GpuProcess(pid=7, memory_bytes=1 << 30),),
)
POD = PodReading(
    kind="notebook",
    id="dsw-1",
    pod="main",
    owner=Owner(name='a "quoted"\\\nname', workspace_id="1", workspace_name="lab", user_name="ada"),
    counters=GroupCounters(
        cpu_seconds=1.5,
        memory_bytes=3,
        read_bytes=4,
        written_bytes=5,
        received_bytes=6,
        sent_bytes=7,
    ),
    rates=Rates(),
    cards=(PodCard(uuid="GPU-a", utilisation=0.5, memory_bytes=1 << 30),),
)
SNAPSHOT = Snapshot(
    time=datetime(2026, 1, 2, tzinfo=UTC),
    inventory=Inventory(
        cpus=2,
        memory_bytes=8 << 30,
        disks={"home": Disk(Path("/home"), 100, 40)},
        graphics=GpuReading(gpus=(CARD,)),
    ),
    machine=MachineCounters(
        cpu_seconds=10.5,
        memory_used_bytes=1,
        memory_total_bytes=2,
        load=0.5,
        read_bytes=1,
        written_bytes=2,
        received_bytes=3,
        sent_bytes=4,
    ),
    rates=Rates(),
    cards=(CardReading(gpu=CARD, state=GpuState(sample=SAMPLE), holders=(("notebook", "dsw-1"),)),),
    pods=(POD,),
)


def families(snapshot: Snapshot = SNAPSHOT, *, shown: bool = True) -> dict[str, Metric]:
    """What the official parser reads, by the names of the samples."""
    text = expose(snapshot, lambda pod: shown)
    return {
        sample.name: family for family in text_string_to_metric_families(text) for sample in family.samples
    }


def test_the_official_parser_reads_everything_with_its_labels() -> None:
    found = families()

    assert found.keys() == {metric.name for metric in METRICS}
    (cpu,) = found["workbench_pod_cpu_seconds_total"].samples
    assert cpu.value == 1.5
    assert cpu.labels == {
        "workspace": "lab",
        "user": "ada",
        "kind": "notebook",
        "id": "dsw-1",
        "name": 'a "quoted"\\\nname',
        "pod": "main",
    }


def test_counters_are_counters_and_everything_says_what_it_is() -> None:
    for name, family in families().items():
        assert (family.type == "counter") == name.endswith("_total"), name
        assert family.documentation.endswith("."), name


def test_a_gpu_that_hangs_shows_as_down_and_with_no_old_value() -> None:
    hanging = replace(SNAPSHOT.cards[0], state=GpuState(sample=SAMPLE, stale="It has not answered for 9 s."))

    found = families(replace(SNAPSHOT, cards=(hanging,)))

    assert [sample.value for sample in found["workbench_gpu_up"].samples] == [0]
    assert "workbench_gpu_utilisation_ratio" not in found


def test_pods_that_the_reader_may_not_know_of_are_left_out() -> None:
    assert not [name for name in families(shown=False) if name.startswith("workbench_pod_")]


def queries(panel: Any) -> Iterator[str]:
    """Every query in a dashboard, of panels and of variables."""
    if isinstance(panel, dict):
        for name, value in panel.items():
            if name == "expr" or (name == "query" and isinstance(value, str)):
                yield value
            else:
                yield from queries(value)
    elif isinstance(panel, list):
        for each in panel:
            yield from queries(each)


def test_there_are_the_five_views() -> None:
    assert {path.stem for path in DASHBOARDS} == {"cluster", "node", "user", "jobs", "job"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_only_for_what_is_exposed(path: Path) -> None:
    exposed = {
        sample.name: {label for each in family.samples for label in each.labels} | {"instance", "job"}
        for family in families().values()
        for sample in family.samples
    }
    for query in queries(json.loads(path.read_text())):
        names = set(re.findall(r"\bworkbench_\w+", query))
        assert names, query
        assert names <= exposed.keys(), query
        labels = {label for name in names for label in exposed[name]}
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query))
        for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query):
            used |= {label.strip() for label in grouped.split(",")}
        assert used <= labels, query
