"""Slowing down whoever guesses.

Failures are counted by source and access key together, so that a stranger's guesses never
lock out the key's owner elsewhere. Memory is bounded: the longest unheard-of is forgotten.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from workbench.errors import LimitReached

_ALLOWED_FAILURES = 10
_FORGIVEN_AFTER = timedelta(minutes=1)
_REMEMBERED = 10_000


class TooManyFailures(LimitReached):
    """Too many failed attempts from one source with one key.

    `retry_after_s` says when the next attempt will be looked at.
    """

    code = "Throttling"

    def __init__(self, source: str, retry_after_s: int) -> None:
        super().__init__(
            f"Too many failed attempts from {source}.", hint=f"Try again in {retry_after_s} seconds."
        )
        self.retry_after_s = retry_after_s


class Throttle:
    """Counts failed attempts; ten a minute are looked at, and answered for what they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], tuple[int, datetime]] = OrderedDict()

    def check(self, source: str, access_key_id: str, now: datetime) -> None:
        """Refuse where too many attempts failed of late.

        Raises:
            TooManyFailures: Even a right signature is not looked at now.
        """
        with self._lock:
            count, since = self._failures.get((source, access_key_id), (0, now))
        if count >= _ALLOWED_FAILURES:
            self._refuse(source, since, now)

    def note_failure(self, source: str, access_key_id: str, now: datetime) -> None:
        """Count one more.

        Raises:
            TooManyFailures: It is one too many to be told why it failed.
        """
        key = (source, access_key_id)
        with self._lock:
            count, since = self._failures.pop(key, (0, now))
            if now - since >= _FORGIVEN_AFTER:
                count, since = 0, now
            self._failures[key] = (count + 1, since)
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)
        if count >= _ALLOWED_FAILURES:
            self._refuse(source, since, now)

    def _refuse(self, source: str, since: datetime, now: datetime) -> None:
        wait = since + _FORGIVEN_AFTER - now
        if wait > timedelta(0):
            raise TooManyFailures(source, math.ceil(wait.total_seconds()))
