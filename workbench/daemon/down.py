"""How everything ends: the sessions, the gateway, and on request all that was ever made."""

from __future__ import annotations

import logging
import shutil
import time

from workbench import notebooks
from workbench.parts import Parts

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2
_ENDED_WITHIN_S = 100.0


def stop_sessions(parts: Parts) -> None:
    """Stop every session and the gateway, and wait until their containers are gone.

    Raises:
        EngineAway: The engine does not answer, so nothing can be stopped.
    """
    notebooks.stop_all(parts)
    deadline = time.monotonic() + _ENDED_WITHIN_S
    while (left := parts.runtime.list_pods(notebooks.KIND)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    if left:
        log.error("sessions still run count=%d", len(left))
    parts.gateway.stop()


def purge(parts: Parts) -> None:
    """Remove all that was ever made for this home: containers, networks, images, the home itself."""
    for pod in parts.runtime.list_pods():
        parts.runtime.remove_pod(pod)
    for network in parts.runtime.list_networks():
        parts.runtime.remove_network(network.name)
    if parts.runtime.shares_engine():
        log.info("images kept reason=another Workbench on this engine has containers")
    else:
        parts.images.remove_all()
    parts.storage.sweep([])
    parts.store.close()
    shutil.rmtree(parts.settings.home)
    log.info("home removed path=%s", parts.settings.home)
