"""What the official clients sign is what we check, with every form they know."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alibabacloud_aiworkspace20210204 import models as workspace
from alibabacloud_pai_dsw20220101 import models as dsw
from darabonba.runtime import RuntimeOptions

from workbench.api.routing import operation_path
from workbench.wire.signatures import Claim, Request, Scheme, is_authentic, read_claim

NEWEST = {}
OLDER = {"signature_algorithm": "v2"}
FORMS = pytest.mark.parametrize("form", [NEWEST, OLDER], ids=["ACS3", "HMAC-SHA1"])

ODD = "a b+c/ü~*'!(%)"
"""Characters that clients and servers like to spell differently."""


def claim_of(request: Request) -> Claim:
    claim = read_claim(request)
    assert claim is not None
    return claim


def is_accepted(request: Request) -> bool:
    return is_authentic(request, claim_of(request), "the-secret")


@FORMS
def test_a_request_with_odd_characters_in_its_query_is_accepted(catcher, form) -> None:
    catcher.client(**form).list_instances(
        dsw.ListInstancesRequest(instance_name=ODD, labels={"a": "b c"}, status="", page_size=5)
    )

    assert is_accepted(catcher.last)


@FORMS
def test_a_request_with_odd_characters_in_its_path_is_accepted(catcher, form) -> None:
    catcher.client(**form).get_instance(ODD, dsw.GetInstanceRequest())

    assert is_accepted(catcher.last)


@FORMS
def test_a_request_with_a_body_is_accepted(catcher, form) -> None:
    catcher.client(**form).create_instance(
        dsw.CreateInstanceRequest(instance_name="Übung", environment_variables={"A": "1 & 2"})
    )

    assert is_accepted(catcher.last)


@FORMS
def test_a_request_of_another_service_is_accepted(catcher, form) -> None:
    catcher.workspace_client(**form).list_workspaces(workspace.ListWorkspacesRequest(verbose=True))

    assert is_accepted(catcher.last)


@FORMS
@pytest.mark.parametrize("name", ["dsw-1f", "a b", ODD])
async def test_a_request_of_the_asynchronous_client_is_accepted(catcher, form, name) -> None:
    await catcher.client(**form).get_instance_async(name, dsw.GetInstanceRequest(token=name))

    assert is_accepted(catcher.last)


@FORMS
def test_a_prefix_in_the_endpoint_is_sent_and_not_signed(catcher, form) -> None:
    catcher.client(prefix="/my/pai", **form).list_instances(dsw.ListInstancesRequest(instance_name=ODD))
    sent = catcher.last

    assert sent.raw_path == "/my/pai/api/v2/instances"
    assert is_accepted(replace(sent, raw_path=operation_path(sent.raw_path)))


def test_a_whole_url_as_the_endpoint_is_accepted_as_it_stands_in_the_host_header(catcher) -> None:
    client = catcher.client()
    client._endpoint = f"http://127.0.0.1:{catcher.port}"
    client.list_instances(dsw.ListInstancesRequest())

    assert catcher.last.headers["host"].startswith("http://")
    assert is_accepted(catcher.last)


@FORMS
def test_the_claim_says_who_signed_and_when(catcher, form) -> None:
    catcher.client(**form).list_instances(dsw.ListInstancesRequest())
    claim = claim_of(catcher.last)

    assert claim.access_key_id == "the-id"
    assert claim.signed_at is not None
    assert abs(datetime.now(UTC) - claim.signed_at) < timedelta(minutes=1)
    assert claim.nonce


@FORMS
def test_another_secret_is_refused(catcher, form) -> None:
    catcher.client(**form).list_instances(dsw.ListInstancesRequest())

    assert not is_authentic(catcher.last, claim_of(catcher.last), "the-secreT")


def test_the_older_form_covers_the_body_where_its_hash_is_sent(catcher) -> None:
    body = b'{"InstanceName":"a"}'
    hashed = {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    request = dsw.CreateInstanceRequest(instance_name="a")
    catcher.client(**OLDER).create_instance_with_options(request, hashed, RuntimeOptions())

    assert catcher.last.body == body
    assert is_accepted(catcher.last)
    assert not is_accepted(replace(catcher.last, body=body + b" "))


def test_a_bearer_token_is_read_as_the_official_client_sends_it(catcher) -> None:
    catcher.client(bearer_token="let-me-in", type="bearer").list_instances(dsw.ListInstancesRequest())
    claim = claim_of(catcher.last)

    assert claim == Claim(Scheme.BEARER, token="let-me-in")
    assert is_authentic(catcher.last, claim, "let-me-in")
    assert not is_authentic(catcher.last, claim, "let-me-out")
