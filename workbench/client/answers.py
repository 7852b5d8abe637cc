"""From what came back to a mapping or to an error of ours.

Pure: status and bytes in, data out. Whoever calls never sees HTTP.
"""

from __future__ import annotations

import json
from typing import Any

from workbench.errors import Unavailable, WorkbenchError


class ClientError(WorkbenchError):
    """The daemon refused, or failed; it says why.

    Args:
        message: The daemon's own words, which say what to do.
        code: The daemon's code, for programs.
        status: The HTTP status, which tells the kind of error.
        request_id: Finds the log line of an error that the daemon did not expect.
    """

    def __init__(self, message: str, *, code: str, status: int, request_id: str = "") -> None:
        super().__init__(message, code=code)
        self.status = status
        self.request_id = request_id


class DaemonAway(Unavailable):
    """Nobody answers."""

    code = "DaemonAway"


def read(status: int, content: bytes) -> dict[str, Any]:
    """An answer's fields.

    Raises:
        ClientError: The answer is an error, or not an answer of Workbench at all.
    """
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ClientError(
            f"What answered is not Workbench: status {status} without a JSON object.",
            code="NotWorkbench",
            status=502,
        )
    if status < 400:
        return answer
    raise _refusal(answer, status)


def read_line(line: bytes) -> dict[str, Any]:
    """One line of a stream; empty for a heartbeat.

    Raises:
        ClientError: The line says why the stream breaks off.
        DaemonAway: The daemon stops, and says so before.
    """
    if not line.strip():
        return {}
    content = read(200, line)
    if {"Code", "RequestId"} <= content.keys():
        if content["Code"] == DaemonAway.code:
            raise DaemonAway(content["Message"])
        raise _refusal(content, 500)
    return content


def _refusal(answer: dict[str, Any], status: int) -> ClientError:
    return ClientError(
        str(answer.get("Message") or f"The request failed with status {status}."),
        code=str(answer.get("Code") or "InternalError"),
        status=status,
        request_id=str(answer.get("RequestId") or ""),
    )
