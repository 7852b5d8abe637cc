"""What a client sends, and whether the daemon's own code reads the same out of it."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.api.routing import find_operation
from workbench.client.requests import build
from workbench.errors import InvalidInput
from workbench.wire.fields import read_fields
from workbench.wire.operations import operation

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def test_each_field_travels_where_the_operation_says() -> None:
    stop = build(operation("dsw", "StopInstance"), {"instance_id": "dsw-1", "SaveImage": True}, host="h")
    create = build(operation("dsw", "CreateInstance"), {"InstanceName": "first"}, host="h")

    assert (stop.raw_path, stop.query, stop.body) == ("/api/v2/instances/dsw-1/stop", "SaveImage=true", b"")
    assert (create.query, create.body) == ("", b'{"InstanceName":"first"}')
    assert create.headers["x-acs-version"] == "2022-01-01"


def test_what_is_none_is_not_sent() -> None:
    request = build(operation("dsw", "ListInstances"), {"Status": None, "PageSize": 10}, host="h")

    assert request.query == "PageSize=10"


@given(name=ANY_TEXT, labels=st.dictionaries(ANY_TEXT, ANY_TEXT, min_size=1))
def test_the_daemon_reads_from_a_query_what_was_asked(name: str, labels: dict[str, str]) -> None:
    fields = {"InstanceName": name, "Labels": labels}

    request = build(operation("dsw", "ListInstances"), fields, host="h")

    assert read_fields(operation("dsw", "ListInstances"), {}, query=request.query, body=b"") == fields


@given(ANY_TEXT)
def test_an_argument_stays_one_part_of_the_path_whatever_is_in_it(instance_id: str) -> None:
    request = build(operation("dsw", "GetInstance"), {"instance_id": instance_id}, host="h")

    match = find_operation("GET", request.raw_path, request.headers["x-acs-version"])
    assert unquote(match.arguments["instance_id"]) == unquote(instance_id)
    assert match.operation.action == "GetInstance"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("GetInstance", {"instance_id": "\udcff"}),
        ("ListInstances", {"InstanceName": "\udcff"}),
        ("CreateInstance", {"EnvironmentVariables": {"A": "\udcff"}}),
    ],
)
def test_what_is_no_text_is_not_sent(action: str, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="not text"):
        build(operation("dsw", action), fields, host="h")


@pytest.mark.parametrize("fields", [{}, {"instance_id": "dsw-1", "Colour": "red"}])
def test_a_missing_argument_and_an_unknown_field_are_mistakes_of_the_caller(fields: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        build(operation("dsw", "GetInstance"), fields, host="h")
