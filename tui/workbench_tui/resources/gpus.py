"""GPUs: what each does now, and who holds it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.client import ClientError
from workbench_tui import values
from workbench_tui.measures import holder
from workbench_tui.resource import Column, Item, Resource, Scope, number, state, state_word, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All GPUs of the machine."""
    try:
        found: Sequence[Item] = (await scope.call("workbench", "GetLatestMetrics")).get("Gpus") or []
    except ClientError as error:
        if error.status in (404, 501, 503):
            return []
        raise
    return found


def state_of(gpu: Item) -> str:
    """A GPU's state in one word."""
    if gpu.get("Problem"):
        return "Lost"
    if gpu.get("Idle"):
        return "Idle"
    return "Held" if gpu.get("Holders") else "Free"


def facts(gpu: Item) -> Sequence[tuple[str, Sequence[tuple[str, Word]]]]:
    """What its page says."""
    used, memory = gpu.get("MemoryUsedBytes"), gpu.get("MemoryBytes") or 0
    return [
        (
            "State",
            [
                ("State", state_word(state_of(gpu))),
                ("Problem", Word(gpu.get("Problem") or "", Tone.BAD)),
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


RESOURCE = Resource(
    name="gpus",
    title="GPUs",
    aliases=("gpu", "cards"),
    order=20,
    load=load,
    id=lambda gpu: str(gpu.get("Uuid") or gpu.get("Index")),
    label=lambda gpu: f"GPU {gpu.get('Index')}",
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
)
