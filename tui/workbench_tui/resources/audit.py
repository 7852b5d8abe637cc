"""The audit log: who asked for what, from where, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import values
from workbench_tui.resource import Column, Item, Resource, Scope, number, text
from workbench_tui.tones import Tone, Word

_LINES = 500


async def load(scope: Scope) -> Sequence[Item]:
    """The newest entries, newest first."""
    found: Sequence[Item] = (await scope.call("workbench", "ListAuditEntries", Limit=_LINES))["Entries"]
    return found


def _status(status: int) -> Word:
    return Word(str(status), Tone.BAD if status >= 500 else Tone.WARNING if status >= 400 else Tone.GOOD)


RESOURCE = Resource(
    name="audit",
    title="Audit log",
    aliases=("log", "who"),
    order=70,
    load=load,
    id=lambda entry: str(entry["Number"]),
    label=lambda entry: f"{entry['Operation']} {entry['Number']}",
    look_again_s=10,
    empty="Nothing was asked for yet.",
    columns=(
        Column(
            title="Time",
            read=lambda entry: entry["Time"],
            show=lambda time: Word(values.clock(time), Tone.QUIET),
            width=19,
        ),
        text("User", "UserName", width=10),
        Column(title="Status", read=lambda entry: entry.get("Status") or 0, show=_status, width=6),
        text("Operation", "Operation", width=22),
        text("Kind", "ResourceType", width=10, from_width=100),
        text("Id", "ResourceId", width=0),
        text("Detail", "Detail", width=32, from_width=140),
        text("From", "Source", width=16, from_width=120, tone=Tone.QUIET),
        text("Code", "Code", width=18, from_width=150),
        number("#", lambda entry: entry["Number"], width=6, from_width=170),
    ),
)
