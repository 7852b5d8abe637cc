"""Room on the disk: below the floor, nothing new is begun."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.errors import WorkbenchError


class DiskAlmostFull(WorkbenchError):
    """New work would fill the disk; what runs goes on, reading and deleting work."""

    code = "DiskAlmostFull"
    status = 507


def expect_room(path: Path, floor_gib: float) -> None:
    """Refuse to begin something new where the disk is almost full.

    Args:
        path: Any directory on that disk.
        floor_gib: Free space below which nothing is begun.

    Raises:
        DiskAlmostFull: There is less.
    """
    free_gib = shutil.disk_usage(path).free / 2**30
    if free_gib < floor_gib:
        raise DiskAlmostFull(
            f"The disk of {path} has {free_gib:.1f} GiB left, less than the floor of {floor_gib:g} GiB.",
            hint="Delete what is not needed, or lower the setting disk_floor_gib.",
        )
