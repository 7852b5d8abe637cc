"""What every answer looks like: a JSON object with a request id, never anything else.

PAI's clients cannot read an empty answer, and look for `Code`, `Message` and `RequestId` in one
that says no.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import WorkbenchError
from workbench.wire.operations import Operation

_DSW_WRAPPING = {"Success": True, "Code": "", "Message": "", "HttpStatusCode": 200}


def success(operation: Operation, fields: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """The answer of an operation, wrapped as its service wraps it."""
    wrapping = _DSW_WRAPPING if operation.service == "dsw" else {}
    return {"RequestId": request_id, **declared(operation, wrapping), **fields}


def declared(operation: Operation, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation declares, of an object of which others say more."""
    return {name: value for name, value in fields.items() if name in operation.response}


def refusal(error: WorkbenchError, request_id: str, *, service: str = "") -> dict[str, Any]:
    """The answer that says what could not be done, why, and what to do about it."""
    body = {"Code": error.code, "Message": str(error), "RequestId": request_id}
    if service == "dsw":
        return {**body, "Success": False, "HttpStatusCode": error.status}
    return body


def refusal_headers(error: WorkbenchError) -> Mapping[str, str]:
    """Headers that go with a refusal: when to try again, where that is known.

    PAI's clients raise whatever comes with such a time as throttling, which ends by itself.
    """
    wait_s = error.retry_after_s
    return {"x-acs-retry-after": str(wait_s)} if wait_s else {}
