"""The network of each workspace, and its end: an engine has addresses for some thirty networks.

Whoever starts something makes the network of its workspace where it is missing. Here it goes once its
workspace is off the record and nothing is connected any more, whatever came between.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from workbench.parts import Parts
from workbench.runtime import NetworkInUse
from workbench.workqueue import NOT_UNTIL_WOKEN, Again
from workbench.workspaces import records

log = logging.getLogger(__name__)

KIND = "network"

_PREFIX = "workspace-"
_IN_USE = Again(5)


def name_of(workspace_id: str) -> str:
    """What the network of a workspace is called."""
    return f"{_PREFIX}{workspace_id}"


def names(parts: Parts) -> Iterable[str]:
    """The networks of this home's workspaces that the engine has.

    Raises:
        EngineAway: It does not answer.
    """
    return [each.name for each in parts.runtime.list_networks() if each.name.startswith(_PREFIX)]


def reconcile(parts: Parts, name: str) -> Again:
    """Remove a network whose workspace is off the record.

    Raises:
        EngineAway: The engine does not answer; nothing was concluded.
    """
    with parts.store.reading() as db:
        wanted = {name_of(each) for each in records.ids(db)}
    if name in wanted:
        return NOT_UNTIL_WOKEN
    try:
        parts.runtime.remove_network(name)
    except NetworkInUse:
        return _IN_USE
    log.info("network removed name=%s", name)
    return NOT_UNTIL_WOKEN
