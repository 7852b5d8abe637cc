"""What an engine that was killed leaves behind, and how it goes away.

Everything is found by the engine's own folders, so nothing of another engine is touched.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def end_process(pid: int, how: signal.Signals, *, within_s: float = 30) -> bool:
    """Send a signal and wait until the process is really gone; False when time is up."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        signal.pidfd_send_signal(watched, how)
        return bool(select.select([watched], [], [], within_s)[0])
    except ProcessLookupError:
        return True
    finally:
        os.close(watched)


def end_processes(*marks: str) -> None:
    """Kill every process with one of these in its command line: an engine's, its containers first."""
    ours = [pid for pid in _pids() if any(mark in _command(pid) for mark in marks)]
    shims = [pid for pid in ours if "containerd-shim" in _command(pid)]
    containers = [pid for pid in _pids() if _parent(pid) in shims]
    for pid in [*containers, *shims, *ours]:
        end_process(pid, signal.SIGKILL)


def unmount(folder: Path) -> None:
    """Unmount everything below, the innermost first."""
    for point in reversed(_mounts_below(folder)):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def remove_cgroups(data_root: Path) -> None:
    """Remove the empty cgroups of this engine's containers."""
    containers = data_root / "containers"
    for container in containers.iterdir() if containers.is_dir() else ():
        name = container.name
        for pattern in (f"*/docker/{name}", f"docker/{name}", f"system.slice/docker-{name}.scope"):
            for group in Path("/sys/fs/cgroup").glob(pattern):
                with suppress(OSError):
                    group.rmdir()


def _mounts_below(folder: Path) -> list[str]:
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [point for point in points if point.startswith(f"{folder}/")]


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").glob("[0-9]*"))


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
