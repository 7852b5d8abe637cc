"""Users of the machine, and the Unix account that each one's containers run as."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.workspaces.schema import next_id

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")


class UserNotFound(NotFound):
    """No user has this id or name."""

    code = "UserNotFound"

    def __init__(self, who: str) -> None:
        super().__init__(f"There is no user {who!r}.", hint="`workbench user list` shows all of them.")


class UserTaken(Conflict):
    """The name or the Unix uid belongs to another user."""

    code = "UserAlreadyExists"


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with a name here. `machine_owner` is who runs the daemon: exactly one user."""

    user_id: str
    name: str
    unix_uid: int
    unix_gid: int
    machine_owner: bool
    enabled: bool
    created_at: datetime


def add(
    db: Database, *, name: str, unix_uid: int, unix_gid: int, now: datetime, machine_owner: bool = False
) -> User:
    """Keep a new user.

    Raises:
        InvalidInput: The name breaks the rules.
        UserTaken: The name or the uid belongs to someone.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a user's name.",
            hint="1 to 64 letters, digits, dots, underscores and hyphens, a letter first.",
        )
    user = User(
        user_id=next_id(db, "user"),
        name=name,
        unix_uid=unix_uid,
        unix_gid=unix_gid,
        machine_owner=machine_owner,
        enabled=True,
        created_at=now,
    )
    try:
        db.execute(
            "INSERT INTO users (user_id, name, unix_uid, unix_gid, machine_owner, enabled, created_at)"
            " VALUES (?, ?, ?, ?, ?, 1, ?)",
            [user.user_id, name, unix_uid, unix_gid, machine_owner, now.isoformat()],
        )
    except sqlite3.IntegrityError as error:
        raise UserTaken(f"There is already a user named {name!r} or with the Unix uid {unix_uid}.") from error
    return user


def get(db: Database, user_id: str) -> User:
    """The user with this id.

    Raises:
        UserNotFound: There is none.
    """
    user = _one(db, "user_id = ?", user_id)
    if user is None:
        raise UserNotFound(user_id)
    return user


def with_uid(db: Database, unix_uid: int) -> User | None:
    """The user whose processes have this Unix uid."""
    return _one(db, "unix_uid = ?", unix_uid)


def machine_owner(db: Database) -> User | None:
    """Who runs the daemon; None only before the first start."""
    return _one(db, "machine_owner")


def from_row(row: Mapping[str, Any]) -> User:
    """A user from a row that has all columns of `users`."""
    return User(
        user_id=row["user_id"],
        name=row["name"],
        unix_uid=row["unix_uid"],
        unix_gid=row["unix_gid"],
        machine_owner=bool(row["machine_owner"]),
        enabled=bool(row["enabled"]),
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _one(db: Database, where: str, *values: object) -> User | None:
    row = db.execute(f"SELECT * FROM users WHERE {where}", values).fetchone()  # noqa: S608 (our own words)
    return from_row(row) if row else None
