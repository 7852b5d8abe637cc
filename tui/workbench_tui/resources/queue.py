"""The queue: what waits for a place on the machine, and why."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui.resource import Column, Item, Resource, Scope, age, number, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All that waits, in its turn."""
    answer = await scope.offered("workbench", "ListQueue")
    return answer["Queue"] if answer else ()


def _label(item: Item) -> str:
    return str(item.get("Name") or say("somebody else's"))


RESOURCE = Resource(
    name="queue",
    title="Queue",
    aliases=("q", "waiting"),
    order=21,
    load=load,
    id=lambda item: f"{item['Kind']} {item['Id'] or item['Position']}",  # what others queue has no id
    label=_label,
    follows=frozenset({"queue", "notebook"}),
    look_again_s=10,
    empty="Nothing waits.",
    columns=(
        number("#", lambda item: item.get("Position"), width=3),
        Column(title="Name", read=_label, show=Word, width=16),
        text("Kind", "Kind", width=9, from_width=140),
        text("Owner", "UserName", width=9, from_width=100),
        number("Priority", lambda item: item.get("Priority"), width=8, from_width=110),
        text("Wants", "Wants", width=28),
        age("Waits", "GmtCreateTime", from_width=100),
        text("Why", "Reason", width=0, tone=Tone.WARNING),
    ),
)
