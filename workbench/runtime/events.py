"""What happens to our pods, as it happens.

The engine keeps its last few hundred events only and forgets them when it restarts. So
nothing may depend on an event: after each connection the listener is told to look at
everything, and an event only says where to look next.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from docker.errors import NotFound
from docker.types import CancellableStream

from workbench.errors import WorkbenchError
from workbench.runtime.containers import HOME, ID, KIND
from workbench.runtime.engine import Engine, hang_up
from workbench.runtime.pods import PodEvent

log = logging.getLogger(__name__)

_FIRST_BACK_OFF_S = 0.2
_LONGEST_BACK_OFF_S = 10.0

_ACTIONS = {
    "start": PodEvent.STARTED,
    "die": PodEvent.ENDED,
    "oom": PodEvent.OUT_OF_MEMORY,
    "destroy": PodEvent.GONE,
}

OnEvent = Callable[[PodEvent, str, str], None]
"""Called with the event and the kind and id of what it happened to."""


class Watch:
    """A thread that listens until it is told to stop, across any number of engine restarts.

    Args:
        engine: Where to listen.
        home_id: Whose pods.
        on_event: Told of each event.
        on_connected: Told after each connection, before any event of it: look at everything.
    """

    def __init__(
        self, engine: Engine, home_id: str, on_event: OnEvent, on_connected: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._home_id = home_id
        self._on_event = on_event
        self._on_connected = on_connected
        self._lock = threading.Lock()
        self._stream: CancellableStream | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more. Nothing is told after this returns."""
        with self._lock:
            self._stopping.set()
            if self._stream is not None:
                hang_up(self._stream)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5)  # an engine that hangs while we connect cannot be interrupted

    def _run(self) -> None:
        back_off_s = _FIRST_BACK_OFF_S
        while not self._stopping.is_set():
            try:
                self._listen()
                back_off_s = _FIRST_BACK_OFF_S
            except (WorkbenchError, NotFound) as error:
                log.warning("engine events lost retry_s=%.1f reason=%s", back_off_s, error)
            except Exception:
                log.exception("engine events lost retry_s=%.1f", back_off_s)
            self._stopping.wait(back_off_s)
            back_off_s = min(back_off_s * 2, _LONGEST_BACK_OFF_S)

    def _listen(self) -> None:
        filters = {"type": "container", "label": f"{HOME}={self._home_id}", "event": list(_ACTIONS)}
        with self._engine.open() as docker:
            stream = docker.events(filters=filters, decode=True)
        try:
            with self._lock:
                if self._stopping.is_set():
                    return
                self._stream = stream
            log.info("engine events followed")
            self._on_connected()
            for event in stream:
                if self._stopping.is_set():
                    return
                self._tell(event)
        finally:
            with self._lock:
                self._stream = None
            hang_up(stream)

    def _tell(self, event: Mapping[str, Any]) -> None:
        labels = event["Actor"]["Attributes"]
        if what := _ACTIONS.get(event["Action"]):
            self._on_event(what, labels[KIND], labels[ID])
