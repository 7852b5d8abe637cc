"""An answer that PAI's clients would not understand is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import Conflict
from workbench.wire.answers import refusal, success
from workbench.wire.declared import undeclared
from workbench.wire.operations import operation

GET = operation("dsw", "GetInstance")


def test_a_good_answer_has_nothing_undeclared() -> None:
    answer = success(
        GET, {"InstanceId": "dsw-1", "Priority": 1, "Labels": [{"Key": "a", "Value": "b"}]}, "R-1"
    )

    assert undeclared(GET, answer) == []
    assert answer["Success"] is True
    assert answer["HttpStatusCode"] == 200


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ({"Instance": "dsw-1"}, "Instance is not declared"),
        ({"InstanceId": 1}, "InstanceId is 1, declared string"),
        ({"InstanceId": None}, "InstanceId is None, declared string"),
        ({"Priority": True}, "Priority is True, declared integer"),
        ({"Labels": {}}, "Labels is {}, declared"),
        ({"Labels": [{"Name": "a"}]}, "Labels[0].Name is not declared"),
        ({"EnvironmentVariables": {"A": 1}}, "EnvironmentVariables.A is 1, declared string"),
    ],
)
def test_a_field_with_a_wrong_name_or_type_is_found(answer: dict[str, Any], place: str) -> None:
    (found,) = undeclared(GET, answer)

    assert found.startswith(place)


def test_an_answer_that_is_a_structure_as_a_whole_is_checked_too() -> None:
    assert undeclared(operation("aiworkspace", "GetRun"), {"RequestId": "R-1", "Nam": "x"}) == [
        "Nam is not declared"
    ]


def test_a_refusal_carries_the_hint_in_its_message() -> None:
    error = Conflict("The name a is taken.", hint="Choose another.", code="NameTaken")

    assert refusal(error, "R-1") == {
        "Code": "NameTaken",
        "Message": "The name a is taken. Choose another.",
        "RequestId": "R-1",
    }
    assert refusal(error, "R-1", service="dsw")["Success"] is False
