"""The kernel's cgroup files, versions 1 and 2: how to read them, and what limits this machine itself.

The parsers are pure and take the files' texts. What one group has used is in `group_counters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import NotFound

UNIFIED = ""
"""The name under which version 2's single hierarchy stands among version 1's controllers."""

_NO_LIMIT = 2**60
"""Version 1 writes a limit near 2**63 where there is none."""


class ProcessGone(NotFound):
    """The process ended before it could be looked at."""

    code = "ProcessGone"


@dataclass(frozen=True)
class Hierarchy:
    """Where a hierarchy is mounted, and which of its groups the mount shows as its root."""

    root: str
    place: Path

    def folder(self, group: str) -> Path:
        """The directory of a group."""
        below = group.removeprefix(self.root) if self.root != "/" else group
        return self.place / below.strip("/")


def parse_groups(text: str) -> Mapping[str, str]:
    """`/proc/<pid>/cgroup`: the group by controller."""
    groups: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, group = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), group)
    return groups


def parse_hierarchies(mountinfo: str) -> Mapping[str, Hierarchy]:
    """`/proc/self/mountinfo`: the hierarchy by controller."""
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, place = before.split(" ")[3:5]
        match kind:
            case "cgroup2":
                found[UNIFIED] = Hierarchy(root, Path(place))
            case "cgroup":
                found |= dict.fromkeys(options.split(","), Hierarchy(root, Path(place)))
    return found


def parse_counters(text: str) -> Mapping[str, int]:
    """`cpu.stat`, `memory.stat`: a name and a number on each line."""
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}


def parse_limit(text: str) -> int | None:
    """A limit in bytes or a count; None where there is none."""
    return None if text.strip() == "max" or int(text) >= _NO_LIMIT else int(text)


def parse_cpu_max(text: str) -> float | None:
    """Version 2's `cpu.max`: how many CPUs; None where there is no limit."""
    quota, period = text.split()
    return None if quota == "max" else int(quota) / int(period)


def machine_memory_limit() -> int | None:
    """The limit on everything we can see, in bytes: set where we are inside a container."""
    hierarchies = _hierarchies()
    if memory := hierarchies.get("memory"):
        return parse_limit(_read(memory.place / "memory.limit_in_bytes"))
    limit = hierarchies[UNIFIED].place / "memory.max" if UNIFIED in hierarchies else None
    return parse_limit(_read(limit)) if limit and limit.exists() else None


def machine_cpu_limit() -> float | None:
    """The limit on everything we can see, in CPUs: set where we are inside a container."""
    hierarchies = _hierarchies()
    if cpu := hierarchies.get("cpu"):
        quota = cpu.place / "cpu.cfs_quota_us"
        period = cpu.place / "cpu.cfs_period_us"
        return int(_read(quota)) / int(_read(period)) if quota.exists() and int(_read(quota)) > 0 else None
    limit = hierarchies[UNIFIED].place / "cpu.max" if UNIFIED in hierarchies else None
    return parse_cpu_max(_read(limit)) if limit and limit.exists() else None


def _hierarchies() -> Mapping[str, Hierarchy]:
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ProcessGone(f"{path} cannot be read any more.") from error
