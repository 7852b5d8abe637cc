"""Every answer is one that PAI's clients can read."""

from __future__ import annotations

import logging
import re

import pytest

from workbench.wire.declared import undeclared
from workbench.wire.operations import operation

REQUEST_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


def test_a_success_is_an_object_with_a_request_id_wrapped_as_dsw_wraps_it(daemon) -> None:
    answer = daemon.ask("GET", "/api/v2/instances")

    assert answer.status == 200
    assert REQUEST_ID.fullmatch(answer.json["RequestId"])
    assert (answer.json["Success"], answer.json["HttpStatusCode"], answer.json["TotalCount"]) == (
        True,
        200,
        3,
    )
    assert undeclared(operation("dsw", "ListInstances"), answer.json) == []


def test_an_error_says_what_and_what_to_do(daemon) -> None:
    answer = daemon.ask("POST", "/api/v2/instances", body=b'{"InstanceName":"a"}')

    assert answer.status == 409
    assert answer.json["Code"] == "NameTaken"
    assert answer.json["Message"] == "The name a is taken. Choose another."
    assert answer.json["Success"] is False


def test_what_breaks_inside_is_told_to_the_log_and_not_to_the_caller(daemon, caplog) -> None:
    answer = daemon.ask("DELETE", "/api/v2/instances/dsw-1")

    assert answer.status == 500
    assert answer.json["Code"] == "InternalError"
    assert b"42" not in re.sub(REQUEST_ID.pattern.encode(), b"", answer.text)
    assert any(
        record.exc_info and answer.json["RequestId"] in record.getMessage() for record in caplog.records
    )


@pytest.mark.parametrize(
    ("verb", "path", "status", "code"),
    [
        ("GET", "/api/v2/nothing/of/the/kind", 404, "InvalidAction.NotFound"),
        ("GET", "/", 404, "InvalidAction.NotFound"),
        ("PATCH", "/api/v2/instances", 405, "UnsupportedHTTPMethod"),
        ("PUT", "/api/v2/instances/dsw-1/start", 501, "NotImplemented"),
        ("GET", "/api/v2/instances/%FF", 400, "InvalidParameter"),
        ("GET", "/api/v2/instances?PageNumber=two", 400, "InvalidParameter"),
    ],
)
def test_what_is_not_there_is_refused_in_json(daemon, verb: str, path: str, status: int, code: str) -> None:
    answer = daemon.ask(verb, path)

    assert (answer.status, answer.json["Code"]) == (status, code)
    assert answer.json["Message"]


def test_a_body_that_is_no_json_is_refused(daemon) -> None:
    answer = daemon.ask("POST", "/api/v2/instances", body=b"{")

    assert (answer.status, answer.json["Code"]) == (400, "MalformedBody")


def test_a_body_that_is_too_large_is_refused(daemon) -> None:
    answer = daemon.ask("POST", "/api/v2/instances", body=b" " * (11 * 2**20))

    assert (answer.status, answer.json["Code"]) == (413, "RequestEntityTooLarge")


def test_health_is_told_to_everyone(daemon) -> None:
    assert daemon.ask("GET", "/workbench/v1/health", public=True).text == b'{"Status":"ok"}'


def test_an_open_operation_asks_for_no_credentials_and_may_send_a_browser_on(daemon) -> None:
    answer = daemon.ask("GET", "/workbench/v1/enter/dsw-1?ticket=t", public=True)

    assert (answer.status, answer.headers["location"], answer.headers["set-cookie"]) == (
        303,
        "/notebook/",
        "token=1",
    )


def test_an_argument_in_a_path_may_hold_anything(daemon) -> None:
    assert daemon.ask("GET", "/api/v2/instances/a%2Fb%20c%C3%BC").json["InstanceId"] == "a/b cü"


def test_each_request_leaves_one_line_in_the_log_without_its_query(daemon, caplog) -> None:
    caplog.set_level(logging.INFO)
    answer = daemon.ask("GET", "/api/v2/instances/dsw-1?Token=secret")

    (line,) = [
        record.getMessage() for record in caplog.records if answer.json["RequestId"] in record.getMessage()
    ]
    assert "operation=GetInstance" in line
    assert "status=200" in line
    assert "secret" not in caplog.text


def test_the_observer_hears_of_successes_and_of_refusals(daemon) -> None:
    daemon.ask("GET", "/api/v2/instances/dsw-1")
    daemon.ask("GET", "/api/v2/instances", public=True)
    good, bad = daemon.outcomes

    assert (good.operation.action, good.caller.name, good.fields["instance_id"], good.status) == (
        "GetInstance",
        "owner",
        "dsw-1",
        200,
    )
    assert (bad.operation.action, bad.caller, bad.status, bad.code) == (
        "ListInstances",
        None,
        401,
        "SignatureDoesNotMatch",
    )
