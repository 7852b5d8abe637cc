"""Roles, and what each allows."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui.resource import Item, Resource, Scope, number, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All roles, each with what it allows on one's own and on others' things."""
    answer = await scope.call("workbench", "ListRoles")
    return [
        {
            "Name": role,
            "About": say(_ABOUT.get(role, "")),
            "Own": sorted({each["Operation"] for each in answer["Permissions"] if role in each["Own"]}),
            "Others": sorted({each["Operation"] for each in answer["Permissions"] if role in each["Others"]}),
        }
        for role in answer["Roles"]
    ]


_ABOUT = {
    "PAI.WorkspaceOwner": "Made the workspace; appoints administrators.",
    "PAI.WorkspaceAdmin": "Manages the workspace, its members and everything in it.",
    "PAI.AlgoDeveloper": "Makes and runs things; changes and deletes their own.",
    "PAI.AlgoOperator": "Keeps running what others made.",
    "PAI.LabelManager": "Manages labelling.",
    "PAI.MaxComputeDeveloper": "Works with table data.",
    "PAI.WorkspaceGuest": "Reads.",
}

RESOURCE = Resource(
    name="roles",
    title="Roles",
    aliases=("role",),
    order=42,
    load=load,
    id=lambda role: str(role["Name"]),
    label=lambda role: str(role["Name"]),
    look_again_s=3600,
    empty="No role is known.",
    columns=(
        text("Name", "Name", width=24),
        number("On one's own", lambda role: len(role["Own"]), width=12),
        number("On others'", lambda role: len(role["Others"]), width=10),
        text("What it is for", "About", width=0, tone=Tone.QUIET),
    ),
    facts=lambda role: [
        ("On everybody's", [(name, Word("●", Tone.GOOD)) for name in role["Others"]]),
        (
            "Only on one's own",
            [(name, Word("◐", Tone.WARNING)) for name in role["Own"] if name not in role["Others"]],
        ),
    ],
)
