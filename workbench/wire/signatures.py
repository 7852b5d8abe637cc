"""Who a request says it is from, and whether that is true.

Pure: a request in, a claim out, and a yes or no once the caller's secret is known. Three forms
arrive: ACS3-HMAC-SHA256 (PAI's own clients of today), the older HMAC-SHA1 of its REST services
(clients of yesterday, which leave the body unsigned), and a bearer token. Whether a request is
too old or was seen before is for whoever keeps the clock and the nonces.

What is signed is what was sent, the host as it stands in the header; only the query is taken
apart and spelt anew, since the wire says `+` where the signature says `%20`, and the path is
tried in two spellings, since PAI's asynchronous clients sign `%2A` and send `*`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from workbench.errors import InvalidInput
from workbench.wire.times import from_wire, to_wire

_ACS3 = "ACS3-HMAC-SHA256"
_ACS3_FORM = re.compile(
    r"ACS3-HMAC-SHA256\s+Credential=(?P<key>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[a-z0-9-]+(?:;[a-z0-9-]+)*),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_ROA_FORM = re.compile(r"acs\s+(?P<key>[^:\s]+):(?P<signature>[A-Za-z0-9+/]{27}=)")
_LONGEST_NONCE = 256


class IncompleteSignature(InvalidInput):
    """The credentials of a request are incomplete or contradict themselves."""

    code = "IncompleteSignature"


class Scheme(StrEnum):
    """The forms of credentials."""

    ACS3 = "ACS3-HMAC-SHA256"
    ROA = "HMAC-SHA1"
    BEARER = "BEARERTOKEN"


@dataclass(frozen=True)
class Request:
    """A request as it was sent. `raw_path` is still percent-encoded, header names are lower-case."""

    verb: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Claim:
    """Who a request says it is from; nothing of it is proven yet.

    A bearer token has neither key id, time nor nonce.
    """

    scheme: Scheme
    access_key_id: str = ""
    signed_at: datetime | None = None
    nonce: str = ""
    token: str = ""
    signature: str = ""
    signed_headers: tuple[str, ...] = ()


def read_claim(request: Request) -> Claim | None:
    """Read the credentials of a request.

    Returns:
        None when it has none at all.

    Raises:
        IncompleteSignature: It has some that cannot be used.
    """
    authorization = request.headers.get("authorization", "").strip()
    token = request.headers.get("x-acs-bearer-token", "").strip()
    if token and authorization:
        raise IncompleteSignature("The request carries both Authorization and x-acs-bearer-token.")
    if token:
        return Claim(Scheme.BEARER, token=token)
    if not authorization:
        return None

    kind, _, rest = authorization.partition(" ")
    match kind.lower():
        case "bearer" if rest.strip():
            return Claim(Scheme.BEARER, token=rest.strip())
        case "acs":
            return _roa_claim(request, authorization)
        case "acs3-hmac-sha256":
            return _acs3_claim(request, authorization)
    raise IncompleteSignature(
        f"Authorization is of the kind {kind[:40]!r}, which is not known here.",
        hint=f"{_ACS3}, acs (HMAC-SHA1) and Bearer are.",
    )


def is_authentic(request: Request, claim: Claim, secret: str) -> bool:
    """Whether a request was signed with this secret and arrived as it was signed.

    For a bearer token: whether the token is the secret.
    """
    match claim.scheme:
        case Scheme.BEARER:
            return _same(claim.token, secret)
        case Scheme.ROA:
            candidates = [_roa_signature(request, path, secret) for path in _spellings(request.raw_path)]
            return _body_fits_its_md5(request) and _is_among(claim.signature, candidates)
        case Scheme.ACS3:
            candidates = [
                _acs3_signature(request, path, claim.signed_headers, secret)
                for path in _spellings(request.raw_path)
            ]
            return _same(_body_hash(request), request.headers["x-acs-content-sha256"]) and _is_among(
                claim.signature, candidates
            )


def sign(
    request: Request, access_key_id: str, secret: str, *, now: datetime, nonce: str
) -> Mapping[str, str]:
    """The headers that sign a request in the newest form.

    Args:
        request: With its `host` header, and `content-type` where it has a body.
        access_key_id: Whose key.
        secret: That key's secret.
        now: Aware; the server refuses one that is far from its own clock.
        nonce: A word never used before.
    """
    added = {
        "x-acs-date": to_wire(now),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": _body_hash(request),
    }
    whole = Request(request.verb, request.raw_path, request.query, {**request.headers, **added}, request.body)
    signed = sorted(name for name in whole.headers if _must_be_signed(name) or name == "content-type")
    signature = _acs3_signature(whole, request.raw_path, signed, secret)
    credentials = f"Credential={access_key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
    return {**added, "authorization": f"{_ACS3} {credentials}"}


def _acs3_claim(request: Request, authorization: str) -> Claim:
    form = _ACS3_FORM.fullmatch(authorization)
    if form is None:
        raise IncompleteSignature(
            f"Authorization is not of the form {_ACS3} Credential=…,SignedHeaders=…,Signature=…."
        )
    signed = tuple(form["headers"].split(";"))
    needed = {"host", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
    missing = (needed | set(signed)) - request.headers.keys()
    if missing:
        raise IncompleteSignature(f"The header {min(missing)} is missing.")
    unsigned = {name for name in request.headers if _must_be_signed(name)} - set(signed)
    if unsigned:
        raise IncompleteSignature(f"The header {min(unsigned)} is sent and not signed.")
    _pairs(request.query)
    return Claim(
        Scheme.ACS3,
        access_key_id=form["key"],
        signed_at=from_wire(request.headers["x-acs-date"]),
        nonce=_nonce(request),
        signature=form["signature"],
        signed_headers=signed,
    )


def _roa_claim(request: Request, authorization: str) -> Claim:
    form = _ROA_FORM.fullmatch(authorization)
    if form is None:
        raise IncompleteSignature("Authorization is not of the form acs <key id>:<signature>.")
    pairs = _pairs(request.query)
    # This form joins decoded values by & and =, so that two different queries could have one signature.
    if any("&" in name or "=" in name or "&" in value for name, value in pairs):
        raise IncompleteSignature(
            "The signature HMAC-SHA1 does not cover a query value that holds '&'.", hint=f"Sign with {_ACS3}."
        )
    return Claim(
        Scheme.ROA,
        access_key_id=form["key"],
        signed_at=_http_date(request.headers.get("date", "")),
        nonce=_nonce(request),
        signature=form["signature"],
    )


def _nonce(request: Request) -> str:
    nonce = request.headers.get("x-acs-signature-nonce", "").strip()
    if not 0 < len(nonce) <= _LONGEST_NONCE:
        raise IncompleteSignature(f"x-acs-signature-nonce is wanted, of 1 to {_LONGEST_NONCE} characters.")
    return nonce


def _http_date(text: str) -> datetime:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 (who only signs need not load it)

    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise IncompleteSignature(f"The header date is {text!r}; an HTTP date is wanted.") from error


def _must_be_signed(name: str) -> bool:
    return name == "host" or name.startswith("x-acs-")


def _acs3_signature(request: Request, path: str, signed_headers: Iterable[str], secret: str) -> str:
    names = list(signed_headers)
    canonical = "\n".join(
        [
            request.verb,
            path or "/",
            "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in _pairs(request.query)),
            "".join(f"{name}:{request.headers[name].strip()}\n" for name in names),
            ";".join(names),
            request.headers["x-acs-content-sha256"],
        ]
    )
    to_sign = f"{_ACS3}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _roa_signature(request: Request, path: str, secret: str) -> str:
    content_type = request.headers.get("content-type", "")
    if content_type == "application/octet-stream" and not request.body:
        content_type = ""  # the asynchronous client's library adds it to an empty body after the signing
    own = sorted(name for name in request.headers if name.startswith("x-acs-"))
    query = "&".join(f"{name}={value}" if value else name for name, value in _pairs(request.query))
    to_sign = "\n".join(
        [
            request.verb,
            request.headers.get("accept", ""),
            request.headers.get("content-md5", ""),
            content_type,
            request.headers["date"],
            *(f"{name}:{request.headers[name]}" for name in own),
            f"{path}?{query}" if query else path,
        ]
    )
    return base64.b64encode(hmac.new(secret.encode(), to_sign.encode(), hashlib.sha1).digest()).decode()


def _spellings(raw_path: str) -> list[str]:
    """The path as sent and as PAI's clients spell it when they sign; most often the same."""
    signed = "/".join(quote(unquote_to_bytes(part), safe="~") for part in raw_path.split("/"))
    return [raw_path] if signed == raw_path else [raw_path, signed]


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return sorted(parse_qsl(query, keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise IncompleteSignature(f"The query cannot be read: {error}.") from error


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _body_hash(request: Request) -> str:
    return hashlib.sha256(request.body).hexdigest()


def _body_fits_its_md5(request: Request) -> bool:
    sent = request.headers.get("content-md5")
    return not sent or _same(sent, base64.b64encode(hashlib.md5(request.body).digest()).decode())  # noqa: S324


def _is_among(signature: str, candidates: Iterable[str]) -> bool:
    return any(_same(signature, candidate) for candidate in candidates)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
