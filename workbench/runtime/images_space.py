"""Whether the engine's disk has room for one more image."""

from __future__ import annotations

import shutil

from workbench.errors import Conflict
from workbench.runtime.engine import Engine

_GIB = 2**30


class NoSpace(Conflict):
    """The engine's disk is too full for an image."""

    code = "DiskFull"

    def __init__(self, *, what: str, where: str, free_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            f"{what} needs {needed_bytes / _GIB:.1f} GiB of free disk, "
            f"and {where} has {max(free_bytes, 0) / _GIB:.1f} GiB left.",
            hint="Free some space; `docker system df` shows what Docker uses.",
        )


def check_space(engine: Engine, what: str, needed_bytes: float) -> None:
    """Refuse what would fill the engine's disk; an engine on another machine is not checked.

    Raises:
        NoSpace: Less than `needed_bytes` is free.
        EngineAway: The engine does not answer.
    """
    where = engine.facts().root_dir
    try:
        free_bytes = shutil.disk_usage(where).free
    except OSError:
        return
    if free_bytes < needed_bytes:
        raise NoSpace(what=what, where=where, free_bytes=free_bytes, needed_bytes=int(needed_bytes))
