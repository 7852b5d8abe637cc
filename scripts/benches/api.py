"""Signed requests in ratio to the bare health call of the same server, and lists that have grown.

Requests are signed before the clock starts and sent over kept connections to the socket that
the gateway uses, so that what is measured is the server. Health and signed requests take turns,
so that a busy machine is unfair to neither. A list is measured with few rows and with many.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tests.installation import Installation
from workbench.store import Store
from workbench.wire import signatures
from workbench.wire.operations import operation
from workbench.workspaces import KeyPair, Role, audit, members, records
from workbench.workspaces.audit import Entry, Level

_CONNECTIONS = 4
_REQUESTS = 1500
_ROUNDS = 5
_LISTED = 200
_FEW, _MANY = 1_000, 100_000
_PAGE, _WORKSPACES = 20, 1_000
_NO_LONGER = 1.5


@dataclass(frozen=True)
class Measured:
    """How a number of requests went: how many a second, and how long the slowest in a hundred took."""

    rate: float
    p99_ms: float


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="wb-bench-"))
    installation = Installation(folder / "home")
    try:
        installation.start()
        _requests(installation)
        _lists(installation)
    finally:
        installation.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _requests(installation: Installation) -> None:
    path = installation.settings.gateway_socket
    key, workspace = _owner(installation)
    health, signed = [], []
    for _ in range(_ROUNDS):
        health.append(_run(path, [_plain("/workbench/v1/health")] * _REQUESTS))
        signed.append(_run(path, [_signed(key, f"/api/v1/workspaces/{workspace}") for _ in range(_REQUESTS)]))
    bare, ours = _median(health), _median(signed)
    print(f"{_REQUESTS} requests on {_CONNECTIONS} connections, the median of {_ROUNDS} rounds")
    print(f"{'':28}{'a second':>10}{'p99 ms':>10}")
    for name, each in (("health", bare), ("signed GetWorkspace", ours)):
        print(f"{name:28}{each.rate:10.0f}{each.p99_ms:10.1f}")
    print(f"{'ratio':28}{ours.rate / bare.rate:10.2f}{ours.p99_ms / bare.p99_ms:10.2f}")


def _lists(installation: Installation) -> None:
    store = Store(installation.settings.database)
    key, user_id = _member(installation)
    _fill(store, user_id, _FEW, _PAGE)
    few = [_milliseconds(installation, key, path) for path in _listed(_PAGE).values()]
    _fill(store, user_id, _MANY, _WORKSPACES)
    many = [_milliseconds(installation, key, path) for path in _listed(_WORKSPACES).values()]

    print(f"\n{_FEW} and {_MANY} lines of audit, a member of {_PAGE} and {_WORKSPACES} workspaces; ms")
    print(f"{'':28}{'few':>10}{'many':>10}{'ratio':>10}{'aim':>10}")
    for name, before, after in zip(_listed(0), few, many, strict=True):
        print(f"{name:28}{before:10.2f}{after:10.2f}{after / before:10.2f}{_NO_LONGER:10.1f}")


def _listed(workspaces: int) -> Mapping[str, str]:
    """The lists, by what is measured of them."""
    audited, listed = "/workbench/v1/audit?Limit=100", f"/api/v1/workspaces?PageSize={_PAGE}"
    return {
        "audit, newest 100": audited,
        "audit, of one operation": f"{audited}&Operation=StartInstance",
        "workspaces, first page": listed,
        "workspaces, last page": f"{listed}&PageNumber={workspaces // _PAGE}",
        "workspaces, by name": f"{listed}&SortBy=WorkspaceName&Order=ASC",
    }


def _run(path: Path, requests: Sequence[bytes]) -> Measured:
    """Send all of them, spread over the connections."""
    shares = [requests[each::_CONNECTIONS] for each in range(_CONNECTIONS)]
    ready = threading.Barrier(_CONNECTIONS)
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        begun = time.perf_counter()
        took = [each for share in pool.map(lambda share: _send(path, share, ready), shares) for each in share]
        seconds = time.perf_counter() - begun
    return Measured(rate=len(requests) / seconds, p99_ms=statistics.quantiles(took, n=100)[98] * 1000)


def _send(path: Path, requests: Sequence[bytes], ready: threading.Barrier) -> list[float]:
    """Seconds that each took."""
    took = []
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rb") as answers:
        connection.connect(str(path))
        ready.wait()
        for request in requests:
            begun = time.perf_counter()
            connection.sendall(request)
            _read(answers)
            took.append(time.perf_counter() - begun)
    return took


def _read(answers: BinaryIO) -> None:
    status = answers.readline()
    length = 0
    while (line := answers.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = answers.read(length)
    if b" 200 " not in status:
        raise RuntimeError(f"{status!r} {body!r}")


def _plain(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def _signed(key: KeyPair, path: str) -> bytes:
    path, _, query = path.partition("?")
    headers = {"host": "localhost", "x-acs-version": "2021-02-04"}
    request = signatures.Request("GET", path, query, headers, b"")
    headers |= signatures.sign(
        request, key.access_key_id, key.secret, now=datetime.now(UTC), nonce=uuid.uuid4().hex
    )
    lines = [f"GET {path}{'?' if query else ''}{query} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _median(rounds: Sequence[Measured]) -> Measured:
    return Measured(
        rate=statistics.median(each.rate for each in rounds),
        p99_ms=statistics.median(each.p99_ms for each in rounds),
    )


def _milliseconds(installation: Installation, key: KeyPair, path: str) -> float:
    """The median of one request after the other."""
    alone = threading.Barrier(1)
    took = _send(installation.settings.gateway_socket, [_signed(key, path) for _ in range(_LISTED)], alone)
    return statistics.median(took) * 1000


def _owner(installation: Installation) -> tuple[KeyPair, str]:
    """The owner's key, and the default workspace."""
    answer = installation.client.call(operation("workbench", "GetConnection"))
    return _key(answer), answer["WorkspaceId"]


def _member(installation: Installation) -> tuple[KeyPair, str]:
    """A user without the owner's rights: a key, and the id."""
    client = installation.client
    user_id = client.call(operation("workbench", "CreateUser"), Name="bench")["UserId"]
    answer = client.call(operation("workbench", "CreateAccessKey"), UserId=user_id)
    return _key(answer), user_id


def _key(answer: Mapping[str, str]) -> KeyPair:
    return KeyPair(access_key_id=answer["AccessKeyId"], secret=answer["AccessKeySecret"])


def _fill(store: Store, user_id: str, lines: int, workspaces: int) -> None:
    """See to it that there are so many, as if they had come one by one."""
    now = datetime.now(UTC)
    with store.transaction() as db:
        there = db.execute("SELECT count(*) FROM audit").fetchone()[0]
        for number in range(there, lines):
            audit.write(db, _line(user_id, number, now))
        there = db.execute("SELECT count(*) FROM members WHERE user_id = ?", [user_id]).fetchone()[0]
        for number in range(there, workspaces):
            made = records.create(db, name=f"bench_{number}", creator=user_id, now=now)
            members.enrol(db, made.workspace_id, user_id, [Role.OWNER], now=now)


def _line(user_id: str, number: int, now: datetime) -> Entry:
    return Entry(
        time=now,
        user_id=user_id if number % 2 else "1",
        user_name="bench",
        source="127.0.0.1",
        operation="StartInstance",
        event="startNotebook",
        resource_type="Notebook",
        resource_id=f"dsw-{number % 500}",
        workspace_id=str(number % 50),
        level=Level.NORMAL,
        status=200,
        request_id=str(number),
    )


if __name__ == "__main__":
    main()
