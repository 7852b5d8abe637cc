"""Pools: parts of the machine that are set aside."""

from __future__ import annotations

from collections.abc import Sequence

from workbench_tui import checks, values
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
    number,
    pages,
    state,
    text,
)
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word


async def load(scope: Scope) -> Sequence[Item]:
    """All pools."""
    found: Sequence[Item] = (await scope.call("workbench", "ListPools"))["Pools"]
    return found


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set a part aside."""
    await scope.call("workbench", "CreatePool", Name=given["name"], **await _wanted(scope, given))
    return Outcome(said=say("Pool {name} is there.", name=given["name"]))


async def change(scope: Scope, item: Item, given: Values) -> Outcome:
    """Give it another size."""
    await scope.call("workbench", "UpdatePool", name=item["Name"], **await _wanted(scope, given))
    return Outcome(said=say("{name} is changed.", name=item["Name"]))


async def drain(scope: Scope, item: Item, given: Values) -> Outcome:
    """Let nothing new in."""
    await scope.call("workbench", "UpdatePool", name=item["Name"], Draining=True)
    return Outcome(said=say("{name} takes nothing new; what runs goes on.", name=item["Name"]))


async def open_again(scope: Scope, item: Item, given: Values) -> Outcome:
    """Let work in again."""
    await scope.call("workbench", "UpdatePool", name=item["Name"], Draining=False)
    return Outcome(said=say("{name} takes work again.", name=item["Name"]))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Give it back to the machine."""
    await scope.call("workbench", "DeletePool", name=item["Name"])
    return Outcome(said=say("{name} is deleted.", name=item["Name"]))


async def kinds(scope: Scope) -> Sequence[tuple[str, str]]:
    """Kinds of work."""
    return [("development", ""), ("training", ""), ("inference", "")]


async def workspaces(scope: Scope) -> Sequence[tuple[str, str]]:
    """Workspaces by name."""
    found = await pages(scope, "aiworkspace", "ListWorkspaces", "Workspaces")
    return [(each["WorkspaceName"], each["WorkspaceId"]) for each in found]


async def _wanted(scope: Scope, given: Values) -> dict[str, object]:
    ids = dict(await workspaces(scope)) if given["workspaces"] else {}
    return {
        "Description": given["description"],
        "Cpus": float(given["cpu"] or 0),
        "MemoryBytes": int(float(given["memory"] or 0) * 2**30),
        "Gpus": float(given["gpu"] or 0),
        "Kinds": given["kinds"].split(),
        "WorkspaceIds": [ids.get(each, each) for each in given["workspaces"].split()],
    }


def _create_command(scope: Scope, item: Item, given: Values) -> str:
    return shell_command(
        "pool",
        "create",
        given["name"],
        cpus=given["cpu"] or None,
        memory=given["memory"] or None,
        gpus=given["gpu"] or None,
        kind=given["kinds"].split(),
        description=given["description"] or None,
        workspace=given["workspaces"].split(),
    )


def _change_command(scope: Scope, item: Item, given: Values) -> str:
    name, before, after = item["Name"], item.get("WorkspaceIds") or (), given["workspaces"].split()
    update = shell_command(
        "pool",
        "update",
        name,
        cpus=given["cpu"] or "0",
        memory=given["memory"] or "0",
        gpus=given["gpu"] or "0",
        kind=given["kinds"].split() or ["any"],
        description=given["description"],
    )
    gone = [each for each in before if each not in after]
    new = [each for each in after if each not in before]
    unlink = [shell_command("pool", "unlink", name, *gone)] if gone else []
    link = [shell_command("pool", "link", name, *new)] if new else []
    return " && ".join([update, *unlink, *link])


def _of(used: str, whole: str, *, size: bool = False) -> Column:
    show = values.size if size else values.number
    title = {"Cpus": "CPU", "MemoryBytes": "Memory", "Gpus": "GPU"}[whole]
    return Column(
        title=title,
        read=lambda item: (item.get(used) or 0, item.get(whole) or 0),
        show=lambda pair: Word(f"{show(pair[0])}/{show(pair[1])}"),
        width=20 if size else 8,
        right=True,
    )


_FORM = (
    Field(name="description", title="Description", start=lambda item: item.get("Description") or ""),
    Field(name="cpu", title="CPU", check=checks.amount, start=lambda item: str(item.get("Cpus") or "")),
    Field(
        name="memory",
        title="Memory, GiB",
        check=checks.amount,
        start=lambda item: values.number((item.get("MemoryBytes") or 0) / 2**30) if item else "",
    ),
    Field(name="gpu", title="GPU", check=checks.amount, start=lambda item: str(item.get("Gpus") or "")),
    Field(
        name="kinds",
        title="Kinds",
        help="Left empty: every kind. Spaces between several.",
        options=kinds,
        several=True,
        start=lambda item: " ".join(item.get("Kinds") or ()),
    ),
    Field(
        name="workspaces",
        title="Workspaces",
        help="Only these use it; left empty: nobody. Spaces between several.",
        options=workspaces,
        several=True,
        start=lambda item: " ".join(item.get("WorkspaceIds") or ()),
    ),
)

RESOURCE = Resource(
    name="pools",
    title="Pools",
    aliases=("pool",),
    order=60,
    load=load,
    id=lambda item: str(item["Name"]),
    label=lambda item: str(item["Name"]),
    follows=frozenset({"pool", "notebook"}),
    empty="The machine is not divided: press `n` to set a part of it aside.",
    columns=(
        text("Name", "Name", width=16),
        state("State", lambda item: "Draining" if item.get("Draining") else "Enabled", width=12),
        _of("UsedCpus", "Cpus"),
        _of("UsedMemoryBytes", "MemoryBytes", size=True),
        _of("UsedGpus", "Gpus"),
        number("Runs", lambda item: len(item.get("Running") or ()), width=5, from_width=100),
        text("Description", "Description", width=0, from_width=100, tone=Tone.QUIET),
    ),
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Set a part of the machine aside.",
            operation="CreatePool",
            run=create,
            alone=True,
            form=(Field(name="name", title="Name", needed=True), *_FORM),
            command=_create_command,
        ),
        Action(
            name="change",
            key="e",
            title="Change",
            help="Give it another size, other kinds, other workspaces.",
            operation="UpdatePool",
            run=change,
            single=True,
            form=_FORM,
            command=_change_command,
        ),
        Action(
            name="drain",
            key="x",
            title="Drain",
            help="It takes nothing new; what runs goes on.",
            operation="UpdatePool",
            run=drain,
            loses=lambda item: say("{name} takes nothing new until it is opened again.", name=item["Name"]),
            blocked=lambda item: say("It drains already.") if item.get("Draining") else "",
            command=lambda scope, item, given: shell_command("pool", "drain", item["Name"]),
        ),
        Action(
            name="open",
            key="s",
            title="Open",
            help="It takes work again.",
            operation="UpdatePool",
            run=open_again,
            blocked=lambda item: "" if item.get("Draining") else say("It is open."),
            command=lambda scope, item, given: shell_command("pool", "resume", item["Name"]),
        ),
        Action(
            name="delete",
            key="D",
            title="Delete",
            help="Give it back to the machine.",
            operation="DeletePool",
            run=delete,
            loses=lambda item: say("{name} is lost; nothing may run in it.", name=item["Name"]),
            shown=False,
            command=lambda scope, item, given: shell_command("pool", "delete", item["Name"]),
        ),
    ),
)
