"""What a capability is handed.

Everything that does something outside is in here, made once by `daemon.py`; there are no
globals. A test makes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.wire.call import Call, Dialogue, Redirect, Stream, Text
from workbench.wire.operations import Operation

if TYPE_CHECKING:
    from workbench.gateway import Gateway
    from workbench.node import Node
    from workbench.runtime import Runtime
    from workbench.runtime.images import Images
    from workbench.settings import Settings
    from workbench.storage import Storage
    from workbench.store import Store
    from workbench.store.vault import Vault
    from workbench.telemetry import Live
    from workbench.workqueue import WorkQueue


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The machine as a capability sees it. `now` gives aware UTC times."""

    settings: Settings
    store: Store
    vault: Vault
    runtime: Runtime
    images: Images
    node: Node
    storage: Storage
    gateway: Gateway
    queue: WorkQueue
    live: Live
    now: Callable[[], datetime]


Handler = Callable[[Parts, Call], Mapping[str, Any] | Stream | Dialogue | Text | Redirect]
"""Answers one operation. Runs in a thread of a bounded pool, so it may block, but not on Docker."""


@dataclass(frozen=True)
class Route:
    """An operation and what answers it. An open one asks for no credentials: it checks what it is sent.
    One that talks answers with a dialogue, and is asked for with a WebSocket."""

    operation: Operation
    answer: Handler
    open: bool = False
    talks: bool = False
