"""How everything ends: the sessions, the gateway, and on request all that was ever made."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from workbench import notebooks
from workbench.errors import Conflict
from workbench.parts import Parts
from workbench.runtime import NetworkInUse

log = logging.getLogger(__name__)


class HomeInUse(Conflict):
    """Something is mounted in the home, so it cannot be removed."""

    code = "HomeInUse"

    def __init__(self, home: Path, mounts: list[str]) -> None:
        super().__init__(
            f"{home} stays: {', '.join(mounts[:3])} is mounted in it.",
            hint="Unmount that, then purge again.",
        )


_LOOK_EVERY_S = 0.2
_ENDED_WITHIN_S = 100.0


def stop_sessions(parts: Parts) -> None:
    """Stop every session, and wait until their containers are gone.

    Raises:
        EngineAway: The engine does not answer, so nothing can be stopped.
    """
    notebooks.stop_all(parts)
    deadline = time.monotonic() + _ENDED_WITHIN_S
    while (left := parts.runtime.list_pods(notebooks.KIND)) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    if left:
        log.error("sessions still run count=%d", len(left))


def purge(parts: Parts) -> None:
    """Remove all that was ever made for this home: containers, networks, images, the home itself."""
    for pod in parts.runtime.list_pods():
        parts.runtime.remove_pod(pod)
    for network in parts.runtime.list_networks():
        try:
            parts.runtime.remove_network(network.name)
        except NetworkInUse as error:  # an engine that counts a container which is gone: its restart helps
            log.warning("network kept network=%s reason=%s", network.network, error)
    if parts.runtime.shares_engine():
        log.info("images kept reason=another Workbench uses this engine")
    else:
        parts.images.remove_all()
    parts.storage.sweep([])
    parts.store.close()
    _remove(parts.settings.home)


def _remove(home: Path) -> None:
    # Below a mount there are files that are not ours: whatever was not unmounted stops the removal.
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    inside = [each for each in mounts if each.startswith(f"{home}/")]
    if inside:
        raise HomeInUse(home, inside)
    shutil.rmtree(home)
    log.info("home removed path=%s", home)
