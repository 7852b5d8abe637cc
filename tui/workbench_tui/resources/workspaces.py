"""Workspaces."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui.commands import shell_command
from workbench_tui.resource import (
    Action,
    Column,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Values,
    age,
    pages,
    text,
)
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All workspaces that the caller is in."""
    return await pages(scope, "aiworkspace", "ListWorkspaces", "Workspaces")


async def find(scope: Scope, wanted: str) -> Item | None:
    """The one of this name or id, however many there are; None where the caller is in none such."""
    by_name = await pages(scope, "aiworkspace", "ListWorkspaces", "Workspaces", WorkspaceName=wanted)
    by_id = await pages(scope, "aiworkspace", "ListWorkspaces", "Workspaces", WorkspaceIds=wanted)
    found = [*by_name, *by_id]
    return next((each for each in found if wanted in (each["WorkspaceName"], each["WorkspaceId"])), None)


async def default(scope: Scope) -> Item:
    """Where who asks for none is; nothing for who is in none."""
    found = await load(scope)
    return next((each for each in found if each.get("IsDefault")), found[0] if found else {})


async def use(scope: Scope, item: Item, given: Values) -> Outcome:
    """Look at it from now on."""
    return Outcome(said=say("You look at {name} now.", name=_name(item)), workspace=item["WorkspaceId"])


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Make one."""
    await scope.call(
        "aiworkspace",
        "CreateWorkspace",
        WorkspaceName=given["name"],
        DisplayName=given["display"] or given["name"],
        Description=given["description"],
        EnvTypes=["prod"],
    )
    return Outcome(said=say("Workspace {name} is there; you own it.", name=given["name"]))


async def change(scope: Scope, item: Item, given: Values) -> Outcome:
    """Give it another name or description."""
    await scope.call(
        "aiworkspace",
        "UpdateWorkspace",
        workspace_id=item["WorkspaceId"],
        DisplayName=given["display"],
        Description=given["description"],
    )
    return Outcome(said=say("{name} is changed.", name=_name(item)))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Delete it."""
    await scope.call("aiworkspace", "DeleteWorkspace", workspace_id=item["WorkspaceId"])
    return Outcome(said=say("{name} is deleted; its files stay.", name=_name(item)))


def _name(item: Item) -> str:
    return str(item.get("WorkspaceName") or item["WorkspaceId"])


_ABOUT = (
    Field(name="display", title="Shown as", start=lambda item: item.get("DisplayName") or ""),
    Field(name="description", title="Description", start=lambda item: item.get("Description") or ""),
)

RESOURCE = Resource(
    name="workspaces",
    title="Workspaces",
    aliases=("ws", "workspace"),
    order=40,
    load=load,
    id=lambda item: str(item["WorkspaceId"]),
    workspace_id=lambda item: str(item["WorkspaceId"]),
    label=_name,
    follows=frozenset({"workspace"}),
    empty="You are in no workspace yet: press `n` to make one.",
    columns=(
        text("Name", "WorkspaceName", width=20),
        text("Shown as", "DisplayName", width=16, from_width=90),
        Column(
            title="Default",
            read=lambda item: bool(item.get("IsDefault")),
            show=lambda default: Word("★" if default else "", Tone.ACCENT),
            width=7,
        ),
        Column(
            title="Administrators",
            read=lambda item: ", ".join(item.get("AdminNames") or ()),
            show=Word,
            width=16,
        ),
        age("Age", "GmtCreateTime"),
        text("Description", "Description", width=0, from_width=100, tone=Tone.QUIET),
    ),
    actions=(
        Action(
            name="use",
            key="u",
            title="Use",
            help="Look at this workspace from now on.",
            operation="GetWorkspace",
            changes=False,
            run=use,
            single=True,
        ),
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a workspace; you own it.",
            operation="CreateWorkspace",
            run=create,
            alone=True,
            form=(Field(name="name", title="Name", needed=True), *_ABOUT),
            command=lambda scope, item, given: shell_command(
                "workspace",
                "create",
                given["name"],
                display_name=given["display"] or None,
                description=given["description"] or None,
            ),
        ),
        Action(
            name="change",
            key="e",
            title="Change",
            help="Give it another name or description.",
            operation="UpdateWorkspace",
            run=change,
            single=True,
            form=_ABOUT,
            command=lambda scope, item, given: shell_command(
                "workspace",
                "update",
                _name(item),
                display_name=given["display"],
                description=given["description"],
            ),
        ),
        Action(
            name="delete",
            key="D",
            title="Delete",
            help="Delete it; the files in it stay until they are purged.",
            operation="DeleteWorkspace",
            run=delete,
            loses=lambda item: say(
                "{name}, its members and every stopped notebook in it are lost; files stay.", name=_name(item)
            ),
            blocked=lambda item: say("The default workspace stays.") if item.get("IsDefault") else "",
            shown=False,
            command=lambda scope, item, given: shell_command("workspace", "delete", _name(item)),
        ),
    ),
)
