"""Notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import checks
from workbench_tui.commands import shell_command
from workbench_tui.resource import (
    Action,
    Column,
    Field,
    Item,
    Resource,
    Scope,
    age,
    number,
    pages,
    state,
    text,
)
from workbench_tui.resources.notebooks import acts, detail
from workbench_tui.resources.notebooks.forms import FORM, SIZE, create_command, resize_command
from workbench_tui.resources.notebooks.reading import amount, gpus, idle_limit, name, tags
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

_AT_REST = ("Stopped", "Failed")


async def load(scope: Scope) -> Sequence[Item]:
    """All notebooks of the workspace, newest first."""
    return await pages(scope, "dsw", "ListInstances", "Instances", WorkspaceId=scope.workspace_id or None)


async def get(scope: Scope, notebook_id: str) -> Item:
    """One notebook."""
    return await scope.call("dsw", "GetInstance", instance_id=notebook_id)


RESOURCE = Resource(
    name="notebooks",
    title="Notebooks",
    aliases=("nb", "notebook", "dsw"),
    order=10,
    load=load,
    get=get,
    id=lambda item: str(item["InstanceId"]),
    label=name,
    owner_id=lambda item: item.get("UserId", ""),
    workspace_id=lambda item: item.get("WorkspaceId", ""),
    tags=tags,
    follows=frozenset({"notebook"}),
    empty="No notebook yet: press `n` to make one.",
    columns=(
        text("Name", "InstanceName", width=16),
        state("State", lambda item: item.get("Status", ""), width=12),
        text("Owner", "UserName", width=8),
        number("CPU", amount("CPU"), width=4),
        number("GiB", amount("Memory"), width=4),
        Column(title="GPU", read=gpus, show=lambda wish: Word(wish[1]), width=5, right=True),
        age("Age", "GmtCreateTime"),
        text("Image", "ImageName", width=24, from_width=130, tone=Tone.QUIET),
        text("Id", "InstanceId", width=21, from_width=160, tone=Tone.QUIET),
        text("Reason", "ReasonMessage", width=0, from_width=90, tone=Tone.QUIET),
    ),
    facts=detail.facts,
    logs=detail.logs,
    events=detail.events,
    charts=detail.charts,
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a notebook.",
            operation="CreateInstance",
            run=acts.create,
            form=FORM,
            alone=True,
            command=create_command,
        ),
        Action(
            name="start",
            key="s",
            title="Start",
            help="Start it.",
            operation="StartInstance",
            run=acts.start,
            blocked=lambda item: (
                "" if item["Status"] in _AT_REST else say("It is {state}.", state=say(item["Status"]))
            ),
            command=lambda scope, item, given: shell_command("notebook", "start", name(item)),
        ),
        Action(
            name="stop",
            key="x",
            title="Stop",
            help="Stop it; files and installed packages stay.",
            operation="StopInstance",
            run=acts.stop,
            loses=lambda item: say("What runs in {name} ends; its files and packages stay.", name=name(item)),
            blocked=lambda item: say("It does not run.") if item["Status"] in _AT_REST else "",
            command=lambda scope, item, given: shell_command("notebook", "stop", name(item)),
        ),
        Action(
            name="open",
            key="w",
            title="Open",
            help="Open it in the browser; the link is copied too.",
            operation="CreateNotebookTicket",
            run=acts.open_in_browser,
            blocked=lambda item: "" if item["Status"] == "Running" else say("It does not run."),
            command=lambda scope, item, given: shell_command("notebook", "open", name(item)),
        ),
        Action(
            name="shell",
            key="E",
            title="Shell",
            help="A shell in it; its end leads back here.",
            operation="OpenNotebookShell",
            run=acts.open_shell,
            single=True,
            takes_terminal=True,
            blocked=lambda item: "" if item["Status"] == "Running" else say("It does not run."),
            command=lambda scope, item, given: shell_command("notebook", "shell", name(item)),
        ),
        Action(
            name="resize",
            key="e",
            title="Resize",
            help="Give it another size from its next start.",
            operation="UpdateInstance",
            run=acts.resize,
            single=True,
            form=SIZE,
            shown=False,
            command=resize_command,
        ),
        Action(
            name="clone",
            key="C",
            title="Clone",
            help="Make another one like it.",
            operation="CreateInstance",
            run=acts.create,
            single=True,
            form=FORM,
            shown=False,
            command=create_command,
        ),
        Action(
            name="idle",
            key="i",
            title="Idle limit",
            help="Stop it after so long without use.",
            operation="CreateIdleInstanceCuller",
            run=acts.limit_idling,
            shown=False,
            form=(
                Field(
                    name="minutes",
                    title="Minutes",
                    help="Without use, until it is stopped; 0 lifts the limit.",
                    check=checks.whole,
                    needed=True,
                    start=lambda item: str(
                        (item.get("IdleInstanceCuller") or {}).get("MaxIdleTimeInMinutes") or 60
                    ),
                ),
            ),
            command=lambda scope, item, given: shell_command(
                "notebook", "update", name(item), idle_minutes=given["minutes"] or None
            ),
        ),
        Action(
            name="snooze",
            key="z",
            title="Snooze",
            help="Let it be idle for as long again as its limit says.",
            operation="CreateIdleInstanceCuller",
            run=acts.snooze,
            shown=False,
            blocked=lambda item: "" if idle_limit(item) else say("It has no idle limit."),
            command=lambda scope, item, given: shell_command("notebook", "snooze", name(item)),
        ),
        Action(
            name="revoke",
            key="R",
            title="Revoke access",
            help="Let nobody in any more by a link, a browser or a token of before.",
            operation="RevokeNotebookAccess",
            run=acts.revoke,
            loses=lambda item: say("Whoever has {name} open has to ask for a new link.", name=name(item)),
            shown=False,
            command=lambda scope, item, given: shell_command("notebook", "revoke", name(item)),
        ),
        Action(
            name="delete",
            key="D",
            title="Delete",
            help="Delete it; its owner's files stay.",
            operation="DeleteInstance",
            run=acts.delete,
            loses=lambda item: say(
                "{name} and the packages installed in it are lost; its owner's files stay.", name=name(item)
            ),
            shown=False,
            command=lambda scope, item, given: shell_command("notebook", "delete", name(item)),
        ),
    ),
)
