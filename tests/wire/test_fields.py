"""What a request's fields become, and what is refused about them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidInput
from workbench.wire.fields import MalformedBody, WrongType, read_fields
from workbench.wire.operations import SERVICES, Operation, operation, operations

CREATE = operation("dsw", "CreateInstance")
LIST = operation("dsw", "ListInstances")
EAS_CREATE = operation("eas", "CreateService")
WORKLOADS = operation("paistudio", "ListQuotaWorkloads")
ALGORITHM = operation("paistudio", "CreateAlgorithmVersion")
UPDATE_JOB = operation("dlc", "UpdateJob")
UPDATE_QUOTA = operation("workbench", "UpdateWorkspaceQuota")
WORKSPACES = operation("aiworkspace", "ListWorkspaces")
EVERY = [each for service in SERVICES for each in operations(service).values()]

DEEP = b'{"MigrationOptions": {"a": ' + b"[" * 700 + b"]" * 700 + b"}}"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def from_body(body: Any) -> dict[str, Any]:
    return read_fields(CREATE, {}, query="", body=json.dumps(body).encode())


def from_query(query: str, asked: Any = LIST) -> dict[str, Any]:
    return read_fields(asked, {}, query=query, body=b"")


def test_path_query_and_body_become_one_mapping() -> None:
    update = operation("aiworkspace", "UpdateWorkspace")

    assert read_fields(update, {"WorkspaceId": "1"}, query="", body=b'{"Description":"x"}') == {
        "WorkspaceId": "1",
        "Description": "x",
    }


def test_a_query_becomes_values_of_the_declared_types() -> None:
    assert from_query("PageNumber=2&InstanceName=a+b%2Fc&Labels=%7B%22k%22%3A%22v%22%7D") == {
        "PageNumber": 2,
        "InstanceName": "a b/c",
        "Labels": {"k": "v"},
    }


@pytest.mark.parametrize(("text", "value"), [("True", True), ("true", True), ("False", False)])
def test_booleans_are_understood_as_python_and_json_spell_them(text: str, value: bool) -> None:
    assert from_query(f"Verbose={text}", WORKSPACES) == {"Verbose": value}


def test_a_structure_in_a_query_may_travel_in_parts() -> None:
    assert from_query("GmtEnqueuedTimeRange.StartTime=now&WorkloadType=dlc", WORKLOADS) == {
        "GmtEnqueuedTimeRange": {"StartTime": "now"},
        "WorkloadType": "dlc",
    }


def test_a_list_in_a_query_may_be_joined_by_commas() -> None:
    assert from_query("InstanceTypes=a,b", operation("eas", "DescribeMachineSpec")) == {
        "InstanceTypes": ["a", "b"]
    }


def test_a_form_is_read_like_a_query() -> None:
    fields = read_fields(ALGORITHM, {}, query="", body=b"AlgorithmSpec=%7B%22Image%22%3A%22i%22%7D")

    assert fields == {"AlgorithmSpec": {"Image": "i"}}


def test_a_body_that_is_one_value_is_kept_whole() -> None:
    assert read_fields(EAS_CREATE, {}, query="WorkspaceId=1", body=b'{"name": "x"}') == {
        "WorkspaceId": "1",
        "body": '{"name": "x"}',
    }


def test_numbers_are_taken_where_text_is_wanted() -> None:
    fields = from_body({"RequestedResource": {"CPU": 2, "Memory": "16"}, "EnvironmentVariables": {"A": 1}})

    assert fields == {"RequestedResource": {"CPU": "2", "Memory": "16"}, "EnvironmentVariables": {"A": "1"}}


@pytest.mark.parametrize(
    ("asked", "body", "fields"),
    [
        (CREATE, {"Priority": "3"}, {"Priority": 3}),
        (UPDATE_JOB, {"Priority": "-3"}, {"Priority": -3}),
        (UPDATE_QUOTA, {"Quota": {"Cpus": "1.5", "Gpus": 2}}, {"Quota": {"Cpus": 1.5, "Gpus": 2}}),
    ],
)
def test_texts_that_are_a_number_are_taken_where_one_is_wanted(
    asked: Operation, body: Any, fields: dict[str, Any]
) -> None:
    assert read_fields(asked, {}, query="", body=json.dumps(body).encode()) == fields


def test_unset_parts_of_a_structure_are_not_there() -> None:
    assert (
        from_body({"UserVpc": {"ExtendedCIDRs": [], "VpcId": None}, "Affinity": {}, "Priority": None}) == {}
    )


def test_an_empty_list_of_the_request_itself_means_none_of_them() -> None:
    assert from_body({"Labels": []}) == {"Labels": []}


def test_fields_that_newer_clients_send_are_left_out() -> None:
    assert from_body({"InstanceName": "a", "Colour": "red"}) == {"InstanceName": "a"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Priority": "high"}, "Priority is 'high'; a whole number is wanted."),
        ({"Priority": True}, "Priority is True; a whole number is wanted."),
        ({"Priority": "3.5"}, "Priority is '3.5'; a whole number is wanted."),
        ({"Priority": " 3"}, "Priority is ' 3'; a whole number is wanted."),
        ({"Priority": ""}, "Priority is ''; a whole number is wanted."),
        ({"Priority": "9" * 30}, "64 bits"),
        ({"Priority": 2**64}, "64 bits"),
        ({"InstanceName": {}}, "InstanceName is {}; text is wanted."),
        ({"InstanceName": "a\0"}, "without zero bytes"),
        ({"Datasets": {}}, "Datasets is {}; a list is wanted."),
        ({"Datasets": [{"Uri": []}]}, r"Datasets\[0\].Uri is \[\]; text is wanted."),
        ({"Datasets": ["x"]}, r"Datasets\[0\] is 'x'; an object is wanted."),
        ({"EnvironmentVariables": {"A": None}}, "EnvironmentVariables.A is None; text is wanted."),
        ({"EnvironmentVariables": {"A": "\ud800"}}, "broken characters"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place_and_what_is_wanted(body: Any, message: str) -> None:
    with pytest.raises(WrongType, match=message):
        from_body(body)


@pytest.mark.parametrize("query", ["PageNumber=two", "Labels=%7B", "InstanceName=%FF", "Status=a&Status=b"])
def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        from_query(query)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"NaN", b'{"Priority": NaN}', b"[" * 100_000, DEEP])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_fields(CREATE, {}, query="", body=body)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Operation, str, bytes]:
    asked = draw(st.sampled_from(EVERY))
    query = draw(st.dictionaries(st.sampled_from([*asked.query, "Other"]), st.text(max_size=10), max_size=3))
    body = draw(st.dictionaries(st.sampled_from([*asked.body, "Other"]), JSON, max_size=3))
    return asked, urlencode(query, errors="replace"), json.dumps(body).encode()


@given(requests())
def test_whatever_is_sent_is_read_or_refused_and_never_breaks(request: tuple[Operation, str, bytes]) -> None:
    asked, query, body = request
    try:
        fields = read_fields(asked, {}, query=query, body=body)
    except InvalidInput as error:
        assert error.message
    else:
        assert json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()
