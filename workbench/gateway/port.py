"""Whether the one port can be listened on, and if not, why."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

import psutil

_ANOTHER_PORT = "give Workbench another port (WORKBENCH_PORT, or port in config.toml)"


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    return _problem("::1", 0) is None


def why_not(hosts: Iterable[str], port: int) -> str:
    """Try to listen there.

    Returns:
        What stands in the way and what to do, in words; empty if nothing does.
    """
    return " ".join(obstacle(hosts, port))


def obstacle(hosts: Iterable[str], port: int) -> tuple[str, str] | tuple[()]:
    """Try to listen there.

    Returns:
        What stands in the way, and what to do; nothing if nothing does.
    """
    for host in hosts:
        match _problem(host, port):
            case None:
                continue
            case errno.EADDRINUSE:
                return (
                    f"Port {port} on {host} is taken by {_holder(port)}.",
                    f"Stop it, or {_ANOTHER_PORT}.",
                )
            case errno.EADDRNOTAVAIL:
                return f"This machine has no address {host}.", "Set host to one that it has."
            case errno.EACCES:
                return f"This user may not listen on port {port}.", "Choose one above 1023."
            case number:
                why = errno.errorcode.get(number, number)
                return f"Nothing can listen on {host}, port {port}: {why}.", f"Mend that, or {_ANOTHER_PORT}."
    return ()


def host_of(address: str) -> str:
    """The host of an address as HAProxy spells it."""
    return address.rpartition(":")[0].strip("[]")


def _problem(host: str, port: int) -> int | None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
            # As HAProxy does: connections that have ended hold no port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(1)
    except OSError as error:
        return error.errno
    return None


def _holder(port: int) -> str:
    try:
        for each in psutil.net_connections(kind="tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return f"{psutil.Process(each.pid).name()} (process {each.pid})"
    except psutil.Error:
        pass
    return f"another user's process (`sudo ss -ltnp sport = :{port}` names it)"
