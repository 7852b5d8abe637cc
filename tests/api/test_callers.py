"""Who a request is from is what the kernel or a signature says, and nothing else."""

from __future__ import annotations

import os

import pytest
from alibabacloud_pai_dsw20220101 import models
from alibabacloud_pai_dsw20220101.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import ResponseException


@pytest.fixture
def official_client(tcp_endpoint, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)

    def client(**changes: str) -> Client:
        keys = {"access_key_id": "the-id", "access_key_secret": "the-secret", **changes}
        return Client(Config(endpoint=tcp_endpoint, protocol="http", region_id="local", **keys))

    return client


def test_a_local_user_is_known_by_uid(daemon) -> None:
    daemon.ask("GET", "/api/v2/instances")

    assert daemon.outcomes[0].source == f"unix:{os.getuid()}"
    assert daemon.outcomes[0].caller.owner


def test_the_gateway_s_socket_gives_no_rights_whoever_opens_it(daemon) -> None:
    assert daemon.ask("GET", "/api/v2/instances", public=True).status == 401
    assert daemon.outcomes[0].source == "gateway"


@pytest.mark.parametrize("forwarded", ["unix:0", "1.2.3.4, unix:0", f"unix:{os.getuid()}", ""])
def test_nobody_becomes_a_local_user_by_a_header(daemon, forwarded: str) -> None:
    assert daemon.ask("GET", "/api/v2/instances", public=True, x_forwarded_for=forwarded).status == 401
    assert daemon.outcomes[0].source == "gateway"


def test_behind_the_gateway_the_last_address_counts(daemon) -> None:
    daemon.ask("GET", "/api/v2/instances", public=True, x_forwarded_for="6.6.6.6, 10.0.0.7")

    assert daemon.outcomes[0].source == "10.0.0.7"


def test_an_address_the_sender_wrote_is_not_taken_for_the_gateway_s(daemon) -> None:
    connection = daemon.connect(public=True)
    connection.putrequest("GET", "/api/v2/instances")
    connection.putheader("X-Forwarded-For", "6.6.6.6")
    connection.putheader("X-Forwarded-For", "10.0.0.7")
    connection.endheaders()
    connection.getresponse()

    assert daemon.outcomes[0].source == "10.0.0.7"


def test_a_local_user_s_header_about_addresses_is_not_believed(daemon) -> None:
    daemon.ask("GET", "/api/v2/instances", x_forwarded_for="1.2.3.4")

    assert daemon.outcomes[0].source == f"unix:{os.getuid()}"


def test_a_header_that_decides_something_may_come_only_once(daemon) -> None:
    connection = daemon.connect()
    connection.putrequest("GET", "/api/v2/instances")
    connection.putheader("x-acs-version", "2022-01-01")
    connection.putheader("x-acs-version", "2021-02-04")
    connection.endheaders()

    assert connection.getresponse().status == 400


def test_the_official_client_is_known_by_its_signature(daemon, official_client) -> None:
    answer = official_client().get_instance("dsw-1/x", models.GetInstanceRequest()).body

    assert (answer.instance_id, answer.user_id, answer.success) == ("dsw-1/x", "1", True)


def test_the_official_client_reads_our_refusals(daemon, official_client) -> None:
    with pytest.raises(ResponseException) as refused:
        official_client(access_key_secret="wrong").get_instance("dsw-1", models.GetInstanceRequest())

    assert refused.value.code == "SignatureDoesNotMatch"
    assert refused.value.status_code == 401


def test_the_official_client_does_not_take_a_limit_for_throttling(daemon, official_client) -> None:
    with pytest.raises(ResponseException) as refused:
        official_client().stop_instance("dsw-1", models.StopInstanceRequest())

    assert (type(refused.value).__name__, refused.value.code) == ("ClientException", "QuotaExceeded")


def test_the_official_client_hears_when_it_is_looked_at_again(daemon, official_client) -> None:
    with pytest.raises(ResponseException) as refused:
        official_client().get_token(models.GetTokenRequest())

    assert (type(refused.value).__name__, refused.value.retry_after) == ("ThrottlingException", 37)
