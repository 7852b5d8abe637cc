"""What became of a request: for the log, and for whoever keeps a record."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from workbench.wire.call import Caller
from workbench.wire.operations import Operation

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a request. What it did not come to is None.

    `status` is HTTP's; `code` is the error's, empty for a success. `fields` are the request's,
    `answer` those of a success that is neither a stream nor a redirection. `over` is the second thing
    told of a dialogue: that it ended.
    """

    request_id: str
    source: str
    verb: str
    path: str
    operation: Operation | None = None
    caller: Caller | None = None
    fields: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None
    status: int = 200
    code: str = ""
    over: bool = False


Observer = Callable[[Outcome], None]
"""Is told of every request once it is decided, before the answer leaves, and of a dialogue's end; in a
thread of the pool."""


Around = Callable[[Outcome], AbstractContextManager[None]]
"""Is there while what was asked for is done, in the same thread."""


class Visit:
    """One request on its way through, with what is known of it so far."""

    def __init__(self, outcome: Outcome, observe: Observer) -> None:
        self.outcome = outcome
        self._observe = observe
        self._began = time.monotonic()

    def learn(self, **facts: Any) -> None:
        """Add to what is known."""
        self.outcome = replace(self.outcome, **facts)

    def close(self) -> None:
        """Write the request's line into the log, and tell the observer."""
        seen = self.outcome
        what = "dialogue ended" if seen.over else "request answered"
        log.info(
            "%s verb=%s path=%s operation=%s caller=%s source=%s status=%d code=%s ms=%.1f request_id=%s",
            what,
            seen.verb,
            seen.path[:200],
            seen.operation.action if seen.operation else "",
            seen.caller.name if seen.caller else "",
            seen.source,
            seen.status,
            seen.code,
            (time.monotonic() - self._began) * 1000,
            seen.request_id,
        )
        try:
            self._observe(seen)
        except Exception:  # what is done is done: the caller must hear of it whatever the observer suffers
            log.exception("observer failed request_id=%s", seen.request_id)
