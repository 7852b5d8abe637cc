"""Images that Workbench builds."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import values
from workbench_tui.commands import shell_command
from workbench_tui.resource import Action, Item, Outcome, Resource, Scope, Values, age, number, state, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone


async def load(scope: Scope) -> Sequence[Item]:
    """All built-in images."""
    found: Sequence[Item] = (await scope.call("workbench", "ListBuiltInImages"))["Images"]
    return found


async def build(scope: Scope, item: Item, given: Values) -> Outcome:
    """See to it that it is there."""
    await scope.call("workbench", "BuildImage", name=item["Name"])
    return Outcome(said=say("{name} is being built; you can go on.", name=item["Name"]))


RESOURCE = Resource(
    name="images",
    title="Images",
    aliases=("img", "image"),
    order=15,
    load=load,
    id=lambda item: str(item["Name"]),
    label=lambda item: str(item["Name"]),
    follows=frozenset({"image"}),
    empty="No image is known.",
    columns=(
        text("Name", "Name", width=16),
        state("State", lambda item: item.get("State", ""), width=12),
        number("Size", lambda item: item.get("SizeBytes") or None, width=9, show=values.size),
        age("Age", "CreatedAt"),
        text("Reference", "Reference", width=40, from_width=120, tone=Tone.QUIET),
        text("Progress", "Progress", width=0),
    ),
    actions=(
        Action(
            name="build",
            key="b",
            title="Build",
            help="Build it now, unless it is there.",
            operation="BuildImage",
            run=build,
            blocked=lambda item: say("It is there already.") if item["State"] == "Present" else "",
            command=lambda scope, item, given: shell_command("images", "build", item["Name"]),
        ),
    ),
)
