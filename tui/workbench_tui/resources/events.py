"""What happened to the workspace's notebooks, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from workbench.client import ClientError
from workbench_tui import values
from workbench_tui.resource import Column, Item, Resource, Scope, state, text
from workbench_tui.resources import notebooks
from workbench_tui.tones import Tone, Word

_OBJECTS = 30
"""Each is asked for its own events; the newest objects are those one looks for."""


async def load(scope: Scope) -> Sequence[Item]:
    """The events of the newest notebooks."""
    found = (await notebooks.load(scope))[:_OBJECTS]
    of_each = await asyncio.gather(*(_of(scope, item) for item in found))
    return sorted(
        (event for events in of_each for event in events), key=lambda each: each["Time"], reverse=True
    )


async def _of(scope: Scope, item: Item) -> Sequence[Item]:
    try:
        events = await notebooks.events(scope, item)
    except ClientError:
        return []  # gone meanwhile, or somebody else's
    return [
        {**each, "Object": item["InstanceName"], "Id": f"{item['InstanceId']} {number}"}
        for number, each in enumerate(events)
    ]


RESOURCE = Resource(
    name="events",
    title="Events",
    aliases=("event", "ev"),
    order=71,
    load=load,
    id=lambda event: str(event["Id"]),
    label=lambda event: f"{event['Object']} {values.clock(event['Time'])}",
    follows=frozenset({"notebook"}),
    empty="Nothing happened yet.",
    columns=(
        Column(
            title="Time",
            read=lambda event: event["Time"],
            show=lambda time: Word(values.clock(time), Tone.QUIET),
            width=19,
        ),
        state("Level", lambda event: event["Level"], width=10),
        text("Object", "Object", width=14),
        text("Reason", "Reason", width=12, from_width=110, tone=Tone.QUIET),
        text("Message", "Message", width=0),
    ),
)
