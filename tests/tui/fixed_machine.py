"""A machine whose answers never change: two GPUs, four notebooks, one that waits, one that failed.

The real HTTP server answers, on a socket in a home of its own; a test may change any answer and
tell of changes.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from workbench.api import Server, application
from workbench.client import Client
from workbench.client.aio import AsyncClient
from workbench.errors import WorkbenchError
from workbench.parts import Parts, Route
from workbench.settings import Settings, load
from workbench.wire.call import Call, Caller, Stream
from workbench.wire.operations import operations
from workbench.wire.times import to_wire

NOON = "2026-01-02T12:00:00Z"
ROLES = (
    "PAI.WorkspaceOwner",
    "PAI.WorkspaceAdmin",
    "PAI.AlgoDeveloper",
    "PAI.AlgoOperator",
    "PAI.WorkspaceGuest",
)
Answer = Mapping[str, Any] | WorkbenchError | Callable[[Mapping[str, Any]], Any]


class FixedMachine:
    """Answers what a test wants. `calls` are the operations that change something, with their fields."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answers: dict[str, Answer] = dict(_answers())
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchers: set[asyncio.Queue[Mapping[str, Any]]] = set()

    @property
    def client(self) -> AsyncClient:
        """Somebody on the machine itself."""
        return AsyncClient(Client(self.settings.socket))

    @property
    def notebooks(self) -> list[dict[str, Any]]:
        """The notebooks, for a test to change."""
        return cast(Any, self.answers["ListInstances"])["Instances"]

    def fields_of(self, action: str) -> Mapping[str, Any]:
        """The fields that an operation was last asked with."""
        return next(fields for name, fields in reversed(self.calls) if name == action)

    @property
    def is_watched(self) -> bool:
        """Whether somebody would hear of a change."""
        return bool(self._watchers)

    def tell(self, kind: str, id: str, status: str, message: str = "") -> None:
        """Tell all watchers of a change."""
        change = {"Kind": kind, "Id": id, "Status": status, "Message": message}
        for watcher in list(self._watchers):
            assert self._loop
            self._loop.call_soon_threadsafe(watcher.put_nowait, change)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Take connections."""
        routes = [
            Route(each, self._answer)
            for service in ("dsw", "workbench", "aiworkspace")
            for each in operations(service).values()
        ]
        app = application(
            cast(Parts, None), routes, lambda request, source: Caller(user_id="1", name="alice", owner=True)
        )
        for path in (self.settings.socket, self.settings.gateway_socket):
            path.parent.mkdir(parents=True, exist_ok=True)
        server = Server(app, local=self.settings.socket, public=self.settings.gateway_socket)
        ready = threading.Event()
        thread = threading.Thread(target=lambda: server.run(on_ready=ready.set))
        thread.start()
        assert ready.wait(60)
        try:
            yield
        finally:
            server.stop()
            thread.join()

    def _answer(self, parts: Parts, call: Call) -> Any:
        name = call.operation.action
        if call.operation.verb != "GET":
            self.calls.append((name, call.fields))
        if name == "Watch" and name not in self.answers:
            return Stream(self._changes())
        answer = self.answers.get(name, {})
        if isinstance(answer, WorkbenchError):
            raise answer
        if name == "GetNotebookLogs":
            return Stream(_log())
        return answer(call.fields) if callable(answer) else answer

    async def _changes(self) -> AsyncIterator[Mapping[str, Any]]:
        self._loop = asyncio.get_running_loop()
        mine: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._watchers.add(mine)
        try:
            while True:
                yield await mine.get()
        finally:
            self._watchers.discard(mine)


@contextmanager
def fixed_machine() -> Iterator[FixedMachine]:
    """The machine, not serving yet, in a home with a path short enough for sockets."""
    home = tempfile.mkdtemp(prefix="wb-")
    try:
        yield FixedMachine(load({"home": home}, {}))
    finally:
        shutil.rmtree(Path(home))


def notebook(name: str, status: str, **changes: Any) -> dict[str, Any]:
    """A notebook as ListInstances has it, made half a day ago."""
    return {
        "InstanceId": f"dsw-{name}",
        "InstanceName": name,
        "Status": status,
        "ReasonMessage": "",
        "WorkspaceId": "100",
        "WorkspaceName": "vision",
        "UserId": "1",
        "UserName": "alice",
        "ImageUrl": "notebook",
        "ImageName": "notebook",
        "EcsSpec": "",
        "Accessibility": "PRIVATE",
        "InstanceUrl": f"http://dsw-{name}.localhost:8580/notebook/dsw-{name}/lab",
        "RequestedResource": {"CPU": "4", "Memory": "16", "SharedMemory": "8", "GPU": "1"},
        "EnvironmentVariables": {"WANDB_MODE": "offline"},
        "Datasets": [{"Uri": "nas://workspace/data", "MountPath": "/mnt/data", "MountAccess": "RW"}],
        "Labels": [{"Key": "team", "Value": "vision"}],
        "AccumulatedRunningTimeInMs": 9_000_000,
        "GmtCreateTime": _ago(hours=12, minutes=30),
        "IdleInstanceCuller": {"IdleTimeInMinutes": 7, "MaxIdleTimeInMinutes": 60},
        **changes,
    }


def _ago(**span: float) -> str:
    return to_wire(datetime.now(UTC) - timedelta(**span))


async def _log() -> AsyncIterator[Mapping[str, Any]]:
    for number in range(1, 41):
        stream = "stderr" if number % 10 == 0 else "stdout"
        yield {"Time": f"2026-01-02T12:00:{number:02}Z", "Stream": stream, "Text": f"epoch {number} loss 0.5"}
    await asyncio.Event().wait()


def _answers() -> Iterator[tuple[str, Answer]]:
    instances = [
        notebook("train", "Running"),
        notebook("explore", "Running", UserId="2", UserName="bob", Labels=[]),
        notebook(
            "tune", "Queuing", ReasonMessage="Waits for 1 GPU: 0 free, the others held by train, explore."
        ),
        notebook("broken", "Failed", ReasonMessage="The image registry.example/x cannot be pulled."),
    ]
    yield "ListInstances", {"Instances": instances, "TotalCount": len(instances)}
    yield "GetInstance", lambda fields: _named(instances, fields["instance_id"])
    yield (
        "GetInstanceEvents",
        {
            "Events": [
                f"{NOON} Normal Creating: Created by alice.",
                f"{NOON} Normal Running: The notebook is Running.",
                f"{NOON} Warning Idle: Not used for 50 minutes; it stops in 10.",
            ]
        },
    )
    happened = [
        ("train", "Warning", "Idle", "Not used for 50 minutes; it stops in 10.", 11),
        ("train", "Normal", "Running", "The notebook is Running.", 12),
        ("broken", "Error", "ImageNotPulled", "The image registry.example/x cannot be pulled.", 13),
        ("train", "Normal", "Creating", "Created by alice.", 14),
    ]
    yield (
        "ListEvents",
        {
            "Events": [
                {
                    "Number": 9 - number,
                    "Time": _ago(hours=hours, minutes=30),
                    "Kind": "notebook",
                    "Id": f"dsw-{name}",
                    "Name": name,
                    "WorkspaceId": "100",
                    "Level": level,
                    "Reason": reason,
                    "Message": message,
                }
                for number, (name, level, reason, message, hours) in enumerate(happened)
            ],
            "NextBefore": 0,
        },
    )
    yield "StopInstance", {"InstanceId": "x"}
    yield "StartInstance", {"InstanceId": "x"}
    yield "CreateInstance", {"InstanceId": "dsw-new"}
    yield "CreateNotebookTicket", {"Url": "http://dsw-train.localhost:8580/enter?ticket=t", "ExpiresAt": NOON}
    specs = [("ecs.g6.large", 2, 8, 0, ""), ("ecs.gn7.xlarge", 4, 16, 1, "A100")]
    yield (
        "ListEcsSpecs",
        {
            "EcsSpecs": [
                {
                    "InstanceType": name,
                    "CPU": cpu,
                    "Memory": memory,
                    "GPU": gpu,
                    "GPUType": model,
                    "IsAvailable": True,
                }
                for name, cpu, memory, gpu, model in specs
            ]
        },
    )
    yield from _machine()
    yield from _people()
    yield from _shares()


def _machine() -> Iterator[tuple[str, Answer]]:
    images = [
        {
            "Name": "notebook",
            "Reference": "workbench/notebook:1a2b",
            "State": "Present",
            "Progress": "",
            "SizeBytes": 758_000_000,
            "CreatedAt": _ago(days=3, hours=4, minutes=30),
        },
        {
            "Name": "gateway",
            "Reference": "workbench/gateway:3c4d",
            "State": "Working",
            "Progress": "Step 4/9: installing haproxy",
            "SizeBytes": 0,
            "CreatedAt": "",
        },
    ]
    yield (
        "GetStatus",
        {
            "Version": "0.1.0",
            "Home": "/home/alice/.workbench",
            "Endpoint": "http://127.0.0.1:8580",
            "StartedAt": NOON,
            "Pid": 4711,
            "Caller": {"UserId": "1", "Name": "alice", "MachineOwner": True},
            "Engine": {"Answers": True, "Version": "27.3.1", "Message": ""},
            "Gateway": {"Answers": True, "Message": ""},
            "Notebooks": {"Running": 2, "Queuing": 1, "Failed": 1},
            "Images": images,
            "Failures": [],
        },
    )
    yield "ListBuiltInImages", {"Images": images}
    yield (
        "GetNode",
        {
            "Cpus": 32,
            "CpusPromised": 64,
            "CpusAsked": 16,
            "MemoryBytes": 256 * 2**30,
            "MemoryPromisedBytes": 256 * 2**30,
            "MemoryAskedBytes": 64 * 2**30,
            "Disks": [{"Holds": "home", "Path": "/home", "TotalBytes": 2**41, "FreeBytes": 2**39}],
            "Gpus": 2,
            "GpuReason": "",
            "Driver": "570.86",
            "Cuda": "12.8",
        },
    )
    gpus = [
        _gpu(0, "train", "alice", use=0.97, memory=61, heat=71, watts=389.0),
        _gpu(1, "explore", "bob", use=0.0, memory=12, heat=38, watts=61.0, Idle=True),
    ]
    yield "ListGpus", {"Gpus": gpus}
    yield (
        "GetLatestMetrics",
        {
            "Time": NOON,
            "SampleSeconds": 5,
            "Problems": [],
            "GpuReason": "",
            "Machine": {
                "Cpus": 32,
                "CpusUsed": 12.5,
                "Load": 11.0,
                "MemoryBytes": 256 * 2**30,
                "MemoryUsedBytes": 90 * 2**30,
                "ReceivedBytesPerSecond": 4_200_000,
                "SentBytesPerSecond": 310_000,
                "ReadBytesPerSecond": 0,
                "WrittenBytesPerSecond": 0,
                "Disks": [{"Name": "home", "Path": "/home", "TotalBytes": 2**41, "FreeBytes": 2**39}],
            },
            "Gpus": gpus,
            "Pods": [],
        },
    )
    yield "QueryMetrics", _curves
    yield (
        "ListQueue",
        {
            "Queue": [
                {
                    "Position": 1,
                    "Kind": "notebook",
                    "Id": "dsw-tune",
                    "Name": "tune",
                    "UserName": "alice",
                    "WorkspaceId": "100",
                    "Priority": 5,
                    "Pods": 1,
                    "Wants": "1 GPU",
                    "Reason": "0 GPUs free; train and explore hold them.",
                    "GmtCreateTime": _ago(hours=11, minutes=30),
                }
            ]
        },
    )


def _curves(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    times = list(range(now - 300, now, 5))
    shapes = {
        "cpus": [6 + 6 * (number % 12) / 12 for number in range(len(times))],
        "memory_bytes": [(60 + number / 2) * 2**30 for number in range(len(times))],
        "received_bytes_per_s": [1e6 * (number % 7) for number in range(len(times))],
        "sent_bytes_per_s": [1e5 for _ in times],
        "utilisation": [0.9 if number > 20 else 0.1 for number in range(len(times))],
    }
    return {
        "Step": 5,
        "Times": times,
        "Series": [
            {"Metric": name, "Kind": fields.get("Kind", ""), "Id": "", "Pod": "", "Mean": mean, "Peak": mean}
            for name, mean in shapes.items()
        ],
    }


def _gpu(
    index: int, name: str, user: str, *, use: float, memory: int, heat: int, watts: float, **changes: Any
) -> dict[str, Any]:
    return {
        "Index": index,
        "Uuid": f"GPU-{index}{index}{index}{index}",
        "Name": "NVIDIA A100-SXM4-80GB",
        "MemoryBytes": 80 * 2**30,
        "MemoryUsedBytes": memory * 2**30,
        "Utilisation": use,
        "TemperatureCelsius": heat,
        "PowerWatts": watts,
        "Problem": "",
        "NotFree": "",
        "Cordoned": "",
        "Idle": False,
        "Holders": [
            {"Kind": "notebook", "Id": f"dsw-{name}", "Name": name, "UserName": user, "WorkspaceId": "100"}
        ],
        "Processes": [
            {
                "Pid": 5000 + index,
                "MemoryBytes": memory * 2**30,
                "User": {"Kind": "notebook", "Name": name, "UserName": user},
            }
        ],
        **changes,
    }


def _people() -> Iterator[tuple[str, Answer]]:
    made = _ago(days=30, hours=1)
    workspaces = [
        {
            "WorkspaceId": id,
            "WorkspaceName": name,
            "DisplayName": name.title(),
            "Description": description,
            "IsDefault": name == "vision",
            "AdminNames": ["alice"],
            "GmtCreateTime": made,
        }
        for id, name, description in (("100", "vision", "Pictures"), ("200", "speech", "Sounds"))
    ]
    yield "ListWorkspaces", {"Workspaces": workspaces, "TotalCount": 2}
    members = [
        {"MemberId": f"m{id}", "UserId": id, "MemberName": name, "Roles": roles, "GmtCreateTime": made}
        for id, name, roles in (("1", "alice", [ROLES[0]]), ("2", "bob", [ROLES[2], ROLES[3]]))
    ]
    yield "ListMembers", {"Members": members, "TotalCount": 2}
    table = {
        "StopInstance": (ROLES[:4], ROLES[:2]),
        "DeleteInstance": (ROLES[:3], ROLES[:2]),
        "ListInstances": (ROLES, ROLES),
    }
    yield (
        "ListRoles",
        {
            "Roles": list(ROLES),
            "Permissions": [
                {
                    "Service": "dsw",
                    "Operation": name,
                    "Scope": "workspace",
                    "Own": list(own),
                    "Others": list(others),
                }
                for name, (own, others) in table.items()
            ],
        },
    )
    yield "ListPermissions", {"Permissions": [], "TotalCount": 0}
    users = [
        {
            "UserId": id,
            "Name": name,
            "UnixUid": uid,
            "UnixGid": uid,
            "MachineOwner": name == "alice",
            "Enabled": enabled,
            "GmtCreateTime": made,
        }
        for id, name, uid, enabled in (
            ("1", "alice", 1000, True),
            ("2", "bob", 1001, True),
            ("3", "eve", 1002, False),
        )
    ]
    yield "ListUsers", {"Users": users, "TotalCount": 3}
    keys = [
        {
            "AccessKeyId": f"WB{id}ABCDEF0123456789AB",
            "UserId": id,
            "UserName": name,
            "Enabled": True,
            "GmtCreateTime": made,
            "GmtLastUseTime": _ago(hours=13, minutes=30),
        }
        for id, name in (("1", "alice"), ("2", "bob"))
    ]
    yield "ListAccessKeys", {"AccessKeys": keys, "TotalCount": 2}
    yield (
        "CreateAccessKey",
        {"AccessKeyId": "WBNEW", "AccessKeySecret": "s3cret", "UserId": "1", "UserName": "alice"},
    )
    token = {"TokenId": "t-1", "UserId": "1", "Description": "crawler", "GmtCreateTime": made}
    yield "ListTokens", {"Tokens": [{**token, "GmtExpireTime": NOON, "GmtLastUseTime": ""}], "TotalCount": 1}
    entries = [
        {
            "Number": number,
            "Time": NOON,
            "UserName": "alice",
            "Operation": operation,
            "ResourceType": "Notebook",
            "ResourceId": "dsw-train",
            "Detail": detail,
            "Source": "unix:1000",
            "Status": status,
            "Code": "" if status < 400 else "Forbidden",
        }
        for number, operation, status, detail in (
            (2, "StopInstance", 403, ""),
            (1, "CreateInstance", 200, "InstanceName=train"),
        )
    ]
    yield "ListAuditEntries", {"Entries": entries, "NextBefore": 0}


def _shares() -> Iterator[tuple[str, Answer]]:
    yield (
        "ListPools",
        {
            "Pools": [
                {
                    "Name": "batch",
                    "Description": "Nights and weekends",
                    "Cpus": 16,
                    "MemoryBytes": 64 * 2**30,
                    "Gpus": 1,
                    "UsedCpus": 4,
                    "UsedMemoryBytes": 16 * 2**30,
                    "UsedGpus": 1,
                    "Running": ["notebook dsw-train"],
                    "Kinds": ["training"],
                    "WorkspaceIds": ["100"],
                    "Draining": False,
                }
            ]
        },
    )
    yield (
        "GetWorkspaceQuota",
        {
            "Quota": {"Cpus": 16, "Gpus": 2},
            "Used": {"Cpus": 8, "MemoryBytes": 32 * 2**30, "Gpus": 2, "Notebooks": 2},
        },
    )


def _named(instances: list[dict[str, Any]], id: str) -> Mapping[str, Any]:
    return next(each for each in instances if each["InstanceId"] == id)
