"""Who is calling.

Credentials decide wherever they are sent: a signature made with an access key, or a bearer
token. Without any, only the local socket is believed, where the kernel says which Unix user
is at the other end; the daemon's own user and root are the machine's owner.

Keys, tokens and users are read from the database for each request, an indexed look of some
microseconds, so whatever is revoked is revoked at once. Only the opening of a sealed secret is
remembered, which never changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlite_utils import Database

from workbench.errors import Unauthenticated
from workbench.store import Store
from workbench.store.vault import Vault
from workbench.wire import signatures
from workbench.wire.call import Caller
from workbench.wire.signatures import Claim, IncompleteSignature, Request, Scheme
from workbench.workspaces import access_keys, tokens, users
from workbench.workspaces.nonces import Nonces
from workbench.workspaces.refusals import (
    AccessKeyDisabled,
    InvalidToken,
    NoCredentials,
    NotAUser,
    SignatureDoesNotMatch,
    UnknownAccessKey,
    UserDisabled,
)
from workbench.workspaces.throttle import Throttle
from workbench.workspaces.users import User

_PEER = "unix:"
_SECRETS_REMEMBERED = 1024


class Authenticator:
    """Tells who sent a request. One for the daemon's whole life: it knows the nonces that were
    used and who guessed wrongly of late.

    Args:
        nonces: A folder for them, in which the daemon that comes next finds them.
    """

    def __init__(
        self, store: Store, vault: Vault, now: Callable[[], datetime], nonces: Path | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._open = lru_cache(_SECRETS_REMEMBERED)(vault.open)
        self._nonces = Nonces(now(), nonces)
        self._throttle = Throttle()

    def __call__(self, request: Request, source: str) -> Caller:
        """The caller behind a request.

        Args:
            source: An address, or `unix:<uid>` as the kernel says on the local socket.

        Raises:
            Unauthenticated: Nobody we know; the subclass has PAI's code for the reason.
            Forbidden: Somebody we know, who was shut out.
            TooManyFailures: Too much failed from this source of late; with a signature, not even a
                right one is looked at now.
        """
        access_key_id = ""
        try:
            claim = signatures.read_claim(request)
            if claim is None:
                return self._peer(source)
            access_key_id = claim.access_key_id
            if claim.scheme is Scheme.BEARER:
                return self._bearer(claim, source)
            self._throttle.check(source, access_key_id, self._now())
            return self._signed(request, claim, source)
        except (Unauthenticated, IncompleteSignature) as error:
            # Ids that nobody has count together, or a guesser would never run out of them.
            tried = "" if isinstance(error, UnknownAccessKey) else access_key_id
            self._throttle.note_failure(source, tried, self._now())
            raise

    def recognise(self, caller: Caller) -> None:
        """Refuse somebody who was let in and would not be any more; see the function of this name."""
        with self._store.reading() as db:
            recognise(db, caller, self._now())

    def _peer(self, source: str) -> Caller:
        if not source.startswith(_PEER):
            raise NoCredentials
        uid = int(source.removeprefix(_PEER))
        with self._store.reading() as db:
            user = users.machine_owner(db) if uid in (0, os.getuid()) else users.with_uid(db, uid)
        if user is None:
            raise NotAUser(uid)
        return _caller(user, source)

    def _signed(self, request: Request, claim: Claim, source: str) -> Caller:
        if claim.signed_at is None:
            raise IncompleteSignature("A signature without a time could be replayed for ever.")
        now = self._now()
        with self._store.reading() as db:
            found = access_keys.find_with_user(db, claim.access_key_id)
        if found is None:
            raise UnknownAccessKey(claim.access_key_id)
        key, user = found
        if not signatures.is_authentic(request, claim, self._open(key.sealed_secret)):
            raise SignatureDoesNotMatch(claim.access_key_id)
        if not key.enabled:
            raise AccessKeyDisabled(claim.access_key_id)
        caller = _caller(user, source, access_key_id=key.access_key_id)
        self._nonces.use(key.access_key_id, claim.nonce, claim.signed_at, now)
        if access_keys.is_use_due(key.last_used_at, now):
            with self._store.transaction() as db:
                access_keys.note_use(db, key.access_key_id, now)
        return caller

    def _bearer(self, claim: Claim, source: str) -> Caller:
        now = self._now()
        with self._store.reading() as db:
            found = tokens.find_with_user(db, claim.token)
        if found is None or found[0].expires_at <= now:
            raise InvalidToken
        token, user = found
        caller = _caller(user, source, token_id=token.token_id)
        if access_keys.is_use_due(token.last_used_at, now):
            with self._store.transaction() as db:
                tokens.note_use(db, token.token_id, now)
        return caller


def recognise(db: Database, caller: Caller, now: datetime) -> None:
    """Refuse somebody who was let in and would not be any more.

    Raises:
        Unauthenticated: What it was proven by is gone, or its time is over.
        Forbidden: They were shut out, or the key was.
        NotFound: They are no user any more.
    """
    _caller(users.get(db, caller.user_id), caller.source)
    if caller.access_key_id:
        key = access_keys.find_with_user(db, caller.access_key_id)
        if key is None:
            raise UnknownAccessKey(caller.access_key_id)
        if not key[0].enabled:
            raise AccessKeyDisabled(caller.access_key_id)
    if caller.token_id and not tokens.is_good(db, caller.token_id, now):
        raise InvalidToken


def _caller(user: User, source: str, *, access_key_id: str = "", token_id: str = "") -> Caller:
    if not user.enabled:
        raise UserDisabled(user.name)
    return Caller(
        user_id=user.user_id,
        name=user.name,
        owner=user.machine_owner,
        access_key_id=access_key_id,
        token_id=token_id,
        source=source,
    )
