"""A signature holds for what was signed and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.errors import InvalidInput
from workbench.wire.signatures import (
    Claim,
    IncompleteSignature,
    Request,
    Scheme,
    is_authentic,
    read_claim,
    sign,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "the-secret"

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="utf-8"), max_size=8)
PATHS = st.lists(VALUES.filter(bool), min_size=1, max_size=3).map(
    lambda parts: "/api/v1/" + "/".join(quote(part, safe="") for part in parts)
)
QUERIES = st.dictionaries(NAMES, VALUES, max_size=3).map(
    lambda pairs: "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items())
)


@st.composite
def signed_requests(draw: st.DrawFn) -> Request:
    plain = Request(
        draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"])),
        draw(PATHS),
        draw(QUERIES),
        {"host": "127.0.0.1:8580", "x-acs-version": "2022-01-01", "content-type": "application/json"},
        draw(st.binary(max_size=20)),
    )
    return signed(plain)


def signed(request: Request) -> Request:
    added = sign(request, "the-id", SECRET, now=NOW, nonce="n-1")
    return replace(request, headers={**request.headers, **added})


def is_accepted(request: Request, secret: str = SECRET) -> bool:
    try:
        claim = read_claim(request)
    except InvalidInput:
        return False
    return claim is not None and is_authentic(request, claim, secret)


def meaning(request: Request) -> tuple[object, ...]:
    """What a request says, whatever the spelling."""
    path = [unquote_to_bytes(part) for part in request.raw_path.split("/")]
    return request.verb, path, sorted(parse_qsl(request.query, keep_blank_values=True)), request.body


@given(signed_requests())
def test_what_we_sign_is_accepted(request_: Request) -> None:
    claim = read_claim(request_)

    assert claim is not None
    assert (claim.access_key_id, claim.signed_at, claim.nonce) == ("the-id", NOW, "n-1")
    assert is_authentic(request_, claim, SECRET)


@given(signed_requests(), st.text(min_size=1, max_size=12))
def test_no_other_secret_fits(request_: Request, secret: str) -> None:
    assume(secret != SECRET)

    assert not is_accepted(request_, secret.encode("utf-8", "replace").decode())


@given(signed_requests(), st.sampled_from(["verb", "raw_path", "query", "body"]), st.data())
def test_any_change_of_verb_path_query_or_body_is_refused(
    request_: Request, part: str, data: st.DataObject
) -> None:
    new = data.draw(
        {"verb": st.sampled_from(["GET", "PUT"]), "raw_path": PATHS, "query": QUERIES}.get(
            part, st.binary(max_size=20)
        )
    )
    changed = replace(request_, **{part: new})
    assume(meaning(changed) != meaning(request_))

    assert not is_accepted(changed)


@given(signed_requests(), st.data())
def test_any_changed_byte_of_a_signed_header_is_refused(request_: Request, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(request_.headers)))
    value = request_.headers[name]
    at = data.draw(st.integers(0, len(value) - 1))
    byte = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = value[:at] + byte + value[at + 1 :]
    assume(changed != value and not is_the_same_key_id(name, value, changed))

    assert not is_accepted(replace(request_, headers={**request_.headers, name: changed}))


def is_the_same_key_id(name: str, value: str, changed: str) -> bool:
    """The key's id is not signed: whose secret is looked up depends on it, so it proves itself."""
    without_id = [text.partition(",SignedHeaders")[2] for text in (value, changed)]
    return name == "authorization" and without_id[0] == without_id[1]


@pytest.mark.parametrize("name", ["x-acs-action", "x-acs-version", "x-acs-anything"])
def test_a_header_that_decides_something_cannot_be_slipped_in_unsigned(name: str) -> None:
    good = signed(Request("GET", "/api/v2/instances", "", {"host": "here"}))

    with pytest.raises(IncompleteSignature, match=f"{name} is sent and not signed"):
        read_claim(replace(good, headers={**good.headers, name: "x"}))


@pytest.mark.parametrize("name", ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"])
def test_a_missing_header_is_named(name: str) -> None:
    good = signed(Request("GET", "/api/v2/instances", "", {"host": "here"}))

    with pytest.raises(IncompleteSignature, match=f"{name} is missing"):
        read_claim(replace(good, headers={key: good.headers[key] for key in good.headers.keys() - {name}}))


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic dXNlcjpwYXNz",
        "Bearer ",
        "acs the-id",
        "acs the-id:short",
        "ACS3-HMAC-SHA256 Credential=the-id",
        "ACS3-HMAC-SHA256 Credential=the-id,SignedHeaders=host;,Signature=" + "0" * 64,
        "ACS3-HMAC-SM3 Credential=the-id,SignedHeaders=host,Signature=" + "0" * 64,
    ],
)
def test_malformed_credentials_are_not_taken_for_none(authorization: str) -> None:
    with pytest.raises(IncompleteSignature):
        read_claim(Request("GET", "/", "", {"authorization": authorization}))


def test_no_credentials_are_no_claim() -> None:
    assert read_claim(Request("GET", "/", "", {"host": "here"})) is None


def test_a_plain_bearer_token_is_understood() -> None:
    assert read_claim(Request("GET", "/", "", {"authorization": "Bearer abc"})) == Claim(
        Scheme.BEARER, token="abc"
    )


def test_two_kinds_of_credentials_at_once_are_refused() -> None:
    good = signed(Request("GET", "/", "", {"host": "here"}))

    with pytest.raises(IncompleteSignature):
        read_claim(replace(good, headers={**good.headers, "x-acs-bearer-token": "abc"}))


OLDER_HEADERS = {
    "date": "Fri, 02 Jan 2026 03:04:05 GMT",
    "accept": "application/json",
    "x-acs-signature-nonce": "n-1",
    "authorization": "acs the-id:" + "A" * 27 + "=",
}


def test_the_older_form_refuses_a_query_that_could_be_read_in_two_ways() -> None:
    with pytest.raises(IncompleteSignature, match="'&'"):
        read_claim(Request("GET", "/api/v1/jobs", "Name=a%26Owner=b", OLDER_HEADERS))


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 02 Jan 2026303:04:05 GMT+99999999999"])
def test_the_older_form_needs_a_date(date: str) -> None:
    with pytest.raises(IncompleteSignature, match="date"):
        read_claim(Request("GET", "/", "", {**OLDER_HEADERS, "date": date}))
