"""What a notebook's container wrote: while it is there from the engine, afterwards from a file."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
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
            for line in await asyncio.to_thread(lambda: list(read_saved(path, tail=tail))):
                yield _to_wire(line)
        return
    with contextlib.suppress(PodGone):
        stream = await asyncio.to_thread(partial(parts.runtime.logs, pod, tail=tail, follow=follow))
        with contextlib.closing(stream):
            iterator = iter(stream)
            while lines := await asyncio.to_thread(_next, iterator):
                yield _to_wire(lines[0])


def _next(iterator: Iterator[LogLine]) -> list[LogLine]:
    """The next line, nothing at the end: StopIteration cannot leave a thread's future."""
    return list(itertools.islice(iterator, 1))


def _to_wire(line: LogLine) -> dict[str, Any]:
    return {"Time": to_wire(line.time, milliseconds=True), "Stream": line.stream, "Text": line.text}
