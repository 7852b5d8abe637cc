"""What jupyter-server says of itself, asked over its own REST API."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workbench.notebooks.session import PORT, base_path

_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Activity:
    """When a kernel or a terminal last did something, and whether a kernel is busy now.

    The server's own `last_activity` is not in it: an open browser tab moves it by polling.
    """

    last: datetime | None
    busy: bool


def answers(address: str, notebook_id: str) -> bool:
    """Whether the server can be used. What asks for a login (401, 403) is alive too."""
    status, _ = _get(address, f"{base_path(notebook_id)}api", "")
    return status in range(200, 300) or status in (401, 403)


def activity(address: str, notebook_id: str, token: str) -> Activity | None:
    """What is done in a session; None when it does not say, as it does while it is too busy to."""
    kernels_status, kernels = _get(address, f"{base_path(notebook_id)}api/kernels", token)
    if kernels_status != 200 or not isinstance(kernels, list):
        return None
    terminals_status, terminals = _get(address, f"{base_path(notebook_id)}api/terminals", token)
    if terminals_status != 200 or not isinstance(terminals, list):
        terminals = []  # a server without terminals has none that is used
    times = [_time(each.get("last_activity")) for each in kernels + terminals]
    known = [time for time in times if time is not None]
    return Activity(
        last=max(known, default=None), busy=any(each.get("execution_state") == "busy" for each in kernels)
    )


def _get(address: str, path: str, token: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, PORT, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"token {token}"} if token else {})
        response = connection.getresponse()
        body = response.read(2**20)
        return response.status, json.loads(body) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None  # not up, not HTTP, or not Jupyter: all the same for who asks
    finally:
        connection.close()


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
