"""The output of pods whose containers are gone.

Kept in the text form that Kubernetes' container runtimes write: time, stream, a tag and the
line's own bytes, which `less` and every log collector can read. The tag is F where the line
ended with a newline and P where it did not, so nothing that a pod wrote is lost or added.

Source: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from workbench.runtime.logs import LogLine


def write(path: Path, lines: Iterable[LogLine]) -> None:
    """Write all lines to a file; it is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.writelines(_record(line) for line in lines)
        file.flush()
        os.fsync(file.fileno())  # the container is removed next, and with it the only other copy
    part.replace(path)


def read_saved(path: Path, *, tail: int | None = None) -> Iterator[LogLine]:
    """Read the lines back.

    Args:
        path: Where they were saved.
        tail: Only so many, counted from the end; None: all.

    Raises:
        FileNotFoundError: Nothing was saved there.
    """
    with path.open("rb") as file:
        records = file if tail is None else deque(file, maxlen=tail)
        for record in records:
            yield _line(record)


def _record(line: LogLine) -> bytes:
    time = line.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    tag = "F" if line.ended else "P"
    return f"{time} {line.stream} {tag} ".encode() + line.data + b"\n"


def _line(record: bytes) -> LogLine:
    time, stream, tag, data = record.removesuffix(b"\n").split(b" ", 3)
    return LogLine(datetime.fromisoformat(time.decode()), stream.decode(), data, tag == b"F")
