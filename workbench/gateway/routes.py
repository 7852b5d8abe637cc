"""Which URL leads to which container.

Pure data, checked when it is made: whatever is in a route may be written into HAProxy's
configuration, its map files and its command socket, so nothing that could end a word or a
line gets into one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

from workbench.errors import InvalidInput

_ID = re.compile(r"(dsw|web)-[0-9a-z]{1,40}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")


class BadRoute(InvalidInput):
    """A route that the gateway cannot be given."""

    code = "BadRoute"


class Phase(StrEnum):
    """What a visitor of a notebook finds."""

    READY = "ready"
    STARTING = "starting"
    """A page that says so and looks again by itself."""
    STOPPED = "stopped"


@dataclass(frozen=True)
class Server:
    """Where a container listens. One that is not in use only waits for its removal."""

    address: str
    port: int
    in_use: bool = True

    @property
    def endpoint(self) -> str:
        """Address and port as HAProxy spells them."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class NotebookRoute:
    """One notebook as the gateway knows it, or a user's dashboard, which is let in the same way.

    `address` (an IP) and `port` are its container's, needed only while it is ready.
    `cookie` opens its own origin to a browser, `access_token` the plain path to programs,
    `jupyter_token` is what Jupyter itself wants to see and no client ever does. Each is 16
    to 128 characters of the URL-safe base64 alphabet (`secrets.token_urlsafe(32)`). `revision` tells which
    of two is the newer one, where one that says the same is as good as the other.
    """

    id: str
    phase: Phase = Phase.READY
    address: str = ""
    port: int = 0
    jupyter_token: str
    access_token: str
    cookie: str
    revision: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise BadRoute(f"{self.id!r} is neither a notebook's id nor a dashboard's.")
        for name in ("jupyter_token", "access_token", "cookie"):
            if not _SECRET.fullmatch(getattr(self, name)):
                raise BadRoute(f"The {name} of {self.id} is not 16 to 128 URL-safe characters.")
        if self.phase is Phase.READY:
            _check_address(self)

    @property
    def record(self) -> str:
        """What the configuration's rules read of this notebook, taken apart by them at each colon."""
        return f"{self.phase}:{self.cookie}:{self.access_token}:{self.jupyter_token}"

    @property
    def server(self) -> Server | None:
        """Where requests go; None while nothing could answer them."""
        return Server(self.address, self.port) if self.phase is Phase.READY else None


def _check_address(route: NotebookRoute) -> None:
    try:
        canonical = str(ip_address(route.address))
    except ValueError as error:
        raise BadRoute(f"The address of {route.id} is {route.address!r}, not an IP.") from error
    if canonical != route.address or "%" in canonical:  # an IPv6 zone is free text
        raise BadRoute(f"The address of {route.id} is {route.address!r}, not an IP as it is usually written.")
    if not 1 <= route.port <= 65535:
        raise BadRoute(f"The port of {route.id} is {route.port}, not from 1 to 65535.")
