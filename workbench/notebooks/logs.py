"""What a notebook's container wrote: while it is there from the engine, afterwards from a file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from workbench.notebooks.session import KIND
from workbench.parts import Parts
from workbench.runtime import LogLine, PodGone, read_saved
from workbench.settings import Settings
from workbench.wire.times import to_wire


def saved(settings: Settings, notebook_id: str) -> Path:
    """Where the log of the last container is kept once that is gone."""
    return settings.logs / KIND / f"{notebook_id}.log"


async def lines(
    parts: Parts, notebook_id: str, *, tail: int | None, follow: bool
) -> AsyncIterator[Mapping[str, Any]]:
    """The last lines, and with `follow` what comes after, until the container ends.

    Nothing at all where the notebook never ran.
    """
    pod = await asyncio.to_thread(parts.runtime.find_pod, KIND, notebook_id)
    if pod is None:
        path = saved(parts.settings, notebook_id)
        if path.exists():
            for line in await asyncio.to_thread(lambda: list(read_saved(path, tail))):
                yield _to_wire(line)
        return
    stream = parts.runtime.logs(pod, tail=tail, follow=follow)
    try:
        with contextlib.suppress(PodGone):
            iterator = iter(stream)
            while (line := await asyncio.to_thread(next, iterator, None)) is not None:
                yield _to_wire(line)
    finally:
        stream.close()


def _to_wire(line: LogLine) -> dict[str, Any]:
    return {"Time": to_wire(line.time, milliseconds=True), "Stream": line.stream, "Text": line.text}
