"""The machine as a whole: what it has, what of it is asked for, and how it was used."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import values
from workbench_tui.measures import curves, history
from workbench_tui.resource import Item, Resource, Scope, Series, number, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

_CHARTS = {
    "cpus": ("CPU", "CPU", 1.0),
    "load": ("Load", "CPU", 1.0),
    "memory_bytes": ("Memory", "B", 1.0),
    "received_bytes_per_s": ("Received", "B/s", 1.0),
    "sent_bytes_per_s": ("Sent", "B/s", 1.0),
    "read_bytes_per_s": ("Read", "B/s", 1.0),
    "written_bytes_per_s": ("Written", "B/s", 1.0),
}


async def load(scope: Scope) -> Sequence[Item]:
    """The one machine there is."""
    status = await scope.call("workbench", "GetStatus")
    measured = await scope.offered("workbench", "GetLatestMetrics") or {}
    node = await scope.offered("workbench", "GetNode") or {}
    return [{**measured.get("Machine", {}), **node, **status, "Problems": measured.get("Problems", [])}]


async def charts(scope: Scope, item: Item, seconds: float) -> Sequence[Series]:
    """How it was used."""
    answer = await history(scope, seconds, Kind="node")
    whole = {**answer, "Series": [each for each in answer["Series"] if not each["Id"]]}
    return curves(whole, _CHARTS)


def facts(item: Item) -> Sequence[tuple[str, Sequence[tuple[str, Word]]]]:
    """What its page says."""
    return [
        (
            "Workbench",
            [
                ("Version", Word(item.get("Version", ""))),
                ("Endpoint", Word(item.get("Endpoint", ""), Tone.ACCENT)),
                ("Home", Word(item.get("Home", ""))),
                ("Started", Word(values.clock(item.get("StartedAt", "")))),
                ("Docker", _part(item.get("Engine") or {})),
                ("Gateway", _part(item.get("Gateway") or {})),
            ],
        ),
        (
            "Size",
            [
                ("CPU", Word(_of(item, "CpusUsed", "Cpus"))),
                ("Asked for", Word(_of(item, "CpusAsked", "CpusPromised"))),
                ("Memory", Word(_of(item, "MemoryUsedBytes", "MemoryBytes", size=True))),
                ("Memory asked for", Word(_of(item, "MemoryAskedBytes", "MemoryPromisedBytes", size=True))),
                ("GPUs", Word(str(item.get("Gpus", "")))),
                ("Why none", Word(item.get("GpuReason", ""), Tone.WARNING)),
                ("Driver", Word(item.get("Driver", ""))),
                ("CUDA", Word(item.get("Cuda", ""))),
            ],
        ),
        (
            "Disks",
            [
                (
                    disk.get("Holds") or disk.get("Name") or "",
                    Word(
                        say(
                            "{free} of {all} free, {path}",
                            free=values.size(disk["FreeBytes"]),
                            all=values.size(disk["TotalBytes"]),
                            path=disk["Path"],
                        )
                    ),
                )
                for disk in item.get("Disks") or ()
            ],
        ),
        ("Warnings", [("▲", Word(problem, Tone.WARNING)) for problem in item.get("Problems") or ()]),
    ]


def _part(part: Item) -> Word:
    if part.get("Answers"):
        return Word(f"● {say('answers')} {part.get('Version', '')}".strip(), Tone.GOOD)
    return Word(f"✖ {part.get('Message') or say('does not answer')}", Tone.BAD)


def _of(item: Item, part: str, whole: str, *, size: bool = False) -> str:
    show = values.size if size else values.number
    if whole not in item:
        return ""
    return say("{part} of {whole}", part=show(round(item.get(part) or 0, 2)), whole=show(item[whole]))


RESOURCE = Resource(
    name="machine",
    title="Machine",
    aliases=("node", "host"),
    order=22,
    load=load,
    id=lambda item: "machine",
    label=lambda item: say("Machine"),
    look_again_s=5,
    empty="Nothing is known of the machine.",
    columns=(
        text("Endpoint", "Endpoint", width=24),
        number("CPU", lambda item: item.get("CpusUsed"), width=6),
        number("of", lambda item: item.get("Cpus"), width=5),
        number("Memory", lambda item: item.get("MemoryUsedBytes"), width=9, show=values.size),
        text("Version", "Version", width=8),
        text("Home", "Home", width=0),
    ),
    facts=facts,
    charts=charts,
)
