"""Version, verb and path name the operation."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.api.routing import NoSuchOperation, VersionWanted, WrongVerb, find_operation, operation_path
from workbench.wire.operations import SERVICES, operations

EVERY = [each for service in SERVICES for each in operations(service).values()]


def test_every_operation_is_found_by_its_own_version_verb_and_path() -> None:
    for each in EVERY:
        path = re.sub(r"{(\w+)}", r"x-\1", each.path)
        match = find_operation(each.verb, path, each.version)

        assert match.operation == each
        assert match.arguments == {name: f"x-{name}" for name in re.findall(r"{(\w+)}", each.path)}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_an_argument_is_decoded_by_itself(name: str) -> None:
    match = find_operation("GET", f"/api/v2/instances/{quote(name, safe='')}", "2022-01-01")

    assert match.arguments == {"instance_id": name}


def test_a_path_of_one_service_needs_no_version() -> None:
    assert find_operation("GET", "/api/v2/instances", "").operation.service == "dsw"


def test_a_path_of_several_services_needs_one() -> None:
    with pytest.raises(VersionWanted, match="2022-01-12 is paistudio"):
        find_operation("GET", "/api/v1/resources", "")


def test_our_own_operations_need_none() -> None:
    assert find_operation("GET", "/workbench/v1/status", "").operation.action == "GetStatus"
    assert find_operation("GET", "/workbench/v1/status", "2022-01-01").operation.action == "GetStatus"


def test_an_unknown_version_is_named_with_those_that_exist() -> None:
    with pytest.raises(NoSuchOperation, match=r"'1999-01-01'.*2022-01-01 \(dsw\)"):
        find_operation("GET", "/api/v2/instances", "1999-01-01")


def test_a_wrong_verb_is_told_the_right_ones() -> None:
    with pytest.raises(WrongVerb, match="GET, POST is wanted"):
        find_operation("PUT", "/api/v2/instances", "2022-01-01")


@pytest.mark.parametrize(
    "path", ["/api/v2/instances/", "/api/v2/instances//", "//api/v2/instances", "/api/v2", ""]
)
def test_a_path_that_is_nearly_right_is_not_there(path: str) -> None:
    with pytest.raises(NoSuchOperation):
        find_operation("GET", path, "2022-01-01")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("/api/v2/instances", "/api/v2/instances"),
        ("/my/pai/api/v2/instances", "/api/v2/instances"),
        ("/openapi/api/v1/tenants", "/openapi/api/v1/tenants"),
        ("/api/v2/instances/api/v1/x", "/api/v2/instances/api/v1/x"),
        ("/workbench/v1/status", "/workbench/v1/status"),
        ("/elsewhere", "/elsewhere"),
    ],
)
def test_a_prefix_of_the_endpoint_is_taken_away(sent: str, meant: str) -> None:
    assert operation_path(sent) == meant
