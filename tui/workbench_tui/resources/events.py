"""What happened in the workspace, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import values
from workbench_tui.resource import Column, Item, Resource, Scope, state, text
from workbench_tui.tones import Tone, Word

_SHOWN = 500


async def latest(scope: Scope, number: int) -> Sequence[Item]:
    """The newest events of what the user may see."""
    answer = await scope.call("workbench", "ListEvents", WorkspaceId=scope.workspace_id or None, Limit=number)
    found: Sequence[Item] = answer["Events"]
    return found


async def load(scope: Scope) -> Sequence[Item]:
    """The newest events; `workbench events` has the ones before."""
    return await latest(scope, _SHOWN)


RESOURCE = Resource(
    name="events",
    title="Events",
    aliases=("event", "ev"),
    order=71,
    load=load,
    id=lambda event: str(event["Number"]),
    label=lambda event: f"{event['Name']} {values.clock(event['Time'])}",
    follows=frozenset({"notebook", "workspace", "idle-gpu", "gpu", "gpu-error"}),
    empty="Nothing happened yet.",
    columns=(
        Column(
            title="Time",
            read=lambda event: event["Time"],
            show=lambda time: Word(values.clock(time), Tone.QUIET),
            width=19,
        ),
        state("Level", lambda event: event["Level"], width=10),
        text("Object", "Name", width=14),
        text("Reason", "Reason", width=12, from_width=110, tone=Tone.QUIET),
        text("Message", "Message", width=0),
    ),
)
