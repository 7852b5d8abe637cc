"""A machine with its owner, two more users, and a clock that the test moves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.node import Inventory
from workbench.parts import Parts
from workbench.settings import load
from workbench.storage import Storage
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.telemetry import Live
from workbench.wire import signatures
from workbench.wire.call import Call, Caller
from workbench.wire.signatures import Request
from workbench.workqueue import WorkQueue
from workbench.workspaces import (
    MIGRATIONS,
    Authenticator,
    FirstAccess,
    KeyPair,
    Place,
    Residents,
    Role,
    User,
    access_keys,
    first_start,
    members,
    routes,
    users,
)


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class Machine:
    """`stopped`, `removed` and `locked` are what the residents, notebooks in name only, were asked for."""

    store: Store
    vault: Vault
    clock: Clock
    first: FirstAccess
    authenticate: Authenticator
    nonces: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))
    stopped: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    locked: list[tuple[str, str]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.residents = Residents(
            kind="notebook",
            find=lambda db, id: self.places.get(id),
            seen=lambda db, where: list(self.places),
            stop=lambda parts, db, id: partial(self.stopped.append, id),
            remove_all=lambda parts, db, workspace_id: partial(self.removed.append, workspace_id),
            change_locks=lambda parts, db, *whose: partial(self.locked.append, whose),
            folders=lambda parts, workspace_id: [],
            pins=lambda db: [],
        )
        self.routes = routes([self.residents])
        inventory = Inventory(cpus=8, memory_bytes=32 * 2**30)
        settings = load({"home": self.store.path.parent}, {})
        nothing = dict.fromkeys(each.name for each in fields(Parts))
        self.parts = Parts(
            **{
                **nothing,
                "store": self.store,
                "vault": self.vault,
                "now": self.clock,
                "settings": settings,
                "storage": Storage(settings),
                "live": Live(),
                "queue": WorkQueue(workers=1, resync_s=60),
                "node": SimpleNamespace(inventory=lambda: inventory),
            }
        )

    @property
    def owner(self) -> Caller:
        return Caller(user_id=self.first.user_id, name="root", owner=True)

    def ask(self, caller: Caller, action: str, **given: Any) -> Mapping[str, Any]:
        """The answer of an operation."""
        route = next(each for each in self.routes if each.operation.action == action)
        return route.answer(
            self.parts, Call(operation=route.operation, caller=caller, request_id="r", fields=given)
        )

    def join(self, role: Role, uid: int, workspace_id: str = "") -> Caller:
        """A new user, made a member."""
        user = self.add_user(f"user{uid}", uid)
        with self.store.transaction() as db:
            members.enrol(db, workspace_id or self.first.workspace_id, user.user_id, [role], now=self.clock())
        return Caller(user_id=user.user_id, name=user.name)

    def add_user(self, name: str, uid: int) -> User:
        with self.store.transaction() as db:
            return users.add(db, name=name, unix_uid=uid, unix_gid=uid, now=self.clock())

    def add_key(self, user: User) -> KeyPair:
        with self.store.transaction() as db:
            return access_keys.create(db, self.vault, user.user_id, now=self.clock())

    def signed(self, key: KeyPair, *, path: str = "/api/v1/workspaces", body: bytes = b"") -> Request:
        plain = Request("POST", path, "", {"host": "localhost", "x-acs-version": "2021-02-04"}, body)
        nonce = str(next(self.nonces))
        added = signatures.sign(plain, key.access_key_id, key.secret, now=self.clock(), nonce=nonce)
        return Request(plain.verb, plain.raw_path, plain.query, {**plain.headers, **added}, body)


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FirstAccess]:
    """A home after its first start, made once, since each test begins with a copy."""
    home = tmp_path_factory.mktemp("home")
    store = Store(home / "state.db")
    store.migrate([MIGRATIONS])
    with store.transaction() as db:
        first = first_start(db, Vault(home / "key"), "root", 0, 0, now=Clock()())
    store.close()
    assert first is not None
    return home, first


@pytest.fixture
def machine(first_home: tuple[Path, FirstAccess], tmp_path: Path) -> Machine:
    home, first = first_home
    for name in ("state.db", "key"):
        shutil.copy(home / name, tmp_path)
    store, vault, clock = Store(tmp_path / "state.db"), Vault(tmp_path / "key"), Clock()
    return Machine(store, vault, clock, first, Authenticator(store, vault, clock))
