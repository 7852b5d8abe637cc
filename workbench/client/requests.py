"""From an operation and its fields to what is sent.

Pure: the operation's table says whether a field travels in the path, the query or the body,
so a caller only names fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from workbench import __version__
from workbench.errors import InvalidInput
from workbench.wire.operations import Operation
from workbench.wire.signatures import Request

_PATH_FIELD = re.compile(r"{(\w+)}")


def build(operation: Operation, fields: Mapping[str, Any], *, host: str) -> Request:
    """The request for an operation, not yet signed.

    Args:
        operation: What is asked.
        fields: By the names of the operation's table; a field that is None is not sent.
        host: The Host header, which signatures cover.

    Raises:
        InvalidInput: A value is not text in UTF-8, as what a shell passes on may be.
        TypeError: A path field is missing, or a field is not the operation's; a mistake in
            the calling code.
    """
    sent = {name: value for name, value in fields.items() if value is not None}
    for value in sent.values():
        _check_text(value)
    in_path = set(_PATH_FIELD.findall(operation.path))
    if missing := in_path - sent.keys():
        raise TypeError(f"{operation.action} needs {', '.join(sorted(missing))}")
    if unknown := sent.keys() - in_path - operation.query.keys() - operation.body.keys():
        raise TypeError(f"{operation.action} has no field {', '.join(sorted(unknown))}")

    body = {name: value for name, value in sent.items() if name in operation.body}
    content = json.dumps(body, separators=(",", ":")).encode() if operation.body else b""
    return Request(
        verb=operation.verb,
        raw_path=_PATH_FIELD.sub(lambda match: quote(str(sent[match[1]]), safe=""), operation.path),
        query="&".join(
            f"{quote(name, safe='')}={quote(_query_value(sent[name]), safe='')}"
            for name in operation.query
            if name in sent
        ),
        headers=_headers(operation, host, has_body=bool(content)),
        body=content,
    )


def _check_text(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{value!a} is not text in UTF-8.") from error


def _headers(operation: Operation, host: str, *, has_body: bool) -> Mapping[str, str]:
    headers = {"host": host, "accept": "application/json", "user-agent": f"workbench/{__version__}"}
    if operation.service != "workbench":
        headers |= {"x-acs-version": operation.version, "x-acs-action": operation.action}
    if has_body:
        headers["content-type"] = "application/json; charset=utf-8"
    return headers


def _query_value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list() | dict():
            return json.dumps(value, separators=(",", ":"))
    return str(value)
