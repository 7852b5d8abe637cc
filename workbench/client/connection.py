"""The blocking client: one connection a call, on the standard library alone.

Commands must start fast, so nothing else is imported. On the machine itself the daemon's
own socket is used, where the kernel says who asks; so commands work when the gateway does
not. From elsewhere the endpoint is used, with an access key or a token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.client import answers, requests
from workbench.client.answers import DaemonAway
from workbench.errors import InvalidInput
from workbench.settings import Settings
from workbench.wire.operations import Operation
from workbench.wire.signatures import Request, sign

if TYPE_CHECKING:
    from http.client import HTTPResponse

_ANSWER_WITHIN_S = 30.0
_CHUNK = 65536
_SILENCE_S = 90.0
"""Longest silence of a stream; the daemon sends a heartbeat much more often."""


@dataclass(frozen=True)
class Credentials:
    """What proves who asks where the kernel does not: an access key, or a token."""

    access_key_id: str = ""
    access_key_secret: str = ""
    token: str = ""


class Client:
    """Calls operations.

    Args:
        address: The daemon's socket, or the endpoint's URL.
        credentials: Needed for an endpoint.
        timeout_s: Longest wait for an answer.
    """

    def __init__(
        self,
        address: Path | str,
        credentials: Credentials | None = None,
        *,
        timeout_s: float = _ANSWER_WITHIN_S,
    ) -> None:
        self.address = address
        self._credentials = credentials or Credentials()
        self._timeout_s = timeout_s
        self._host = "localhost" if isinstance(address, Path) else _netloc(address)

    @classmethod
    def from_settings(
        cls, settings: Settings, *, endpoint: str = "", environ: Mapping[str, str] | None = None
    ) -> Client:
        """The client for this user, here.

        Args:
            endpoint: The Workbench to talk to; `WORKBENCH_ENDPOINT` when empty. The local
                daemon's own endpoint means its socket, as long as there is one.
            environ: Where `WORKBENCH_ACCESS_KEY_ID`, `WORKBENCH_ACCESS_KEY_SECRET` and
                `WORKBENCH_TOKEN` are looked up; the process's own environment by default.
                Beside an endpoint they say who asks, by whichever way it is reached.

        Raises:
            InvalidInput: The endpoint is no URL, or a key or token has what none has.
        """
        environ = os.environ if environ is None else environ
        endpoint = (endpoint or environ.get("WORKBENCH_ENDPOINT", "")).rstrip("/")
        if not endpoint:
            return cls(settings.socket)
        credentials = Credentials(
            access_key_id=_proof(environ, "WORKBENCH_ACCESS_KEY_ID"),
            access_key_secret=_proof(environ, "WORKBENCH_ACCESS_KEY_SECRET"),
            token=_proof(environ, "WORKBENCH_TOKEN"),
        )
        is_here = endpoint == settings.endpoint and settings.socket.exists()
        return cls(settings.socket if is_here else endpoint, credentials)

    def call(self, operation: Operation, **fields: Any) -> dict[str, Any]:
        """Ask for one operation.

        Args:
            fields: By their names in the operation's table; None is not sent.

        Raises:
            ClientError: The daemon refused or failed.
            DaemonAway: Nobody answers.
        """
        with self._sent(operation, fields, self._timeout_s) as response:
            return answers.read(response.status, response.read())

    @contextmanager
    def stream(self, operation: Operation, **fields: Any) -> Iterator[Iterator[dict[str, Any]]]:
        """Follow an operation that answers line by line, until the daemon ends it.

        Yields:
            The lines, once the daemon has agreed: one mapping each, an empty one for a
            heartbeat. Reading them may raise as this does.

        Raises:
            ClientError: The daemon refused or failed.
            DaemonAway: Nobody answers, or no more.
        """
        with self._sent(operation, fields, _SILENCE_S) as response:
            if response.status >= 400:
                answers.read(response.status, response.read())
            yield map(answers.read_line, _lines(response))

    def request(self, operation: Operation, fields: Mapping[str, Any]) -> Request:
        """What is sent for an operation, signed where there is something to sign with."""
        return self._signed(requests.build(operation, fields, host=self._host))

    def away(self, error: Exception) -> DaemonAway:
        """What to say when nobody answers, and what to do about it."""
        if not isinstance(self.address, Path):
            reason = getattr(error, "strerror", None) or error
            return DaemonAway(f"{self.address} does not answer: {reason}.")
        if isinstance(error, PermissionError):
            return DaemonAway(
                f"{self.address} belongs to another user.",
                hint="Ask them for an access key and use the endpoint: WORKBENCH_ENDPOINT, "
                "WORKBENCH_ACCESS_KEY_ID and WORKBENCH_ACCESS_KEY_SECRET.",
            )
        return DaemonAway("Workbench is not running; start it with `workbench up`.")

    @contextmanager
    def _sent(
        self, operation: Operation, fields: Mapping[str, Any], timeout_s: float
    ) -> Iterator[HTTPResponse]:
        from workbench.client.sockets import HTTPException, connection_to  # noqa: PLC0415 (not for who only signs)

        request = self.request(operation, fields)
        connection = connection_to(self.address, timeout_s)
        try:
            path = f"{request.raw_path}?{request.query}" if request.query else request.raw_path
            connection.request(request.verb, path, body=request.body or None, headers=dict(request.headers))
            yield connection.getresponse()
        except TimeoutError as error:
            raise DaemonAway(f"Workbench did not answer within {timeout_s:.0f} seconds.") from error
        except (OSError, HTTPException, UnicodeError) as error:  # the last for a host that cannot be one
            raise self.away(error) from error
        finally:
            connection.close()

    def _signed(self, request: Request) -> Request:
        match self._credentials:
            case Credentials(token=token) if token:
                added: Mapping[str, str] = {
                    "x-acs-bearer-token": token,
                    "x-acs-signature-type": "BEARERTOKEN",
                }
            case Credentials(access_key_id=id, access_key_secret=secret) if id:
                added = sign(request, id, secret, now=datetime.now(UTC), nonce=os.urandom(16).hex())
            case _:
                return request
        return replace(request, headers={**request.headers, **added})


def _lines(response: HTTPResponse) -> Iterator[bytes]:
    """The lines as they come; `read1` alone tells a connection that broke from an answer that ended."""
    rest = b""
    while chunk := response.read1(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _netloc(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")
    except ValueError:  # brackets that do not fit, a port that is none
        is_url = False
    if not is_url or not _is_word(endpoint):
        raise InvalidInput(f"endpoint is {endpoint!r}; a URL such as http://127.0.0.1:8580 is wanted.")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f"{host}:{port}"


def _proof(environ: Mapping[str, str], variable: str) -> str:
    text = environ.get(variable, "")
    if not _is_word(text):  # not shown: it may be a secret with a line too much
        raise InvalidInput(
            f"{variable} has spaces, line ends or letters that none has.", hint="Copy it anew."
        )
    return text


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
