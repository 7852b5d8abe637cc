"""Notebooks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from workbench.client import ClientError
from workbench.wire.operations import operation
from workbench_tui import checks, values
from workbench_tui.measures import curves, history
from workbench_tui.resource import (
    Action,
    Field,
    Item,
    Outcome,
    Resource,
    Scope,
    Series,
    Values,
    age,
    number,
    pages,
    state,
    state_word,
    text,
)
from workbench_tui.texts import say
from workbench_tui.tones import Tone, Word

_AT_REST = ("Stopped", "Failed")
_LIMIT = ("MaxIdleTimeInMinutes", "CpuPercentThreshold", "GpuPercentThreshold")
_LINES = 20_000
_CHARTS = {
    "cpus": ("CPU", "%", 100.0),
    "gpu_utilisation": ("GPU", "%", 100.0),
    "memory_bytes": ("Memory", "B", 1.0),
    "gpu_memory_bytes": ("GPU memory", "B", 1.0),
    "received_bytes_per_s": ("Received", "B/s", 1.0),
    "sent_bytes_per_s": ("Sent", "B/s", 1.0),
    "read_bytes_per_s": ("Read", "B/s", 1.0),
    "written_bytes_per_s": ("Written", "B/s", 1.0),
}
_EVENT = re.compile(r"(?P<Time>\S+) (?P<Level>\S+) (?P<Reason>\S*): (?P<Message>.*)", re.DOTALL)


async def load(scope: Scope) -> Sequence[Item]:
    """All notebooks of the workspace, newest first."""
    return await pages(scope, "dsw", "ListInstances", "Instances", WorkspaceId=scope.workspace_id or None)


async def get(scope: Scope, notebook_id: str) -> Item:
    """One notebook."""
    return await scope.call("dsw", "GetInstance", instance_id=notebook_id)


async def create(scope: Scope, item: Item, given: Values) -> Outcome:
    """Ask for a notebook."""
    answer = await scope.call(
        "dsw", "CreateInstance", WorkspaceId=scope.workspace_id or None, **_wanted(given)
    )
    return Outcome(said=say("Notebook {name} is being made.", name=given["name"] or answer["InstanceId"]))


async def resize(scope: Scope, item: Item, given: Values) -> Outcome:
    """Change what it is given from its next start."""
    await scope.call("dsw", "UpdateInstance", instance_id=item["InstanceId"], **_wanted(given))
    return Outcome(said=say("{name} has its new size from its next start.", name=_name(item)))


async def start(scope: Scope, item: Item, given: Values) -> Outcome:
    """Start it."""
    await scope.call("dsw", "StartInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is starting.", name=_name(item)))


async def stop(scope: Scope, item: Item, given: Values) -> Outcome:
    """Stop it."""
    await scope.call("dsw", "StopInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is stopping. `s` starts it again.", name=_name(item)))


async def delete(scope: Scope, item: Item, given: Values) -> Outcome:
    """Delete it."""
    await scope.call("dsw", "DeleteInstance", instance_id=item["InstanceId"])
    return Outcome(said=say("{name} is being deleted.", name=_name(item)))


async def open_in_browser(scope: Scope, item: Item, given: Values) -> Outcome:
    """A link that lets one browser in."""
    answer = await scope.call("workbench", "CreateNotebookTicket", instance_id=item["InstanceId"])
    return Outcome(said=say("This link opens {name} once.", name=_name(item)), url=answer["Url"])


async def open_shell(scope: Scope, item: Item, given: Values) -> Outcome:
    """A shell in it, for as long as the user stays there."""
    return Outcome(program=("notebook", "shell", item["InstanceId"]))


async def limit_idling(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set or lift the idle limit."""
    if (minutes := int(given["minutes"])) == 0:
        await scope.call("dsw", "DeleteIdleInstanceCuller", instance_id=item["InstanceId"])
        return Outcome(said=say("{name} is not stopped for idling any more.", name=_name(item)))
    await scope.call(
        "dsw", "CreateIdleInstanceCuller", instance_id=item["InstanceId"], MaxIdleTimeInMinutes=minutes
    )
    return Outcome(
        said=say("{name} stops after {minutes} minutes without use.", name=_name(item), minutes=minutes)
    )


async def snooze(scope: Scope, item: Item, given: Values) -> Outcome:
    """Set the idle limit that it has once more, as it counts from then."""
    limit = {name: value for name, value in item["IdleInstanceCuller"].items() if name in _LIMIT}
    await scope.call("dsw", "CreateIdleInstanceCuller", instance_id=item["InstanceId"], **limit)
    return Outcome(
        said=say(
            "{name} is kept for {minutes} minutes more.",
            name=_name(item),
            minutes=limit["MaxIdleTimeInMinutes"],
        )
    )


async def logs(scope: Scope, item: Item) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """Its log, and what comes."""
    follow = operation("workbench", "GetNotebookLogs")
    async with scope.client.stream(
        follow, instance_id=item["InstanceId"], Follow=True, Tail=_LINES
    ) as batches:
        async for lines in batches:
            yield lines


async def events(scope: Scope, item: Item) -> Sequence[Item]:
    """What happened to it, oldest first."""
    answer = await scope.call("dsw", "GetInstanceEvents", instance_id=item["InstanceId"])
    return [found.groupdict() for line in answer["Events"] if (found := _EVENT.fullmatch(line))]


async def charts(scope: Scope, item: Item, seconds: float) -> Sequence[Series]:
    """How much it used."""
    return curves(await history(scope, seconds, Kind="notebook", Id=item["InstanceId"]), _CHARTS)


def facts(item: Item) -> Sequence[tuple[str, Sequence[tuple[str, Word]]]]:
    """What its page says."""
    resource, culler = item.get("RequestedResource") or {}, item.get("IdleInstanceCuller") or {}
    limit = culler.get("MaxIdleTimeInMinutes")
    shutdown = (item.get("InstanceShutdownTimer") or {}).get("DueTime", "")
    return [
        (
            "State",
            [
                ("State", state_word(item.get("Status", ""))),
                ("Reason", Word(item.get("ReasonMessage") or "")),
                ("Owner", Word(item.get("UserName") or "")),
                ("Workspace", Word(item.get("WorkspaceName") or "")),
                ("Visible to", Word(say(item.get("Accessibility") or ""))),
                ("Created", Word(values.clock(item.get("GmtCreateTime") or ""))),
                ("Running time", Word(values.duration((item.get("AccumulatedRunningTimeInMs") or 0) / 1000))),
                (
                    "Idle",
                    Word(
                        say("{idle} of {limit} min", idle=culler.get("IdleTimeInMinutes", 0), limit=limit)
                        if limit
                        else say("no limit")
                    ),
                ),
                ("Stops at", Word(values.clock(shutdown))),
            ],
        ),
        (
            "Size",
            [
                ("CPU", Word(resource.get("CPU") or "")),
                ("Memory", Word(f"{resource.get('Memory') or ''} GiB")),
                ("Shared memory", Word(f"{resource.get('SharedMemory') or ''} GiB")),
                ("GPU", Word(resource.get("GPU") or "")),
                ("Priority", Word(str(item.get("Priority") or ""))),
                ("Preemptible", Word(say("yes") if _preemptible(item) else say("no"))),
                ("Spec", Word(item.get("EcsSpec") or "")),
                ("Image", Word(item.get("ImageUrl") or "")),
            ],
        ),
        (
            "Mounts",
            [
                (each["MountPath"], Word(f"{each['Uri']} ({each['MountAccess']})"))
                for each in item.get("Datasets") or ()
            ],
        ),
        (
            "Environment",
            [(name, Word(value)) for name, value in (item.get("EnvironmentVariables") or {}).items()],
        ),
        ("Tags", [(each["Key"], Word(each["Value"])) for each in item.get("Labels") or ()]),
        (
            "Reach it",
            [
                ("Address", Word(item.get("InstanceUrl") or "", Tone.ACCENT)),
                ("Command", Word(f"workbench notebook open {_name(item)}", Tone.ACCENT)),
            ],
        ),
    ]


async def images(scope: Scope) -> Sequence[tuple[str, str]]:
    """Images that exist."""
    answer = await scope.call("workbench", "ListBuiltInImages")
    return [(each["Name"], say(each["State"])) for each in answer["Images"] if each["Name"] == "notebook"]


async def specs(scope: Scope) -> Sequence[tuple[str, str]]:
    """Named sizes that fit this machine."""
    try:
        answer = await scope.call("dsw", "ListEcsSpecs", PageSize=100)
    except ClientError:
        return []
    return [
        (each["InstanceType"], _spec(each)) for each in answer["EcsSpecs"] if each.get("IsAvailable", True)
    ]


async def yes_or_no(scope: Scope) -> Sequence[tuple[str, str]]:
    """The two answers."""
    return [("yes", say("yes")), ("no", say("no"))]


def _preemptible(item: Item) -> bool:
    return _tags(item).get("workbench.preemptible") == "true"


def _spec(spec: Item) -> str:
    gpus = f", {spec['GPU']} GPU {spec['GPUType']}" if spec.get("GPU") else ""
    return f"{values.number(spec['CPU'])} CPU, {values.number(spec['Memory'])} GiB{gpus}"


def _wanted(given: Values) -> dict[str, Any]:
    size = {"CPU": given.get("cpu"), "Memory": given.get("memory"), "GPU": given.get("gpu")}
    strategy = {"yes": "SpotAsPriceGo", "no": "NoSpot"}.get(given.get("preemptible", ""))
    mounts = [each.partition("=") for each in given.get("mounts", "").split()]
    fields = {
        "InstanceName": given.get("name"),
        "ImageUrl": given.get("image"),
        "EcsSpec": given.get("spec"),
        "RequestedResource": {name: value for name, value in size.items() if value},
        "Priority": int(given.get("priority") or 0),
        "SpotSpec": {"SpotStrategy": strategy} if strategy else {},
        "Datasets": [{"Uri": uri, "MountPath": path, "MountAccess": "RW"} for uri, _, path in mounts],
    }
    return {name: value for name, value in fields.items() if value}


def _create_command(item: Item, given: Values) -> str:
    named = ("name", "image", "cpu", "memory", "gpu", "priority")
    options = "".join(f" --{name} {given[name]}" for name in named if given.get(name))
    return f"workbench notebook create{options}{' --preemptible' * (given.get('preemptible') == 'yes')}"


def _name(item: Item) -> str:
    return str(item.get("InstanceName") or item.get("InstanceId"))


def _idle_limit(item: Item) -> int:
    return (item.get("IdleInstanceCuller") or {}).get("MaxIdleTimeInMinutes") or 0


def _amount(name: str) -> Any:
    def read(item: Item) -> float | None:
        value = (item.get("RequestedResource") or {}).get(name)
        return float(value) if value else None

    return read


def _tags(item: Item) -> Mapping[str, str]:
    return {each["Key"]: each["Value"] for each in item.get("Labels") or ()}


_SIZE = (
    Field(
        name="spec",
        title="Named size",
        help="Or leave it and give the amounts below.",
        options=specs,
        start=lambda item: item.get("EcsSpec") or "",
    ),
    Field(
        name="cpu",
        title="CPU",
        check=checks.amount,
        start=lambda item: (item.get("RequestedResource") or {}).get("CPU", ""),
    ),
    Field(
        name="memory",
        title="Memory, GiB",
        check=checks.amount,
        start=lambda item: (item.get("RequestedResource") or {}).get("Memory", ""),
    ),
    Field(
        name="gpu",
        title="GPU",
        check=checks.amount,
        start=lambda item: (item.get("RequestedResource") or {}).get("GPU", ""),
    ),
)

_STANDING = (
    Field(
        name="priority",
        title="Priority",
        check=checks.whole,
        help="From 1 to 9; 9 is served first.",
        start=lambda item: str(item.get("Priority") or ""),
    ),
    Field(
        name="preemptible",
        title="Preemptible",
        help="May be stopped for work of a higher priority; it starts again by itself.",
        options=yes_or_no,
        free=False,
        start=lambda item: "yes" if _preemptible(item) else "",
    ),
)

_FORM = (
    Field(name="name", title="Name", check=checks.notebook_name, help="Letters, digits, `-` and `_`."),
    Field(
        name="image",
        title="Image",
        options=images,
        help="A built-in image, or any reference that can be pulled.",
        start=lambda item: item.get("ImageUrl", "notebook"),
    ),
    *_SIZE,
    *_STANDING,
    Field(
        name="mounts",
        title="Mounts",
        check=checks.mounts,
        help="nas://workspace/data=/mnt/data, with spaces between several.",
        start=lambda item: " ".join(
            f"{each['Uri']}={each['MountPath']}" for each in item.get("Datasets") or ()
        ),
    ),
)

RESOURCE = Resource(
    name="notebooks",
    title="Notebooks",
    aliases=("nb", "notebook", "dsw"),
    order=10,
    load=load,
    get=get,
    id=lambda item: str(item["InstanceId"]),
    label=_name,
    owner_id=lambda item: item.get("UserId", ""),
    tags=_tags,
    follows=frozenset({"notebook"}),
    empty="No notebook yet: press `n` to make one.",
    columns=(
        text("Name", "InstanceName", width=16),
        state("State", lambda item: item.get("Status", ""), width=12),
        text("Owner", "UserName", width=8),
        number("CPU", _amount("CPU"), width=4),
        number("GiB", _amount("Memory"), width=4),
        number("GPU", _amount("GPU"), width=3),
        age("Age", "GmtCreateTime"),
        text("Image", "ImageName", width=24, from_width=130, tone=Tone.QUIET),
        text("Id", "InstanceId", width=21, from_width=160, tone=Tone.QUIET),
        text("Reason", "ReasonMessage", width=0, from_width=90, tone=Tone.QUIET),
    ),
    facts=facts,
    logs=logs,
    events=events,
    charts=charts,
    actions=(
        Action(
            name="create",
            key="n",
            title="New",
            help="Make a notebook.",
            operation="CreateInstance",
            run=create,
            form=_FORM,
            alone=True,
            command=_create_command,
        ),
        Action(
            name="start",
            key="s",
            title="Start",
            help="Start it.",
            operation="StartInstance",
            run=start,
            blocked=lambda item: (
                "" if item["Status"] in _AT_REST else say("It is {state}.", state=say(item["Status"]))
            ),
            command=lambda item, given: f"workbench notebook start {_name(item)}",
        ),
        Action(
            name="stop",
            key="x",
            title="Stop",
            help="Stop it; files and installed packages stay.",
            operation="StopInstance",
            run=stop,
            loses=lambda item: say(
                "What runs in {name} ends; its files and packages stay.", name=_name(item)
            ),
            blocked=lambda item: say("It does not run.") if item["Status"] in _AT_REST else "",
            command=lambda item, given: f"workbench notebook stop {_name(item)}",
        ),
        Action(
            name="open",
            key="w",
            title="Open",
            help="Open it in the browser; the link is copied too.",
            operation="CreateNotebookTicket",
            run=open_in_browser,
            blocked=lambda item: "" if item["Status"] == "Running" else say("It does not run."),
            command=lambda item, given: f"workbench notebook open {_name(item)}",
        ),
        Action(
            name="shell",
            key="E",
            title="Shell",
            help="A shell in it; its end leads back here.",
            operation="OpenNotebookShell",
            run=open_shell,
            takes_terminal=True,
            blocked=lambda item: "" if item["Status"] == "Running" else say("It does not run."),
            command=lambda item, given: f"workbench notebook shell {_name(item)}",
        ),
        Action(
            name="resize",
            key="e",
            title="Resize",
            help="Give it another size from its next start.",
            operation="UpdateInstance",
            run=resize,
            form=_SIZE,
            shown=False,
            command=lambda item, given: f"workbench notebook update {_name(item)}",
        ),
        Action(
            name="clone",
            key="C",
            title="Clone",
            help="Make another one like it.",
            operation="CreateInstance",
            run=create,
            form=_FORM,
            shown=False,
            command=_create_command,
        ),
        Action(
            name="idle",
            key="i",
            title="Idle limit",
            help="Stop it after so long without use.",
            operation="CreateIdleInstanceCuller",
            run=limit_idling,
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
        ),
        Action(
            name="snooze",
            key="z",
            title="Snooze",
            help="Let it be idle for as long again as its limit says.",
            operation="CreateIdleInstanceCuller",
            run=snooze,
            shown=False,
            blocked=lambda item: "" if _idle_limit(item) else say("It has no idle limit."),
            command=lambda item, given: f"workbench notebook snooze {_name(item)}",
        ),
        Action(
            name="delete",
            key="D",
            title="Delete",
            help="Delete it; its owner's files stay.",
            operation="DeleteInstance",
            run=delete,
            loses=lambda item: say(
                "{name} and the packages installed in it are lost; its owner's files stay.", name=_name(item)
            ),
            shown=False,
            command=lambda item, given: f"workbench notebook delete {_name(item)}",
        ),
    ),
)
