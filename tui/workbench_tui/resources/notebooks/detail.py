"""What the pages of one notebook show: facts, log, events, curves."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from workbench.wire.operations import operation
from workbench_tui import values
from workbench_tui.measures import curves, history
from workbench_tui.resource import Item, Scope, Series, state_word
from workbench_tui.resources.notebooks.reading import gpu_share, gpus, name, preemptible
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

_LINES = 20_000
_CHARTS = {
    "cpus": ("CPU", "%", 100.0),
    "gpu_utilisation": ("GPU", "%", 100.0),
    "memory_bytes": ("Memory", "B", 1.0),
    "gpu_memory_bytes": ("GPU memory", "B", 1.0),
    "received_bytes_per_s": ("Received", "B/s", 1.0),
    "sent_bytes_per_s": ("Sent", "B/s", 1.0),
    "read_bytes_per_s": ("Read", "B/s", 1.0),
    "written_bytes_per_s": ("Written", "B/s", 1.0),
}
_EVENT = re.compile(r"(?P<Time>\S+) (?P<Level>\S+) (?P<Reason>\S*): (?P<Message>.*)", re.DOTALL)


async def logs(scope: Scope, item: Item) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Its log, and what comes."""
    follow = operation("workbench", "GetNotebookLogs")
    async with scope.client.stream(
        follow, instance_id=item["InstanceId"], Follow=True, Tail=_LINES
    ) as batches:
        async for lines in batches:
            yield lines


async def events(scope: Scope, item: Item) -> Sequence[Item]:
    """What happened to it, oldest first."""
    answer = await scope.call("dsw", "GetInstanceEvents", instance_id=item["InstanceId"])
    return [found.groupdict() for line in answer["Events"] if (found := _EVENT.fullmatch(line))]


async def charts(scope: Scope, item: Item, seconds: float) -> Sequence[Series]:
    """How much it used."""
    return curves(await history(scope, seconds, Kind="notebook", Id=item["InstanceId"]), _CHARTS)


def _gpus(item: Item) -> str:
    _, wish = gpus(item)
    return say("{size} of one card, shared", size=wish) if gpu_share(item) else wish


def facts(item: Item) -> Sequence[tuple[str, Sequence[tuple[str, Word]]]]:
    """What its page says."""
    resource, culler = item.get("RequestedResource") or {}, item.get("IdleInstanceCuller") or {}
    limit = culler.get("MaxIdleTimeInMinutes")
    shutdown = (item.get("InstanceShutdownTimer") or {}).get("DueTime", "")
    return [
        (
            "State",
            [
                ("State", state_word(item.get("Status", ""))),
                ("Reason", Word(item.get("ReasonMessage") or "")),
                ("Owner", Word(item.get("UserName") or "")),
                ("Workspace", Word(item.get("WorkspaceName") or "")),
                ("Visible to", Word(say(item.get("Accessibility") or ""))),
                ("Created", Word(values.clock(item.get("GmtCreateTime") or ""))),
                ("Running time", Word(values.duration((item.get("AccumulatedRunningTimeInMs") or 0) / 1000))),
                (
                    "Idle",
                    Word(
                        say("{idle} of {limit} min", idle=culler.get("IdleTimeInMinutes", 0), limit=limit)
                        if limit
                        else say("no limit")
                    ),
                ),
                ("Stops at", Word(values.clock(shutdown))),
            ],
        ),
        (
            "Size",
            [
                ("CPU", Word(resource.get("CPU") or "")),
                ("Memory", Word(f"{resource.get('Memory') or ''} GiB")),
                ("Shared memory", Word(f"{resource.get('SharedMemory') or ''} GiB")),
                ("GPU", Word(_gpus(item))),
                ("GPU model", Word(resource.get("GPUType") or "")),
                ("Pool", Word(item.get("ResourceName") or "")),
                ("Priority", Word(str(item.get("Priority") or ""))),
                ("Preemptible", Word(say("yes") if preemptible(item) else say("no"))),
                ("Spec", Word(item.get("EcsSpec") or "")),
                ("Image", Word(item.get("ImageUrl") or "")),
            ],
        ),
        (
            "Mounts",
            [
                (each["MountPath"], Word(f"{each['Uri']} ({each['MountAccess']})"))
                for each in item.get("Datasets") or ()
            ],
        ),
        (
            "Environment",
            [(name, Word(value)) for name, value in (item.get("EnvironmentVariables") or {}).items()],
        ),
        ("Tags", [(each["Key"], Word(each["Value"])) for each in item.get("Labels") or ()]),
        (
            "Reach it",
            [
                ("Address", Word(item.get("InstanceUrl") or "", Tone.ACCENT)),
                ("Command", Word(f"workbench notebook open {name(item)}", Tone.ACCENT)),
            ],
        ),
    ]
