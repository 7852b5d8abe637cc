"""Users of the machine, and the Unix account that each one's containers run as.

Who is removed leaves a row behind: their files carry the uid, and neither the name nor the uid
may come to mean somebody else.
"""

from __future__ import annotations

import grp
import pwd
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.wire.paging import Page
from workbench.workspaces.schema import next_id

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_LARGEST_ID = 2**31 - 1
_FIRST_OF_PEOPLE = 1000
_NOBODY = 65_534
_FIRST_FREE_UID = 30_000
"""Above what a machine gives to its people, below what it gives to containers."""


class UserNotFound(NotFound):
    """No user has this id or name."""

    code = "UserNotFound"

    def __init__(self, who: str) -> None:
        super().__init__(f"There is no user {who!r}.", hint="`workbench user list` shows all of them.")


class UserTaken(Conflict):
    """The name or the Unix uid belongs to another user."""

    code = "UserAlreadyExists"


class MachineOwnerStays(Conflict):
    """The owner of the machine can be neither disabled nor removed."""

    code = "MachineOwnerStays"

    def __init__(self) -> None:
        super().__init__("The owner of this machine can be neither disabled nor removed.")


class OwnsWorkspaces(Conflict):
    """A workspace always has its owner."""

    code = "UserOwnsWorkspaces"

    def __init__(self, name: str, workspaces: Sequence[str]) -> None:
        super().__init__(
            f"{name} owns the workspace{'s' * (len(workspaces) > 1)} {', '.join(workspaces)}.",
            hint="Delete them first, or disable the user instead.",
        )


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
    """Keep a new user. Who left and comes back with the same name and uid is the same user again.

    Raises:
        InvalidInput: The name breaks the rules, or a uid or gid can be nobody's.
        UserTaken: The name or the uid belongs to someone.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a user's name.",
            hint="1 to 64 letters, digits, dots, underscores and hyphens, a letter first.",
        )
    for what, number in (("UnixUid", unix_uid), ("UnixGid", unix_gid)):
        if not machine_owner and not 1 <= number <= _LARGEST_ID:
            raise InvalidInput(f"{what} is {number}; 1 to {_LARGEST_ID} can be given, and 0 is root's.")
    left = _one(db, "name = ? AND unix_uid = ? AND removed_at IS NOT NULL", name, unix_uid)
    if left is not None:
        db.execute("UPDATE users SET removed_at = NULL, enabled = 1 WHERE user_id = ?", [left.user_id])
        return get(db, left.user_id)
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
        raise UserTaken(
            f"There is, or was, another user named {name!r} or with the Unix uid {unix_uid}.",
            hint="Names and uids are not given to others, since files belong to them. With another uid"
            " (UnixUid) somebody gets in by access key or token, not by their Unix account.",
        ) from error
    return user


def get(db: Database, user_id: str) -> User:
    """The user with this id.

    Raises:
        UserNotFound: There is none.
    """
    user = _one(db, "user_id = ? AND removed_at IS NULL", user_id)
    if user is None:
        raise UserNotFound(user_id)
    return user


def known(db: Database, user_id: str) -> User:
    """The user with this id, though they may have been removed: whose files and work are still theirs.

    Raises:
        UserNotFound: Nobody ever had it.
    """
    user = _one(db, "user_id = ?", user_id)
    if user is None:
        raise UserNotFound(user_id)
    return user


def name_of(db: Database, user_id: str) -> str:
    """What the user is called, or was; empty where nobody ever had this id."""
    user = _one(db, "user_id = ?", user_id)
    return user.name if user else ""


def with_uid(db: Database, unix_uid: int) -> User | None:
    """The user whose processes on this machine have this Unix uid.

    The machine owner's uid is theirs only where its account has their name. A daemon that root
    starts has one that was chosen for its containers, and whoever has or gets an account with it
    is somebody else.
    """
    user = _one(db, "unix_uid = ? AND removed_at IS NULL", unix_uid)
    if user and user.machine_owner and name_of_account(unix_uid) != user.name:
        return None
    return user


def account_of(name: str) -> pwd.struct_passwd | None:
    """The Unix account of this name, as far as the machine has one."""
    try:
        return pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None


def check_adoption(account: pwd.struct_passwd) -> None:
    """Refuse to make a user of an account that is a program's only because it has the user's name.

    Raises:
        InvalidInput: It is root's, or one that the system gives to a program.
    """
    if not _FIRST_OF_PEOPLE <= account.pw_uid < _NOBODY:
        raise InvalidInput(
            f"The Unix account {account.pw_name} with the uid {account.pw_uid} is not a person's.",
            hint="Choose another name, or say with UnixUid which uid is meant.",
        )


def name_of_account(uid: int) -> str:
    """What the Unix account with this uid would be called as a user; empty where there is none."""
    try:
        return as_name(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return ""


def as_name(unix_name: str) -> str:
    """A Unix account's name as a user's: Unix allows a leading underscore or a trailing dollar sign."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", unix_name).lstrip("0123456789._-")[:64] or "owner"


def named(db: Database, name: str) -> User:
    """The user with this name, capitals or not.

    Raises:
        UserNotFound: There is none.
    """
    user = _one(db, "name = ? AND removed_at IS NULL", name)
    if user is None:
        raise UserNotFound(name)
    return user


def search(db: Database, *, page: Page, name: str = "") -> tuple[list[User], int]:
    """One page of users, oldest first, and how many there are in all.

    Args:
        name: Part of the name, capitals or not.
    """
    where = "removed_at IS NULL AND (:name = '' OR instr(lower(name), lower(:name)))"
    total: int = db.execute(f"SELECT count(*) FROM users WHERE {where}", {"name": name}).fetchone()[0]  # noqa: S608
    rows = db.query(
        f"SELECT * FROM users WHERE {where} ORDER BY created_at, user_id LIMIT :limit OFFSET :offset",  # noqa: S608
        {"name": name, "limit": page.size, "offset": page.offset},
    )
    return [from_row(row) for row in rows], total


def uid_for(db: Database, name: str) -> int:
    """A Unix uid for somebody without an account here: theirs from before, or one that nobody has."""
    before = _one(db, "name = ?", name)
    if before is not None:
        return before.unix_uid
    return free_uid(db)


def free_uid(db: Database) -> int:
    """A Unix uid, good as a gid too, that nobody has or had: neither here nor on the machine."""
    taken = {row[0] for row in db.execute("SELECT unix_uid FROM users")}
    return next(uid for uid in count(_FIRST_FREE_UID) if uid not in taken and not _is_known(uid))


def set_enabled(db: Database, user: User, enabled: bool) -> None:
    """Let a user in, or shut them out at once, keys, tokens and all.

    Raises:
        MachineOwnerStays: It is the machine's owner who would be shut out.
    """
    if user.machine_owner and not enabled:
        raise MachineOwnerStays
    db.execute("UPDATE users SET enabled = ? WHERE user_id = ?", [enabled, user.user_id])


def remove(db: Database, user: User, *, now: datetime) -> None:
    """Remove a user with their keys, tokens and memberships. Their files stay.

    Raises:
        MachineOwnerStays: It is the machine's owner.
        OwnsWorkspaces: A workspace would be without an owner.
    """
    if user.machine_owner:
        raise MachineOwnerStays
    owned = db.execute("SELECT name FROM workspaces WHERE creator = ? ORDER BY name", [user.user_id])
    names = [row[0] for row in owned]
    if names:
        raise OwnsWorkspaces(user.name, names)
    for table in ("access_keys", "tokens", "members"):
        db.execute(f"DELETE FROM {table} WHERE user_id = ?", [user.user_id])  # noqa: S608
    db.execute(
        "UPDATE users SET enabled = 0, removed_at = ? WHERE user_id = ?", [now.isoformat(), user.user_id]
    )


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


def _is_known(number: int) -> bool:
    """Whether the machine has an account or a group with this number."""
    for look_up in (pwd.getpwuid, grp.getgrgid):
        with suppress(KeyError):
            look_up(number)
            return True
    return False


def _one(db: Database, where: str, *values: object) -> User | None:
    row = db.execute(f"SELECT * FROM users WHERE {where}", values).fetchone()  # noqa: S608 (our own words)
    return from_row(row) if row else None
