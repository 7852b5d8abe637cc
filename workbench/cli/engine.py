"""Whether a Docker engine answers, and what to do when none does.

Asked by hand over its socket: commands never load the Docker SDK.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from urllib.parse import urlsplit

from workbench.errors import EngineAway
from workbench.settings import BadSetting

_ANSWER_WITHIN_S = 5.0
_PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


def check(docker_host: str) -> None:
    """See that the engine answers.

    Args:
        docker_host: As in the settings: `unix:///path` or `tcp://host:port`.

    Raises:
        BadSetting: This is no address.
        EngineAway: It does not; the hint says what to do.
    """
    check_address(docker_host)
    try:
        with _connected(docker_host) as connection:
            connection.sendall(_PING)
            answer = connection.recv(64)
    except FileNotFoundError as error:
        raise _not_there(docker_host) from error
    except PermissionError as error:
        raise EngineAway(
            f"The Docker engine at {docker_host} may not be used by this user.",
            hint="Run `sudo usermod -aG docker $USER`, then log out and in again.",
        ) from error
    except OSError as error:
        raise EngineAway(
            f"The Docker engine at {docker_host} does not answer: {error.strerror or error}.",
            hint="Start it: `sudo systemctl start docker`, or `scripts/up` where there is no systemd.",
        ) from error
    if not answer.startswith(b"HTTP/1.1 200"):
        raise EngineAway(f"What answers at {docker_host} is not a Docker engine.", hint="Check docker_host.")


def check_address(docker_host: str) -> None:
    """See that an engine's address is one, whether or not an engine answers there.

    Raises:
        BadSetting: It is none.
    """
    try:
        address = urlsplit(docker_host)
        _ = address.port, (address.hostname or "").encode("idna")
    except ValueError as error:
        raise BadSetting(
            f"docker_host is {docker_host!r}; unix:///path or tcp://host:port is wanted."
        ) from error


def _connected(docker_host: str) -> socket.socket:
    address = urlsplit(docker_host)
    if address.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_ANSWER_WITHIN_S)
        connection.connect(address.path)
        return connection
    return socket.create_connection((address.hostname, address.port or 2375), timeout=_ANSWER_WITHIN_S)


def _not_there(docker_host: str) -> EngineAway:
    if shutil.which("dockerd") or Path("/usr/sbin/dockerd").exists():
        return EngineAway(
            f"The Docker engine is installed and does not run: {docker_host} is missing.",
            hint="Start it: `sudo systemctl start docker`, or `scripts/up` where there is no systemd.",
        )
    return EngineAway(
        f"There is no Docker engine at {docker_host}.",
        hint="Install it: `sudo apt-get install docker.io`, or run `scripts/up` in a checkout of Workbench.",
    )
