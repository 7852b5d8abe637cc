"""What a container should be and what one is, as plain data.

A pod is one container of ours: a notebook has one, a training job has one for each node.
Its labels say what it belongs to, so that Docker is the only list of containers there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Bind:
    """A directory or file of this machine inside a pod.

    `source` must be a path that no user can change (a pin, or a file of ours): Docker follows
    a symbolic link on the host.
    """

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class PodPlan:
    """A pod that should run.

    `kind`, `id` and `pod` name it (`notebook`, `dsw-1f…`, `main`); `generation` counts the
    times its owner started it, so that a leftover of an earlier start is told from this one.
    `gpus` are UUIDs. `user` is `uid:gid`. `network` is one of ours by its name, `host` for this
    machine's own, or empty for none at all.
    """

    kind: str
    id: str
    pod: str = "main"
    generation: int
    image: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    groups: tuple[str, ...] = ()
    workdir: str = ""
    hostname: str = ""
    cpus: float = 0
    memory_bytes: int = 0
    shm_bytes: int = 0
    pids: int = 0
    gpus: tuple[str, ...] = ()
    binds: tuple[Bind, ...] = ()
    network: str = ""
    log_cap_bytes: int = 50 * 2**20
    stop_signal: str = "SIGTERM"


class PodState(StrEnum):
    """Docker's states, as far as they make a difference to us."""

    CREATED = "created"
    """Made and not started: a start that failed or was interrupted."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A container of ours as the engine sees it now.

    `error` is what the engine said when a start failed. `exit_code` is 128 plus the signal
    for a process that was killed; None while it runs. `oom_killed` is true even where only a
    child was killed. `address` is its IP on our network, empty while it has none. `plan` is
    the digest of the plan it was made by. `gpus` are the UUIDs of the cards that it was given.
    """

    kind: str
    id: str
    pod: str
    generation: int
    container: str
    name: str
    state: PodState
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    address: str = ""
    image: str = ""
    pid: int = 0
    plan: str = ""
    gpus: tuple[str, ...] = ()


class PodEvent(StrEnum):
    """What the engine tells about pods while we listen."""

    STARTED = "started"
    ENDED = "ended"
    OUT_OF_MEMORY = "oom"
    GONE = "gone"
