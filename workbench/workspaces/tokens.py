"""Bearer tokens: a secret that is sent as it is, for programs that cannot sign.

Only its digest is kept, so a copy of the database lets nobody in. A token always ends, and one that
was made with another ends with that at the latest: as its time is over, and as it is deleted.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.wire.paging import Page
from workbench.workspaces import users
from workbench.workspaces.schema import next_id
from workbench.workspaces.users import User

_LONGEST_LIFE_HOURS = 366 * 24
_USUAL_LIFE_HOURS = 24
_LONGEST_DESCRIPTION = 256
_TOKENS_OF_ONE_USER = 100


class TokenNotFound(NotFound):
    """No token has this id."""

    code = "TokenNotFound"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"There is no token {token_id!r}.", hint="`workbench token list` shows all of them.")


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token as it is kept."""

    token_id: str
    user_id: str
    description: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def create(
    db: Database,
    user_id: str,
    *,
    now: datetime,
    description: str = "",
    life_hours: float | None = None,
    made_with: str | None = None,
) -> tuple[Token, str]:
    """Make a token for a user.

    Args:
        life_hours: A day where it is not given, or what is left to the token that it is made with.
        made_with: The token by which the one who makes it is known, if they are.

    Returns:
        The record, and the secret, which is shown only now.

    Raises:
        InvalidInput: The life is not above zero, longer than a year, or than that of `made_with`; or
            the description is too long to be read in a list.
        Conflict: The user has as many tokens as anyone may have.
    """
    if len(description) > _LONGEST_DESCRIPTION:
        raise InvalidInput(
            f"Description has {len(description)} characters, at most {_LONGEST_DESCRIPTION} are kept."
        )
    if life_hours is not None and not 0 < life_hours <= _LONGEST_LIFE_HOURS:
        raise InvalidInput(f"A token lives up to {_LONGEST_LIFE_HOURS} hours, not {life_hours:g}.")
    expires_at = now + timedelta(hours=life_hours or _USUAL_LIFE_HOURS)
    if made_with and expires_at > (latest := get(db, made_with).expires_at):
        if life_hours:
            raise InvalidInput(
                f"A token that is made with another ends with it, at {latest:%Y-%m-%d %H:%M:%S} UTC.",
                hint="Ask for fewer hours, or make it with an access key.",
            )
        expires_at = latest
    _make_room(db, user_id, now)
    secret = f"wbt_{secrets.token_urlsafe(32)}"
    token = Token(
        token_id=next_id(db, "token"),
        user_id=user_id,
        description=description,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
    )
    db.execute(
        "INSERT INTO tokens (token_id, digest, user_id, description, created_at, expires_at, made_with)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            token.token_id,
            _digest(secret),
            user_id,
            description,
            now.isoformat(),
            token.expires_at.isoformat(),
            made_with,
        ],
    )
    return token, secret


def find_with_user(db: Database, secret: str) -> tuple[Token, User] | None:
    """The token that has this secret, and whose it is."""
    row = db.execute(
        "SELECT users.*, tokens.token_id, tokens.description, tokens.expires_at, tokens.last_used_at,"
        " tokens.created_at AS token_created_at FROM tokens JOIN users USING (user_id) WHERE digest = ?",
        [_digest(secret)],
    ).fetchone()
    if row is None:
        return None
    return _from_row(row, created_at=row["token_created_at"]), users.from_row(row)


def get(db: Database, token_id: str) -> Token:
    """The token with this id.

    Raises:
        TokenNotFound: There is none.
    """
    row = db.execute("SELECT * FROM tokens WHERE token_id = ?", [token_id]).fetchone()
    if row is None:
        raise TokenNotFound(token_id)
    return _from_row(row, created_at=row["created_at"])


def is_good(db: Database, token_id: str, now: datetime) -> bool:
    """Whether a token is there and its time is not over."""
    row = db.execute("SELECT expires_at FROM tokens WHERE token_id = ?", [token_id]).fetchone()
    return row is not None and datetime.fromisoformat(row["expires_at"]) > now


def search(db: Database, *, page: Page, user_id: str = "") -> tuple[list[Token], int]:
    """One page of tokens, newest first, of one user if given, and how many there are in all."""
    where, values = "(:user_id = '' OR user_id = :user_id)", {"user_id": user_id}
    total: int = db.execute(f"SELECT count(*) FROM tokens WHERE {where}", values).fetchone()[0]  # noqa: S608
    rows = db.query(
        f"SELECT * FROM tokens WHERE {where} ORDER BY created_at DESC, token_id"  # noqa: S608
        " LIMIT :limit OFFSET :offset",
        {**values, "limit": page.size, "offset": page.offset},
    )
    return [_from_row(row, created_at=row["created_at"]) for row in rows], total


def delete(db: Database, token_id: str) -> None:
    """Forget a token, and those that were made with it; from now on nobody knows them."""
    db.execute("DELETE FROM tokens WHERE token_id = ?", [token_id])


def note_use(db: Database, token_id: str, now: datetime) -> None:
    """Write down that the token was used."""
    db.execute("UPDATE tokens SET last_used_at = ? WHERE token_id = ?", [now.isoformat(), token_id])


def _make_room(db: Database, user_id: str, now: datetime) -> None:
    """Forget tokens of a user whose time is over, where one more would be too many."""
    if _count(db, user_id) < _TOKENS_OF_ONE_USER:
        return
    db.execute("DELETE FROM tokens WHERE user_id = ? AND expires_at <= ?", [user_id, now.isoformat()])
    if (count := _count(db, user_id)) >= _TOKENS_OF_ONE_USER:
        raise Conflict(
            f"The user has {count} tokens, the most one may have.",
            hint="Delete one that is no longer used: `workbench token list` shows the last use of each.",
        )


def _count(db: Database, user_id: str) -> int:
    count: int = db.execute("SELECT count(*) FROM tokens WHERE user_id = ?", [user_id]).fetchone()[0]
    return count


def _from_row(row: Mapping[str, Any], *, created_at: str) -> Token:
    return Token(
        token_id=row["token_id"],
        user_id=row["user_id"],
        description=row["description"],
        created_at=datetime.fromisoformat(created_at),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        last_used_at=row["last_used_at"] and datetime.fromisoformat(row["last_used_at"]),
    )


def _digest(secret: str) -> str:
    # The secret is 256 random bits: nothing to guess, so a plain fast hash is enough.
    return hashlib.sha256(secret.encode()).hexdigest()
