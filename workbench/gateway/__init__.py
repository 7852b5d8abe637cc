"""Which URL leads to which container: the one port, held by HAProxy in a container.

`Gateway` is handed routes and keeps the container and what it knows in step with them. All
that a request may reach is decided in `haproxy.cfg`.
"""

from workbench.gateway.gateway import (
    IMAGE,
    KIND,
    Gateway,
    GatewayFilesUnwritable,
    GatewayState,
    GatewayStatus,
)
from workbench.gateway.routes import BadRoute, NotebookRoute, Phase

__all__ = [
    "IMAGE",
    "KIND",
    "BadRoute",
    "Gateway",
    "GatewayFilesUnwritable",
    "GatewayState",
    "GatewayStatus",
    "NotebookRoute",
    "Phase",
]
