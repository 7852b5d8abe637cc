"""What one process group has used, from the kernel's files: of a container, cheaply.

The files of a group are found once and then only read: five small files a sample, no question to
the engine. They are the group's own, so a process id that the kernel gives away again is not
mistaken for the container's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.node.cgroups import (
    UNIFIED,
    Hierarchy,
    ProcessGone,
    parse_counters,
    parse_groups,
    parse_hierarchies,
)


@dataclass(frozen=True, kw_only=True)
class GroupCounters:
    """Counted since the group was made, but for memory, which is its working set of now: what it
    uses, less the file cache that could be dropped at once. A counter that cannot be read is None;
    traffic too for a group that shares the machine's own network."""

    cpu_seconds: float
    memory_bytes: int
    read_bytes: int | None = None
    written_bytes: int | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None


@dataclass(frozen=True)
class GroupFiles:
    """Where a group's counters stand. `path` is the group's own, as `group_of` gives it for each
    process in it."""

    path: str
    unified: bool
    cpu: Path
    memory: Path
    io: Path | None
    traffic: Path | None

    def read(self) -> GroupCounters:
        """Read the counters.

        Raises:
            ProcessGone: The group is no more.
        """
        read_bytes, written_bytes = self._disk()
        received_bytes, sent_bytes = self._network()
        return GroupCounters(
            cpu_seconds=self._cpu_seconds(),
            memory_bytes=self._memory_bytes(),
            read_bytes=read_bytes,
            written_bytes=written_bytes,
            received_bytes=received_bytes,
            sent_bytes=sent_bytes,
        )

    def _cpu_seconds(self) -> float:
        if self.unified:
            return parse_counters(_read(self.cpu / "cpu.stat"))["usage_usec"] / 1e6
        return int(_read(self.cpu / "cpuacct.usage")) / 1e9

    def _memory_bytes(self) -> int:
        used, idle = (
            ("memory.current", "inactive_file")
            if self.unified
            else ("memory.usage_in_bytes", "total_inactive_file")
        )
        dropped = parse_counters(_read(self.memory / "memory.stat")).get(idle, 0)
        return max(0, int(_read(self.memory / used)) - dropped)

    def _disk(self) -> tuple[int, int] | tuple[None, None]:
        if self.io is None:
            return None, None
        try:
            text = _read(self.io)
        except ProcessGone:
            return None, None  # a kernel without this counter, or a group that the next file tells of
        return parse_io_stat(text) if self.unified else parse_blkio(text)

    def _network(self) -> tuple[int, int] | tuple[None, None]:
        try:
            return parse_traffic(_read(self.traffic)) if self.traffic else (None, None)
        except ProcessGone:
            return None, None  # its first process ended; the group's other files tell what that means


def find_group(pid: int) -> GroupFiles:
    """Find the files of a process's group.

    Raises:
        ProcessGone: The process ended.
    """
    groups = parse_groups(_read(Path(f"/proc/{pid}/cgroup")))
    hierarchies = parse_hierarchies(_read(Path("/proc/self/mountinfo")))
    unified = "cpuacct" not in hierarchies
    own_network = _network_of(pid) != _network_of("self")
    return GroupFiles(
        path=_path(groups),
        unified=unified,
        cpu=_folder(hierarchies, groups, UNIFIED if unified else "cpuacct"),
        memory=_folder(hierarchies, groups, UNIFIED if unified else "memory"),
        io=_folder(hierarchies, groups, UNIFIED) / "io.stat" if unified else _blkio(hierarchies, groups),
        traffic=Path(f"/proc/{pid}/net/dev") if own_network else None,
    )


def group_of(pid: int) -> str:
    """The path of the group that a process is in, below or equal to a container's `GroupFiles.path`.

    Raises:
        ProcessGone: It ended.
    """
    return _path(parse_groups(_read(Path(f"/proc/{pid}/cgroup"))))


def is_within(group: str, outer: str) -> bool:
    """Whether a group is another one or below it. Nothing is within the root: that is the machine."""
    return outer != "/" and (group == outer or group.startswith(f"{outer}/"))


def parse_io_stat(text: str) -> tuple[int, int]:
    """Version 2's `io.stat`: bytes read and written, over all devices."""
    words = [word.partition("=") for line in text.splitlines() for word in line.split()[1:]]
    return _sum(words, "rbytes"), _sum(words, "wbytes")


def parse_blkio(text: str) -> tuple[int, int]:
    """Version 1's `blkio.throttle.io_service_bytes_recursive`: bytes read and written, over all devices."""
    words = [(words[1], "", words[2]) for line in text.splitlines() if len(words := line.split()) == 3]
    return _sum(words, "Read"), _sum(words, "Write")


def parse_traffic(text: str) -> tuple[int, int]:
    """`/proc/<pid>/net/dev`: bytes received and sent, over all interfaces but the loopback."""
    rows = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    counts = [numbers.split() for name, numbers in rows if name.strip() != "lo"]
    return sum(int(row[0]) for row in counts), sum(int(row[8]) for row in counts)


def _sum(words: Iterable[tuple[str, str, str]], name: str) -> int:
    return sum(int(number) for key, _, number in words if key == name)


def _path(groups: Mapping[str, str]) -> str:
    return groups.get("cpuacct") or groups[UNIFIED]


def _folder(hierarchies: Mapping[str, Hierarchy], groups: Mapping[str, str], controller: str) -> Path:
    return hierarchies[controller].folder(groups[controller])


def _blkio(hierarchies: Mapping[str, Hierarchy], groups: Mapping[str, str]) -> Path | None:
    if "blkio" not in hierarchies or "blkio" not in groups:
        return None
    return _folder(hierarchies, groups, "blkio") / "blkio.throttle.io_service_bytes_recursive"


def _network_of(pid: int | str) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError as error:
        raise ProcessGone(f"Process {pid} cannot be looked at any more.") from error


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ProcessGone(f"{path} cannot be read any more.") from error
