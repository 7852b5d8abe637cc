"""Which containers run, without asking the engine for each sample.

The engine is asked again only when it told of a change, in a thread of its own: while it is slow
or away, the containers that were known are sampled on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from workbench.errors import WorkbenchError
from workbench.runtime import Pod, PodState

log = logging.getLogger(__name__)

_BETWEEN_LOOKS_S = 1.0
"""Changes come in swarms; one look serves them all."""

_RETRY_S = 5.0


class KnownPods:
    """The pods that ran when the engine last answered.

    Args:
        look: Lists all pods, however long it takes.
    """

    def __init__(self, look: Callable[[], list[Pod]]) -> None:
        self._look = look
        self._pods: tuple[Pod, ...] = ()
        self._reason = "The engine has not answered yet."
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="known-pods", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._changed.set()
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look under way is not waited for."""
        self._stopping.set()
        self._changed.set()

    def changed(self) -> None:
        """Something was started or has ended. Returns at once."""
        self._changed.set()

    @property
    def running(self) -> tuple[Pod, ...]:
        """The pods that run, as far as is known."""
        return self._pods

    @property
    def stale(self) -> str:
        """Why this may be out of date; empty when it is not."""
        return self._reason

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._stopping.is_set():
                return
            self._changed.clear()
            self._stopping.wait(_BETWEEN_LOOKS_S if self._take_stock() else _RETRY_S)

    def _take_stock(self) -> bool:
        try:
            pods = self._look()
        except WorkbenchError as error:
            self._reason = str(error)
        except Exception:
            log.exception("pods not listed")
            self._reason = "The containers could not be listed; the daemon's log says why."
        else:
            self._pods = tuple(pod for pod in pods if pod.state is PodState.RUNNING and pod.pid)
            self._reason = ""
            return True
        self._changed.set()
        return False
