"""A machine with its owner, two more users, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from workbench.store import Store
from workbench.store.vault import Vault
from workbench.wire import signatures
from workbench.wire.call import Caller
from workbench.wire.signatures import Request
from workbench.workspaces import (
    MIGRATIONS,
    Authenticator,
    FirstAccess,
    KeyPair,
    User,
    access_keys,
    first_start,
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
    store: Store
    vault: Vault
    clock: Clock
    first: FirstAccess
    authenticate: Authenticator
    nonces: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

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


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "key").write_bytes(Fernet.generate_key())
    store, vault, clock = Store(tmp_path / "state.db"), Vault(tmp_path / "key"), Clock()
    store.migrate([MIGRATIONS])
    with store.transaction() as db:
        first = first_start(db, vault, "root", 0, 0, now=clock())
    assert first is not None
    return Machine(store, vault, clock, first, Authenticator(store, vault, clock))


def a_caller(user: User) -> Caller:
    return Caller(user_id=user.user_id, name=user.name, owner=user.machine_owner)
