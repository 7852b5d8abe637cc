"""What wants attention.

Keys are `(kind, id)`. Whoever learns of something (an API call, an engine event, the clock)
only adds a key; the one function of that kind then looks at the records and at the engine and
does the next thing. One key is never worked on twice at once, a failure backs off by itself,
and everything is looked at again now and then, so that a missed event costs a delay and
never a wrong state.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from workbench.errors import Unavailable

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Kind and id of the object that wants a look."""

EVERYTHING = "everything"
"""In place of an id: the list of all objects of a kind, which may fail too."""

_FIRST_BACK_OFF_S = 0.5
_LONGEST_BACK_OFF_S = 60.0


@dataclass(frozen=True)
class Again:
    """When to look again if nothing wakes the key before. None: not until woken."""

    after_s: float | None = None


NOT_UNTIL_WOKEN = Again()
AT_ONCE = Again(0)

Step = Callable[[str], Again]
"""Takes one object one step further; called with its id."""


def back_off_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, up to a minute."""
    return min(_FIRST_BACK_OFF_S * 2.0 ** min(failures - 1, 16), _LONGEST_BACK_OFF_S)


class WorkQueue:
    """Threads that work on keys.

    Args:
        workers: Keys worked on at once.
        resync_s: Seconds between two looks at everything.
    """

    def __init__(self, *, workers: int, resync_s: float) -> None:
        self._resync_s = resync_s
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._workers = workers
        self._changed = threading.Condition()
        self._steps: dict[str, Step] = {}
        self._lists: dict[str, Callable[[], Iterable[str]]] = {}
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._running: set[Key] = set()
        self._woken: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._resync_at = 0.0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def serve(self, kind: str, step: Step, everything: Callable[[], Iterable[str]]) -> None:
        """Say what takes objects of a kind further, and how to list the ids of all of them."""
        self._steps[kind] = step
        self._lists[kind] = everything

    def wake(self, kind: str, id: str) -> None:
        """Look at this object now."""
        self._add((kind, id), 0)

    def resync(self) -> None:
        """Look at everything now: something may have happened that nobody told of."""
        with self._changed:
            self._resync_at = 0.0
            self._changed.notify_all()

    def start(self) -> None:
        """Begin to work, with a look at everything."""
        self._thread = threading.Thread(target=self._run, name="workqueue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being worked on and begin nothing new."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join()
        self._pool.shutdown(wait=True)

    def failures(self) -> Mapping[Key, int]:
        """Keys whose last look failed, with the number of failures in a row; `EVERYTHING` of a kind where its
        objects could not be listed."""
        with self._changed:
            return dict(self._failures)

    def _add(self, key: Key, after_s: float) -> None:
        due = time.monotonic() + after_s
        with self._changed:
            if key in self._running and after_s == 0:
                self._woken.add(key)  # it looks again as soon as the present look is over
                return
            if self._due.get(key, float("inf")) <= due:
                return
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._order), key))
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            if time.monotonic() >= self._resync_at:
                self._resync_at = time.monotonic() + self._resync_s
                self._wake_everything()
            with self._changed:
                if self._stopping:
                    return
                key = self._next_due()
                if key is None:
                    self._changed.wait(self._seconds_to_wait())
                    continue
                self._running.add(key)
            self._pool.submit(self._work, key)

    def _wake_everything(self) -> None:
        for kind, everything in self._lists.items():
            key = (kind, EVERYTHING)
            try:
                ids = list(everything())
            except Exception as error:
                failures = self._failures.get(key, 0) + 1
                # What lists one kind must not end the looks at all others.
                log.warning(
                    "resync skipped kind=%s failures=%d reason=%s",
                    kind,
                    failures,
                    error,
                    exc_info=not isinstance(error, Unavailable),
                )
                with self._changed:
                    self._failures[key] = failures
                continue
            with self._changed:
                self._failures.pop(key, None)
            for id in ids:
                # A key that backs off keeps its turn: the resync must not hammer a sick engine.
                if (kind, id) not in self._failures:
                    self._add((kind, id), 0)

    def _next_due(self) -> Key | None:
        while self._heap and len(self._running) < self._workers:
            due, _, key = self._heap[0]
            if self._due.get(key) != due:
                heapq.heappop(self._heap)  # was moved to another time
                continue
            if due > time.monotonic():
                return None
            heapq.heappop(self._heap)
            del self._due[key]
            if key in self._running:
                self._woken.add(key)
                continue
            return key
        return None

    def _seconds_to_wait(self) -> float:
        times = [self._resync_at]
        if self._heap and len(self._running) < self._workers:
            times.append(self._heap[0][0])
        return max(0.0, min(times) - time.monotonic())

    def _work(self, key: Key) -> None:
        kind, id = key
        after_s: float | None = None
        try:
            after_s = self._steps[kind](id).after_s
            failures = 0
        except Unavailable as error:
            failures = self._failures.get(key, 0) + 1
            log.warning("look postponed kind=%s id=%s failures=%d reason=%s", kind, id, failures, error)
        except Exception:
            failures = self._failures.get(key, 0) + 1
            log.exception("look failed kind=%s id=%s failures=%d", kind, id, failures)
        with self._changed:
            self._running.discard(key)
            woken = key in self._woken
            self._woken.discard(key)
            if failures:
                self._failures[key] = failures
                after_s = back_off_s(failures)
            else:
                self._failures.pop(key, None)
                after_s = 0 if woken else after_s
            self._changed.notify_all()
        if after_s is not None and not self._stopping:
            self._add(key, after_s)
