"""How much space directories take.

Counted by `du` and not here: a process of its own can be made to wait for everybody else's work
and holds no lock of ours while it walks. What counts are blocks, not lengths; a file with
several names counts once; links and other file systems are not followed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import Unavailable

_COUNT = ("nice", "-n", "19", "du", "--summarize", "--total", "--one-file-system", "--block-size=1")


class NotCounted(Unavailable):
    """The space that files take could not be counted."""

    code = "DiskUsageUnknown"


def disk_bytes(folders: Sequence[Path]) -> int:
    """Bytes on disk of all these directories together; one that is not there takes none.

    Files that come or go meanwhile may count or not.

    Raises:
        NotCounted: `du` could not be run, or said nothing.
    """
    there = [each for each in folders if each.exists()]
    if not there:
        return 0
    try:
        counted = subprocess.run(
            [*_COUNT, "--", *there],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        return int(counted.stdout.splitlines()[-1].split("\t")[0])
    except (OSError, IndexError, ValueError) as error:
        raise NotCounted(f"The space that {there[0]} takes could not be counted: {error}.") from error
