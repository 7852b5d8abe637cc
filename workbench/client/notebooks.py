"""Notebooks, as our programs see them: PAI's DSW operations with types.

Whatever is asked for is answered at once and done behind; `wait` follows how it goes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.client.answers import ClientError, DaemonAway
from workbench.client.connection import Client
from workbench.errors import Conflict, NotFound, WorkbenchError
from workbench.wire.operations import operation, operations

GONE = "Deleted"
"""The state of a notebook that is no more."""

STATES = (
    "Creating",
    "Queuing",
    "EnvPreparing",
    "Starting",
    "Running",
    "Recovering",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
)

UNDER_WAY = ("Starting", "Running", "Recovering")
"""The states in which a container is there, made of what was asked for before."""

LONGEST_IDLE_MINUTES = 366 * 24 * 60

_STOPPED = ("Stopping", "Stopped", "Deleting")
_ID = re.compile(r"dsw-[0-9a-f]{16}")
_PAGE = 100
_AWAY_AT_MOST_S = 60.0


class NoSuchNotebook(NotFound):
    """No notebook has this name."""

    code = "InstanceNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no notebook named {name!r}.", hint="`workbench notebook list` shows those there are."
        )


class AmbiguousName(Conflict):
    """Several workspaces have a notebook of this name."""

    code = "AmbiguousName"

    def __init__(self, name: str, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} notebooks are named {name!r}: {', '.join(ids)}.", hint="Give the id.")


class NoShutdownTime(Conflict):
    """A shutdown time is asked for of a notebook that does not run."""

    code = "InstanceNotRunning"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Notebook {name!r} does not run, so it has no shutdown time; nothing was changed.",
            hint="Start it, then set the time.",
        )


_FLOORS = ("CpuPercentThreshold", "GpuPercentThreshold")
_PREEMPTIBLE = "workbench.preemptible"
"""The label by which a preemptible notebook is known; PAI's answers have no field for it."""

_NO_SPOT, _SPOT = "NoSpot", "SpotAsPriceGo"
_GPU_MEMORY = "workbench.gpu_memory"
"""The label that asks for a share of a card; PAI's notebooks have no field for it."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Files of a workspace that a notebook sees at a path of its own.

    Args:
        uri: Where the files are, such as `nas://workspace/data`.
        path: Where the notebook sees them.
    """

    uri: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a notebook is asked to be; None leaves it to the daemon, or as it is.

    Args:
        cpu: CPUs, as text: `2` or `0.5`.
        memory: A plain number means GiB; units as in `512Mi`.
        shared_memory: As `memory`; half of the memory by default.
        idle_minutes: Stop after so long without use; 0 for never.
        shutdown_after_ms: Stop so long from now, whatever happens; 0 for never.
        gpu_type: A part of the card's name, or a MIG instance by profile or UUID.
        gpu_memory: A share of one card, as `memory`, instead of whole ones; for a new notebook only.
        pool: The pool that it must run in; for a new notebook only.
        priority: From 1 to 9, the highest served first.
        preemptible: Whether it may be stopped for work of a higher priority, and start again after it.
        environment: All of its variables; those that are not in it are dropped.
        mounts: All of its mounts, likewise.
    """

    name: str | None = None
    image: str | None = None
    cpu: str | None = None
    memory: str | None = None
    shared_memory: str | None = None
    gpu: str | None = None
    gpu_type: str | None = None
    gpu_memory: str | None = None
    pool: str | None = None
    priority: int | None = None
    preemptible: bool | None = None
    environment: Mapping[str, str] | None = None
    mounts: Sequence[Mount] | None = None
    idle_minutes: int | None = None
    shutdown_after_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class NotebookView:
    """A notebook as the daemon last described it.

    As on the wire, sizes are numbers of GiB as text, times UTC in ISO 8601; what is not known
    is empty, or None.
    """

    id: str
    name: str
    status: str
    reason: str
    reason_code: str
    image: str
    cpu: str
    memory: str
    shared_memory: str
    gpu: str
    gpu_memory: str
    pool: str
    priority: int
    preemptible: bool
    url: str
    workspace_id: str
    workspace: str
    owner: str
    created_at: str
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    idle_minutes: int | None
    idle_limit_minutes: int | None
    shutdown_at: str

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> NotebookView:
        """Read one instance of GetInstance or ListInstances."""
        resource = answer.get("RequestedResource") or {}
        culler = answer.get("IdleInstanceCuller") or {}
        timer = answer.get("InstanceShutdownTimer") or {}
        labels = {each["Key"]: each["Value"] for each in answer.get("Labels") or ()}
        return cls(
            id=answer["InstanceId"],
            name=answer.get("InstanceName") or "",
            status=answer.get("Status") or "",
            reason=answer.get("ReasonMessage") or "",
            reason_code=answer.get("ReasonCode") or "",
            image=answer.get("ImageName") or answer.get("ImageUrl") or "",
            cpu=resource.get("CPU") or "",
            memory=resource.get("Memory") or "",
            shared_memory=resource.get("SharedMemory") or "",
            gpu=resource.get("GPU") or "",
            gpu_memory=labels.get(_GPU_MEMORY, "") if resource.get("GPU") in (None, "", "0") else "",
            pool=answer.get("ResourceId") or "",
            priority=answer.get("Priority") or 1,
            preemptible=labels.get(_PREEMPTIBLE) == "true",
            url=answer.get("InstanceUrl") or "",
            workspace_id=answer.get("WorkspaceId") or "",
            workspace=answer.get("WorkspaceName") or answer.get("WorkspaceId") or "",
            owner=answer.get("UserName") or answer.get("UserId") or "",
            created_at=answer.get("GmtCreateTime") or "",
            environment=answer.get("EnvironmentVariables") or {},
            mounts=tuple(
                Mount(uri=each["Uri"], path=each["MountPath"], read_only=each.get("MountAccess") == "RO")
                for each in answer.get("Datasets") or ()
            ),
            idle_minutes=culler.get("IdleTimeInMinutes"),
            idle_limit_minutes=culler.get("MaxIdleTimeInMinutes"),
            shutdown_at=timer.get("DueTime") or "",
        )


@dataclass(frozen=True)
class Change:
    """A notebook's state, and why it is so, in words."""

    status: str
    reason: str


def list_all(client: Client, *, workspace_id: str = "", **filters: str) -> list[NotebookView]:
    """All notebooks that the caller may see, newest first.

    Args:
        filters: ListInstances' own, such as `Status` or `InstanceName`.
    """
    found: list[NotebookView] = []
    while True:
        answer = client.call(
            operation("dsw", "ListInstances"),
            WorkspaceId=workspace_id or None,
            PageNumber=len(found) // _PAGE + 1,
            PageSize=_PAGE,
            **filters,
        )
        page = [NotebookView.from_answer(each) for each in answer["Instances"]]
        found += page
        if len(page) < _PAGE:
            return found


def get(client: Client, notebook_id: str) -> NotebookView:
    """One notebook."""
    return NotebookView.from_answer(client.call(operation("dsw", "GetInstance"), instance_id=notebook_id))


def with_idle_time(client: Client, view: NotebookView) -> NotebookView:
    """The notebook with how long it has been idle, which only one that has a limit says by itself."""
    if view.status != "Running" or view.idle_minutes is not None:
        return view
    try:
        culler = client.call(operation("dsw", "GetIdleInstanceCuller"), instance_id=view.id)
    except ClientError as error:
        if error.status == NotFound.status:
            return view  # it went meanwhile
        raise
    return replace(view, idle_minutes=culler.get("IdleTimeInMinutes"))


def find(client: Client, name_or_id: str) -> str:
    """The id of the notebook that somebody means.

    Raises:
        NoSuchNotebook: No notebook has this name.
        AmbiguousName: Several have.
    """
    if _ID.fullmatch(name_or_id) and _is_known(client, name_or_id):
        return name_or_id
    ids = [each.id for each in list_all(client, InstanceName=name_or_id) if each.name == name_or_id]
    match ids:
        case [found]:
            return found
        case []:
            raise NoSuchNotebook(name_or_id)
    raise AmbiguousName(name_or_id, ids)


def _is_known(client: Client, notebook_id: str) -> bool:
    try:
        get(client, notebook_id)
    except ClientError as error:
        if error.status == NotFound.status:
            return False
        raise
    return True


def create(client: Client, wishes: Wishes, *, workspace_id: str = "") -> str:
    """Ask for a notebook; answers with its id before it runs.

    A notebook whose limits are refused is taken back.
    """
    answer = client.call(
        operation("dsw", "CreateInstance"), WorkspaceId=workspace_id or None, **_fields(wishes)
    )
    notebook_id: str = answer["InstanceId"]
    try:
        _limit(client, notebook_id, wishes)
    except WorkbenchError:
        delete(client, notebook_id)
        raise
    return notebook_id


def update(client: Client, before: NotebookView, wishes: Wishes) -> None:
    """Change what is given, or nothing if any of it is refused; size, image, variables and mounts hold
    from the next start.

    Raises:
        ClientError: The daemon refused.
        NoShutdownTime: It does not run, so it cannot be told when to stop.
    """
    if wishes.shutdown_after_ms and before.status in _STOPPED:
        raise NoShutdownTime(before.name)
    if fields := _fields(wishes):
        client.call(operation("dsw", "UpdateInstance"), instance_id=before.id, **fields)
    _limit(client, before.id, wishes)


def start(client: Client, notebook_id: str) -> None:
    """Ask a notebook to run."""
    client.call(operation("dsw", "StartInstance"), instance_id=notebook_id)


def stop(client: Client, notebook_id: str) -> None:
    """Ask a notebook to stop; files and installed packages stay."""
    client.call(operation("dsw", "StopInstance"), instance_id=notebook_id)


def snooze(client: Client, notebook_id: str) -> int:
    """Let an idle notebook be for as long again as its limit says; the minutes, 0 where it has none."""
    instance: dict[str, Any] = {"instance_id": notebook_id}
    limit = client.call(operation("dsw", "GetIdleInstanceCuller"), **instance)
    if minutes := limit.get("MaxIdleTimeInMinutes") or 0:
        floors = {name: limit[name] for name in _FLOORS if name in limit}
        client.call(
            operation("dsw", "CreateIdleInstanceCuller"), **instance, MaxIdleTimeInMinutes=minutes, **floors
        )
    return int(minutes)


def delete(client: Client, notebook_id: str) -> None:
    """Ask a notebook to go; its owner's files stay."""
    client.call(operation("dsw", "DeleteInstance"), instance_id=notebook_id)


def ticket(client: Client, notebook_id: str) -> str:
    """A URL that opens the notebook in a browser, once."""
    url: str = client.call(operation("workbench", "CreateNotebookTicket"), instance_id=notebook_id)["Url"]
    return url


def revoke(client: Client, notebook_id: str) -> None:
    """Make every link, cookie and token that lets somebody into the notebook worthless."""
    client.call(operation("workbench", "RevokeNotebookAccess"), instance_id=notebook_id)


def logs(
    client: Client, notebook_id: str, *, follow: bool = False, tail: int | None = None
) -> Iterator[dict[str, Any]]:
    """The notebook's log, line by line.

    Args:
        follow: Go on with what comes until the notebook ends.
        tail: Only so many of the last lines.
    """
    get_logs = operation("workbench", "GetNotebookLogs")
    with client.stream(get_logs, instance_id=notebook_id, Follow=follow, Tail=tail) as lines:
        yield from filter(None, lines)


def wait(
    client: Client, notebook_id: str, until: str, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Change]:
    """Follow a notebook until it is in a state, or failed, or is no more.

    A daemon that goes away meanwhile is waited for, up to a minute: what was asked for is
    kept, and it goes on where it was.

    Yields:
        Each change; the last one is how it ended.
    """
    last: Change | None = None
    away_s = 0.0
    while True:
        try:
            for change in _changes(client, notebook_id):
                away_s = 0
                if change != last:
                    yield change
                last = change
                if change.status in (until, "Failed", GONE):
                    return
        except DaemonAway:
            if away_s >= _AWAY_AT_MOST_S:
                raise
        sleep(1)
        away_s += 1


def _changes(client: Client, notebook_id: str) -> Iterator[Change]:
    watch = operation("workbench", "Watch")
    with client.stream(watch, Kind="notebook", Id=notebook_id) as changes:
        # Read only now that changes are followed, so that none falls between.
        yield _present(client, notebook_id)
        for change in changes:
            if change:
                yield Change(change["Status"] or GONE, change.get("Message") or "")
            else:
                yield _present(client, notebook_id)


def _present(client: Client, notebook_id: str) -> Change:
    try:
        notebook = get(client, notebook_id)
    except ClientError as error:
        if error.status == NotFound.status:
            return Change(GONE, "")
        raise
    return Change(notebook.status, notebook.reason)


def _fields(wishes: Wishes) -> dict[str, Any]:
    resource = {
        "CPU": wishes.cpu,
        "Memory": wishes.memory,
        "SharedMemory": wishes.shared_memory,
        "GPU": wishes.gpu,
        "GPUType": wishes.gpu_type,
    }
    fields: dict[str, Any] = {
        "InstanceName": wishes.name,
        "ImageUrl": wishes.image,
        "ResourceId": wishes.pool,
        "RequestedResource": {name: value for name, value in resource.items() if value is not None} or None,
        "EnvironmentVariables": wishes.environment,
        "Datasets": None if wishes.mounts is None else [_dataset(each) for each in wishes.mounts],
        "Priority": wishes.priority,
        "SpotSpec": {"SpotStrategy": _SPOT if wishes.preemptible else _NO_SPOT}
        if wishes.preemptible is not None
        else None,
        "Labels": [{"Key": _GPU_MEMORY, "Value": wishes.gpu_memory}] if wishes.gpu_memory else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _dataset(mount: Mount) -> dict[str, str]:
    return {"Uri": mount.uri, "MountPath": mount.path, "MountAccess": "RO" if mount.read_only else "RW"}


def _limit(client: Client, notebook_id: str, wishes: Wishes) -> None:
    dsw = operations("dsw")
    match wishes.idle_minutes:
        case 0:
            client.call(dsw["DeleteIdleInstanceCuller"], instance_id=notebook_id)
        case int(minutes):
            client.call(
                dsw["CreateIdleInstanceCuller"], instance_id=notebook_id, MaxIdleTimeInMinutes=minutes
            )
    match wishes.shutdown_after_ms:
        case 0:
            client.call(dsw["DeleteInstanceShutdownTimer"], instance_id=notebook_id)
        case int(remaining):
            client.call(
                dsw["CreateInstanceShutdownTimer"], instance_id=notebook_id, RemainingTimeInMs=remaining
            )
