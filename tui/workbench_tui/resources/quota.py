"""Quotas of workspaces, and what is used of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench_tui import checks, values
from workbench_tui.commands import shell_command
from workbench_tui.resource import Action, Column, Field, Item, Outcome, Resource, Scope, Values, pages, text
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

_OPTIONS = {
    "Cpus": "cpus",
    "MemoryBytes": "memory",
    "Gpus": "gpus",
    "Notebooks": "notebooks",
    "Jobs": "jobs",
    "Services": "services",
    "DiskBytes": "disk",
}
_SIZES = ("MemoryBytes", "DiskBytes")


async def load(scope: Scope) -> Sequence[Item]:
    """The quota of each workspace that the caller is in."""
    found = await pages(scope, "aiworkspace", "ListWorkspaces", "Workspaces")
    return [
        {
            "WorkspaceId": each["WorkspaceId"],
            "WorkspaceName": each["WorkspaceName"],
            **await scope.call("workbench", "GetWorkspaceQuota", workspace_id=each["WorkspaceId"]),
        }
        for each in found
    ]


async def change(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set it, as a whole."""
    limits = {name: _amount(name, value) for name, value in given.items() if value}
    await scope.call("workbench", "UpdateWorkspaceQuota", workspace_id=item["WorkspaceId"], Quota=limits)
    return Outcome(said=say("{name} has its new quota.", name=item["WorkspaceName"]))


def _command(scope: Scope, item: Item, given: Values) -> str:
    limits = {option: given[name] or None for name, option in _OPTIONS.items()}
    return shell_command("workspace", "quota", item["WorkspaceName"], unlimited=True, **limits)


def _amount(name: str, value: str) -> float | int:
    if name in _SIZES:
        return int(float(value) * 2**30)
    return float(value) if name in ("Cpus", "Gpus") else int(value)


def _start(name: str) -> Callable[[Item], str]:
    def start(item: Item) -> str:
        limit = (item.get("Quota") or {}).get(name)
        if limit is None:
            return ""
        return values.number(limit / 2**30 if name in _SIZES else limit)

    return start


def _column(title: str, name: str, width: int, from_width: int = 0) -> Column:
    show = values.size if name in _SIZES else values.number

    def read(item: Item) -> tuple[float, float]:
        limit = (item.get("Quota") or {}).get(name)
        return (item.get("Used") or {}).get(name) or 0.0, -1.0 if limit is None else limit

    def said(pair: tuple[float, float]) -> Word:
        used, limit = pair
        if limit < 0:
            return Word(f"{show(used)}/∞", Tone.QUIET)
        return Word(f"{show(used)}/{show(limit)}", Tone.WARNING if used >= limit else Tone.PLAIN)

    return Column(title=title, read=read, show=said, width=width, from_width=from_width, right=True)


def _field(name: str, title: str, check: Callable[[str], str]) -> Field:
    return Field(name=name, title=title, check=check, start=_start(name))


RESOURCE = Resource(
    name="quota",
    title="Quotas",
    aliases=("quotas", "limits"),
    order=61,
    load=load,
    id=lambda item: str(item["WorkspaceId"]),
    workspace_id=lambda item: str(item["WorkspaceId"]),
    label=lambda item: str(item["WorkspaceName"]),
    follows=frozenset({"notebook", "workspace"}),
    empty="You are in no workspace yet.",
    columns=(
        text("Workspace", "WorkspaceName", width=18),
        _column("CPU", "Cpus", 9),
        _column("Memory", "MemoryBytes", 17),
        _column("GPU", "Gpus", 7),
        _column("Notebooks", "Notebooks", 9),
        _column("Jobs", "Jobs", 7, 100),
        _column("Services", "Services", 8, 100),
        _column("Disk", "DiskBytes", 17, 120),
    ),
    actions=(
        Action(
            name="change",
            key="e",
            title="Change",
            help="Set what may be used; a field left empty has no limit.",
            operation="UpdateWorkspaceQuota",
            run=change,
            single=True,
            form=(
                _field("Cpus", "CPU", checks.amount),
                _field("MemoryBytes", "Memory, GiB", checks.amount),
                _field("Gpus", "GPU", checks.amount),
                _field("Notebooks", "Notebooks", checks.whole),
                _field("Jobs", "Jobs", checks.whole),
                _field("Services", "Services", checks.whole),
                _field("DiskBytes", "Disk, GiB", checks.amount),
            ),
            command=_command,
        ),
    ),
)
