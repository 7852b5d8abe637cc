"""Ports for servers under test, which nobody else on the machine has or takes meanwhile."""

from __future__ import annotations

import errno
import random
import socket
from pathlib import Path

_UNPRIVILEGED = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""Out of this range the kernel gives ports to whoever connects somewhere."""
_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port that is free on both loopbacks, and this process's own as long as it lives."""
    first, last = map(int, _RANGE.read_text().split())
    never_given = [*range(_UNPRIVILEGED, first), *range(last + 1, 65_536)]
    for port in random.sample(never_given, len(never_given)):
        if _is_free(port) and _reserve(port):
            return port
    raise AssertionError(f"no port is free beside {first} to {last}")


def _is_free(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def _reserve(port: int) -> bool:
    """Keep other tests away from it, by a name that the kernel gives to one process, until that ends."""
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0workbench-tests-port-{port}")
    except OSError:
        name.close()
        return False
    _reserved.append(name)
    return True
