"""Access keys: an id and a secret that sign a user's requests.

The secret is needed in clear to check a signature, so it is kept sealed, with the key to it
outside the database. It is shown once, when it is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, NotFound
from workbench.store.vault import Vault
from workbench.wire.paging import Page
from workbench.workspaces import users
from workbench.workspaces.users import User

_KEYS_OF_ONE_USER = 20
_NOTED_EVERY = timedelta(minutes=1)


class AccessKeyNotFound(NotFound):
    """No access key has this id."""

    code = "AccessKeyNotFound"

    def __init__(self, access_key_id: str) -> None:
        super().__init__(
            f"There is no access key {access_key_id!r}.", hint="`workbench accesskey list` shows all of them."
        )


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """What a client needs to sign."""

    access_key_id: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A key as it is kept. `last_used_at` is exact to a minute; None while it was never used."""

    access_key_id: str
    sealed_secret: str
    user_id: str
    enabled: bool
    created_at: datetime
    last_used_at: datetime | None


def create(db: Database, vault: Vault, user_id: str, *, now: datetime) -> KeyPair:
    """Make a key for a user; the answer is the only time its secret is shown.

    Raises:
        Conflict: The user has as many keys as anyone may have.
    """
    count = db.execute("SELECT count(*) FROM access_keys WHERE user_id = ?", [user_id]).fetchone()[0]
    if count >= _KEYS_OF_ONE_USER:
        raise Conflict(
            f"The user has {count} access keys, the most one may have.",
            hint="Delete one that is no longer used: `workbench accesskey list` shows the last use of each.",
        )
    pair = KeyPair(access_key_id=f"WB{secrets.token_hex(11).upper()}", secret=secrets.token_urlsafe(30))
    db.execute(
        "INSERT INTO access_keys (access_key_id, sealed_secret, user_id, enabled, created_at)"
        " VALUES (?, ?, ?, 1, ?)",
        [pair.access_key_id, vault.seal(pair.secret), user_id, now.isoformat()],
    )
    return pair


def usable(db: Database, vault: Vault, user_id: str) -> KeyPair | None:
    """A user's newest enabled key, opened: for the connection settings of their own programs."""
    row = db.execute(
        "SELECT * FROM access_keys WHERE user_id = ? AND enabled ORDER BY created_at DESC LIMIT 1", [user_id]
    ).fetchone()
    if row is None:
        return None
    return KeyPair(access_key_id=row["access_key_id"], secret=vault.open(row["sealed_secret"]))


def find_with_user(db: Database, access_key_id: str) -> tuple[AccessKey, User] | None:
    """A key and whose it is, in one look."""
    row = db.execute(
        "SELECT users.*, access_keys.access_key_id, access_keys.sealed_secret, access_keys.last_used_at,"
        " access_keys.enabled AS key_enabled, access_keys.created_at AS key_created_at"
        " FROM access_keys JOIN users USING (user_id) WHERE access_key_id = ?",
        [access_key_id],
    ).fetchone()
    if row is None:
        return None
    return _from_row(row, enabled=row["key_enabled"], created_at=row["key_created_at"]), users.from_row(row)


def get(db: Database, access_key_id: str) -> AccessKey:
    """The key with this id.

    Raises:
        AccessKeyNotFound: There is none.
    """
    row = db.execute("SELECT * FROM access_keys WHERE access_key_id = ?", [access_key_id]).fetchone()
    if row is None:
        raise AccessKeyNotFound(access_key_id)
    return _from_row(row, enabled=row["enabled"], created_at=row["created_at"])


def search(db: Database, *, page: Page, user_id: str = "") -> tuple[list[AccessKey], int]:
    """One page of keys, newest first, of one user if given, and how many there are in all."""
    where, values = "(:user_id = '' OR user_id = :user_id)", {"user_id": user_id}
    total: int = db.execute(f"SELECT count(*) FROM access_keys WHERE {where}", values).fetchone()[0]  # noqa: S608
    rows = db.query(
        f"SELECT * FROM access_keys WHERE {where} ORDER BY created_at DESC, access_key_id"  # noqa: S608
        " LIMIT :limit OFFSET :offset",
        {**values, "limit": page.size, "offset": page.offset},
    )
    return [_from_row(row, enabled=row["enabled"], created_at=row["created_at"]) for row in rows], total


def set_enabled(db: Database, access_key_id: str, enabled: bool) -> None:
    """Make a key work, or stop it from working at once."""
    db.execute("UPDATE access_keys SET enabled = ? WHERE access_key_id = ?", [enabled, access_key_id])


def delete(db: Database, access_key_id: str) -> None:
    """Forget a key; from now on nobody knows it."""
    db.execute("DELETE FROM access_keys WHERE access_key_id = ?", [access_key_id])


def is_use_due(last_used_at: datetime | None, now: datetime) -> bool:
    """Whether this use should be written down: once a minute is enough, and spares a write a request."""
    return last_used_at is None or now - last_used_at >= _NOTED_EVERY


def note_use(db: Database, access_key_id: str, now: datetime) -> None:
    """Write down that the key was used."""
    db.execute(
        "UPDATE access_keys SET last_used_at = ? WHERE access_key_id = ?", [now.isoformat(), access_key_id]
    )


def _from_row(row: Mapping[str, Any], *, enabled: int, created_at: str) -> AccessKey:
    return AccessKey(
        access_key_id=row["access_key_id"],
        sealed_secret=row["sealed_secret"],
        user_id=row["user_id"],
        enabled=bool(enabled),
        created_at=datetime.fromisoformat(created_at),
        last_used_at=row["last_used_at"] and datetime.fromisoformat(row["last_used_at"]),
    )
