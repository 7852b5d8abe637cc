"""A request as it came in, and where it came from."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.requests import Request as HttpRequest

from workbench.api.routing import operation_path
from workbench.errors import InvalidInput
from workbench.wire.signatures import Request

_LARGEST_BODY = 10 * 2**20
_ONLY_ONCE = ("authorization", "host", "x-acs-", "content-md5", "content-type", "date")


class BodyTooLarge(InvalidInput):
    """More was sent than any operation needs."""

    code = "RequestEntityTooLarge"
    status = 413


async def body(request: HttpRequest) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: It is, and was not read to its end.
    """
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _LARGEST_BODY:
            raise BodyTooLarge(f"The body is larger than {_LARGEST_BODY // 2**20} MiB.")
        chunks.append(chunk)
    return b"".join(chunks)


def read(request: HTTPConnection, verb: str, body: bytes = b"") -> Request:
    """A request as its sender signed it: without a prefix that the endpoint put before the path.

    Raises:
        InvalidInput: A header that decides something comes twice: one reader would take the first
            and the next one the last.
    """
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in headers and name.startswith(_ONLY_ONCE):
            raise InvalidInput(f"The header {name} comes more than once.")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path = operation_path(request.scope["raw_path"].decode("latin-1"))
    query = request.scope["query_string"].decode("latin-1")
    return Request(verb, path, query, headers, body)


def source(request: HTTPConnection) -> str:
    """Where a request came from: `unix:<uid>` on the local socket, else an address.

    Behind the gateway it is the last address of X-Forwarded-For, the one the gateway itself wrote.
    """
    if request.client is not None:
        return request.client.host
    forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    try:
        return str(ip_address(forwarded))
    except ValueError:
        return "gateway"
