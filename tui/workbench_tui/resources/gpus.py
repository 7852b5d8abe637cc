"""GPUs: what each does now, and who holds it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import values
from workbench_tui.commands import shell_command
from workbench_tui.measures import curves, history, holder
from workbench_tui.resource import (
    Action,
    Column,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Series,
    Values,
    number,
    state,
    state_word,
    text,
)
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All GPUs of the machine, with the processes on them as far as they are measured.

    Idle is what was unused for long, as the overview has it, not what happens to be unused now.
    """
    known = await scope.offered("workbench", "ListGpus")
    measured = (await scope.offered("workbench", "GetLatestMetrics") or {}).get("Gpus") or []
    if known is None:
        return measured
    by_uuid = {each.get("Uuid"): each for each in measured}
    idle = {each.get("Uuid") for each in measured if each.get("Idle")}
    return [{**by_uuid.get(each["Uuid"], {}), **each, "Idle": each["Uuid"] in idle} for each in known["Gpus"]]


async def cordon(scope: Scope, gpu: Item, given: Values) -> Outcome:
    """Give it no new work."""
    await scope.call("workbench", "CordonGpu", gpu=_id(gpu), Reason=given["reason"])
    return Outcome(said=say("{name} gets no new work; what holds it goes on.", name=_label(gpu)))


async def uncordon(scope: Scope, gpu: Item, given: Values) -> Outcome:
    """Give it work again."""
    await scope.call("workbench", "UncordonGpu", gpu=_id(gpu))
    return Outcome(said=say("{name} gets work again.", name=_label(gpu)))


async def charts(scope: Scope, gpu: Item, seconds: float) -> Sequence[Series]:
    """How much it was used."""
    return curves(await history(scope, seconds, Kind="gpu", Id=gpu["Uuid"]), _CHARTS)


def state_of(gpu: Item) -> str:
    """A GPU's state in one word."""
    if gpu.get("Xid"):
        return "Faulty"
    if gpu.get("Problem"):
        return "Lost"
    if gpu.get("Cordoned"):
        return "Cordoned"
    if gpu.get("Idle"):
        return "Idle"
    if gpu.get("Holders"):
        return "Held"
    return "Not free" if gpu.get("NotFree") else "Free"


def facts(gpu: Item) -> Sequence[tuple[str, Sequence[tuple[str, Word]]]]:
    """What its page says."""
    used, memory = gpu.get("MemoryUsedBytes"), gpu.get("MemoryBytes") or 0
    return [
        (
            "State",
            [
                ("State", state_word(state_of(gpu))),
                ("Problem", Word(gpu.get("Problem") or "", Tone.BAD)),
                ("Warning", Word(" ".join(gpu.get("Warnings") or ()), Tone.WARNING)),
                ("Not free", Word(gpu.get("NotFree") or "", Tone.WARNING)),
                ("Cordoned", Word(gpu.get("Cordoned") or "", Tone.WARNING)),
                ("Model", Word(gpu.get("Name") or "")),
                ("UUID", Word(gpu.get("Uuid") or "")),
            ],
        ),
        (
            "Use",
            [
                ("Use", Word("" if gpu.get("Utilisation") is None else f"{100 * gpu['Utilisation']:.0f}%")),
                ("Memory", Word(f"{values.size(used or 0)} / {values.size(memory)}")),
                (
                    "Temperature",
                    Word(f"{gpu['TemperatureCelsius']} °C" if "TemperatureCelsius" in gpu else ""),
                ),
                ("Power", Word(f"{gpu['PowerWatts']:.0f} W" if "PowerWatts" in gpu else "")),
            ],
        ),
        ("Held by", [(each["Kind"], Word(holder(each), Tone.ACCENT)) for each in gpu.get("Holders") or ()]),
        (
            "Processes",
            [
                (
                    str(each["Pid"]),
                    Word(
                        f"{values.size(each.get('MemoryBytes') or 0)}  "
                        + (holder(each["User"]) if each.get("User") else say("not of Workbench"))
                    ),
                )
                for each in gpu.get("Processes") or ()
            ],
        ),
    ]


def _id(gpu: Item) -> str:
    return str(gpu.get("Uuid") or gpu.get("Index"))


def _label(gpu: Item) -> str:
    return f"GPU {gpu.get('Index')}"


_CHARTS = {
    "utilisation": ("Use", "%", 100.0),
    "memory_bytes": ("Memory", "B", 1.0),
    "power_w": ("Power", "W", 1.0),
    "temperature_c": ("Temperature", "°C", 1.0),
}

RESOURCE = Resource(
    name="gpus",
    title="GPUs",
    aliases=("gpu", "cards"),
    order=20,
    load=load,
    id=_id,
    label=_label,
    follows=frozenset({"gpu", "notebook"}),
    look_again_s=5,
    empty="No GPU here; `workbench doctor` says why.",
    columns=(
        number("#", lambda gpu: gpu.get("Index"), width=2),
        state("State", state_of, width=10),
        number("Use", lambda gpu: gpu.get("Utilisation"), width=5, show=lambda share: f"{100 * share:.0f}%"),
        number("Memory", lambda gpu: gpu.get("MemoryUsedBytes"), width=9, show=values.size),
        number("of", lambda gpu: gpu.get("MemoryBytes"), width=9, show=values.size),
        number("°C", lambda gpu: gpu.get("TemperatureCelsius"), width=4),
        number("W", lambda gpu: gpu.get("PowerWatts"), width=4, show=lambda watts: f"{watts:.0f}"),
        text("Model", "Name", width=24, from_width=120),
        Column(
            title="Held by",
            read=lambda gpu: " ".join(holder(user) for user in gpu.get("Holders") or ()),
            show=lambda names: Word(names, Tone.ACCENT),
            width=0,
        ),
        text("UUID", "Uuid", width=40, from_width=170, tone=Tone.QUIET),
    ),
    facts=facts,
    charts=charts,
    actions=(
        Action(
            name="cordon",
            key="x",
            title="Cordon",
            help="Give it no new work; what holds it goes on.",
            operation="CordonGpu",
            run=cordon,
            form=(Field(name="reason", title="Reason", help="What others read; may be empty."),),
            blocked=lambda gpu: say("It is cordoned already.") if gpu.get("Cordoned") else "",
            command=lambda scope, item, given: shell_command(
                "gpu", "cordon", _id(item), reason=given["reason"] or None
            ),
        ),
        Action(
            name="uncordon",
            key="s",
            title="Uncordon",
            help="Give it work again.",
            operation="UncordonGpu",
            run=uncordon,
            blocked=lambda gpu: "" if gpu.get("Cordoned") or gpu.get("Xid") else say("It is not cordoned."),
            command=lambda scope, item, given: shell_command("gpu", "uncordon", _id(item)),
        ),
    ),
)
