"""Each signed request once.

A signature is good for as long as its time may differ from ours, so its nonce is remembered
for that long. Memory is bounded: when there are too many, the oldest second is forgotten and
nothing signed up to then is taken any more, so forgetting never opens the door to a replay.
The same holds for what an earlier process knew: nothing signed before the start is taken.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from workbench.workspaces.refusals import NonceUsed, TimeStampExpired

SKEW = timedelta(minutes=15)
"""How far a request's time may be from ours."""

_REMEMBERED = 200_000


class Nonces:
    """The nonces that were used.

    Args:
        now: The time of start, before which nothing may have been signed.
    """

    def __init__(self, now: datetime, *, remembered: int = _REMEMBERED) -> None:
        self._lock = threading.Lock()
        self._remembered = remembered
        self._by_second: dict[int, set[tuple[str, str]]] = {}
        self._count = 0
        self._closed_until = int(now.timestamp()) - 1  # times on the wire are whole seconds, rounded down

    def use(self, access_key_id: str, nonce: str, signed_at: datetime, now: datetime) -> None:
        """Take a request's nonce.

        Raises:
            TimeStampExpired: Its time is too far from ours, or from before what is remembered.
            NonceUsed: This very request came before.
        """
        if abs(now - signed_at) > SKEW:
            raise TimeStampExpired(signed_at, now)
        second, key = int(signed_at.timestamp()), (access_key_id, nonce)
        with self._lock:
            if second <= self._closed_until:
                raise TimeStampExpired(signed_at, datetime.fromtimestamp(self._closed_until, UTC))
            if second not in self._by_second:
                self._by_second[second] = set()
                self._forget_until(int((now - SKEW).timestamp()) - 1)
            if key in self._by_second[second]:
                raise NonceUsed(nonce)
            self._by_second[second].add(key)
            self._count += 1
            if self._count > self._remembered:
                self._forget_until(min(self._by_second))

    def _forget_until(self, last: int) -> None:
        for second in [each for each in self._by_second if each <= last]:
            self._count -= len(self._by_second.pop(second))
        self._closed_until = max(self._closed_until, last)
