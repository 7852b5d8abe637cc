"""Each signed request once.

A signature is good for as long as its time may differ from ours, so its nonce is remembered
for that long. Memory is bounded: when there are too many, the key that has the most forgets its
oldest second, and nothing signed with it up to then is taken any more. So forgetting never opens
the door to a replay, and who asks too much closes it to nobody else.

What an earlier process knew is read from its files; where that is not known, nothing signed before
the start is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from workbench.workspaces.nonce_file import NonceFile
from workbench.workspaces.refusals import NonceUsed, TimeStampExpired

SKEW = timedelta(minutes=15)
"""How far a request's time may be from ours."""

_REMEMBERED = 500_000
_SWEEP_S = 60


@dataclass
class _OfOneKey:
    by_second: dict[int, set[bytes]] = field(default_factory=dict)
    count: int = 0
    closed_until: int = 0

    def forget(self, seconds: Iterable[int]) -> int:
        """Drop these seconds, and say how many nonces that were."""
        gone = sum(len(self.by_second.pop(second)) for second in list(seconds))
        self.count -= gone
        return gone


class Nonces:
    """The nonces that were used.

    Args:
        now: The time of start.
        folder: Where the processes before and after this one find them; without it, nothing may
            have been signed before the start.
        remembered: The most that memory is spent on.
    """

    def __init__(self, now: datetime, folder: Path | None = None, *, remembered: int = _REMEMBERED) -> None:
        self._lock = threading.Lock()
        self._remembered = remembered
        self._keys: dict[str, _OfOneKey] = {}
        self._count = 0
        self._swept_until = 0
        self._closed_until = int(now.timestamp()) - 1  # times on the wire are whole seconds, rounded down
        self._file = NonceFile(folder, now) if folder else None
        if self._file:
            self._closed_until = self._file.closed_until
            for access_key_id, second, digest in self._file.earlier:
                self._remember(access_key_id, second, digest)
            self._sweep(now)

    def use(self, access_key_id: str, nonce: str, signed_at: datetime, now: datetime) -> None:
        """Take a request's nonce.

        Raises:
            TimeStampExpired: Its time is too far from ours, or from before what is remembered.
            NonceUsed: This very request came before.
        """
        if abs(now - signed_at) > SKEW:
            raise TimeStampExpired(signed_at, now)
        second, digest = (
            int(signed_at.timestamp()),
            blake2b(nonce.encode(errors="surrogatepass"), digest_size=16).digest(),
        )
        with self._lock:
            self._sweep(now)
            known = self._keys.get(access_key_id, _OfOneKey())
            closed_until = max(self._closed_until, known.closed_until)
            if second <= closed_until:
                remembered_from = datetime.fromtimestamp(closed_until + 1, UTC)
                raise TimeStampExpired(signed_at, remembered_from, forgotten=True)
            if digest in known.by_second.get(second, ()):
                raise NonceUsed(nonce)
            if self._file:
                self._file.note(access_key_id, second, digest, now)
            self._remember(access_key_id, second, digest)

    def _remember(self, access_key_id: str, second: int, digest: bytes) -> None:
        key = self._keys.setdefault(access_key_id, _OfOneKey())
        key.by_second.setdefault(second, set()).add(digest)
        key.count += 1
        self._count += 1
        if self._count > self._remembered:
            largest = max(self._keys.values(), key=lambda each: each.count)
            oldest = min(largest.by_second)
            self._count -= largest.forget([oldest])
            largest.closed_until = max(largest.closed_until, oldest)

    def _sweep(self, now: datetime) -> None:
        """Forget what is too old to be taken, now and then: also should the clock be turned back."""
        last = int((now - SKEW).timestamp()) - 1
        if last < self._swept_until + _SWEEP_S:
            return
        self._swept_until = last
        self._closed_until = max(self._closed_until, last)
        for access_key_id, key in list(self._keys.items()):
            self._count -= key.forget(second for second in list(key.by_second) if second <= last)
            if not key.by_second and key.closed_until <= last:
                del self._keys[access_key_id]
